#pragma once

#include "lib/nn/kernels/views.hpp"

#include <ATen/core/Tensor.h>

#include <string_view>

namespace lmm::nn {

/// An activation by its name in `hidden_act` (transformers/activations.py). Error unsupported for an unknown name.
class Activation {
 public:
  explicit Activation(std::string_view name);
  /// f(x); what x holds may be overwritten with it.
  at::Tensor operator()(const at::Tensor& x) const;

  /// f(gate) * up, as gated MLPs have it; what gate holds may be overwritten with it.
  at::Tensor gated(const at::Tensor& gate, const at::Tensor& up) const;

  /// The same for lmm's own kernels, which compute it behind a product.
  kernels::Nonlinearity kind() const noexcept { return kind_; }

 private:
  bool has_kernel(const at::Tensor& x) const;

  kernels::Nonlinearity kind_;
};

}  // namespace lmm::nn
