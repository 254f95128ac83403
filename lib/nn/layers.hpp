#pragma once

#include "lib/nn/activation.hpp"
#include "lib/nn/matrix.hpp"
#include "lib/nn/weight_scope.hpp"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

namespace lmm::nn {

/// y = x W^T + b. Weight (out, in), bias (out).
class Linear {
 public:
  Linear(const WeightScope& weights, std::int64_t in, std::int64_t out, bool bias);

  /// Several products of one size in one, such as those of queries, keys and values: the weights of each scope, one
  /// behind the other.
  static Linear joined(const WeightScope& weights, std::initializer_list<std::string_view> names, std::int64_t in,
                       std::int64_t out_of_each, bool bias);

  at::Tensor operator()(const at::Tensor& x) const;  // (..., in) -> (..., out)
  at::Tensor operator()(const at::Tensor& x, const Activation& activation) const;  ///< and the activation of it

  kernels::LinearView view() const { return weight_.view(bias_); }

 private:
  Linear() = default;

  Matrix weight_;
  at::Tensor bias_;  // undefined without bias
};

/// x / rms(x) * w, the root mean square in fp32 (Zhang and Sennrich 2019, arXiv 1910.07467; LlamaRMSNorm).
class RmsNorm {
 public:
  RmsNorm(const WeightScope& weights, std::int64_t size, double eps);
  at::Tensor operator()(const at::Tensor& x) const;  // (..., size) -> same

  const at::Tensor& weight() const noexcept { return weight_; }
  double eps() const noexcept { return eps_; }

 private:
  at::Tensor weight_;
  double eps_;
};

class LayerNorm {
 public:
  LayerNorm(const WeightScope& weights, std::int64_t size, double eps);
  at::Tensor operator()(const at::Tensor& x) const;  // (..., size) -> same

  const at::Tensor& weight() const noexcept { return weight_; }
  const at::Tensor& bias() const noexcept { return bias_; }
  double eps() const noexcept { return eps_; }

 private:
  at::Tensor weight_;
  at::Tensor bias_;
  double eps_;
};

}  // namespace lmm::nn
