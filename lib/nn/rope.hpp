#pragma once

#include "lib/nn/placement.hpp"
#include "lib/nn/position.hpp"
#include "lib/nn/rope_config.hpp"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>
#include <vector>

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

  /// For the positions of tokens on three axes; a model with plain positions takes their first.
  RopeTable table(std::span<const Position> positions) const;

  /// cos and sin (head_dim / 2) of one position, in fp32.
  void angles(const Position& position, std::span<float> cos, std::span<float> sin) const;

 private:
  RopeTable table_of(const at::Tensor& half) const;

  std::vector<float> frequencies_;    // (head_dim / 2)
  std::vector<std::int64_t> axes_;    // (head_dim / 2), or empty: plain positions
  at::Tensor inverse_frequencies_;    // as frequencies_, on the device
  double attention_factor_;
  at::ScalarType dtype_;
};

/// x (batch, heads, tokens, head_dim) -> same.
at::Tensor rotate(const at::Tensor& x, const RopeTable& table);

}  // namespace lmm::nn
