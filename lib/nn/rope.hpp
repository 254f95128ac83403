#pragma once

#include "lib/nn/placement.hpp"
#include "lib/nn/rope_config.hpp"

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace lmm::nn {

/// Rotary embedding for one forward pass.
struct RopeTable {
  at::Tensor cos;  // (tokens, head_dim) in the compute type
  at::Tensor sin;
};

/// Rotates queries and keys by their positions, halves split as Llama does.
class Rope {
 public:
  Rope(const RopeConfig& config, const Placement& placement);

  /// For positions first .. first + tokens - 1.
  RopeTable table(std::int64_t first, std::int64_t tokens) const;

  const at::Tensor& inverse_frequencies() const noexcept { return inverse_frequencies_; }
  double attention_factor() const noexcept { return attention_factor_; }

 private:
  at::Tensor inverse_frequencies_;  // (head_dim / 2) fp32
  double attention_factor_;
  at::ScalarType dtype_;
};

/// x (batch, heads, tokens, head_dim) -> same.
at::Tensor rotate(const at::Tensor& x, const RopeTable& table);

}  // namespace lmm::nn
