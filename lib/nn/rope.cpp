#include "lib/nn/rope.hpp"

#include <ATen/ATen.h>

#include <cmath>

namespace lmm::nn {

Rope::Rope(const RopeConfig& config, const Placement& placement)
    : frequencies_(config.inverse_frequencies()),
      axes_(config.axes),
      attention_factor_(config.attention_factor),
      dtype_(placement.dtype) {
  inverse_frequencies_ = at::tensor(frequencies_, at::TensorOptions().dtype(at::kFloat)).to(placement.device);
}

RopeTable Rope::table(std::int64_t first, std::int64_t tokens) const {
  const at::Tensor positions = at::arange(first, first + tokens, inverse_frequencies_.options());
  return table_of(positions.unsqueeze(1) * inverse_frequencies_.unsqueeze(0));
}

RopeTable Rope::table(std::span<const Position> positions) const {
  const auto tokens = static_cast<std::int64_t>(positions.size());
  const at::Tensor each = at::empty({tokens, static_cast<std::int64_t>(frequencies_.size())}, at::kFloat);
  float* out = each.mutable_data_ptr<float>();
  for (const Position& position : positions) {
    for (std::size_t i = 0; i < frequencies_.size(); ++i) {
      *out++ = static_cast<float>(position[axes_.empty() ? 0 : static_cast<std::size_t>(axes_[i])]);
    }
  }
  return table_of(each.to(inverse_frequencies_.device()) * inverse_frequencies_.unsqueeze(0));
}

/// half (tokens, head_dim / 2): angles in fp32.
RopeTable Rope::table_of(const at::Tensor& half) const {
  const at::Tensor angles = at::cat({half, half}, -1);  // (tokens, head_dim)
  return {(angles.cos() * attention_factor_).to(dtype_), (angles.sin() * attention_factor_).to(dtype_)};
}

void Rope::angles(const Position& position, std::span<float> cos, std::span<float> sin) const {
  const auto factor = static_cast<float>(attention_factor_);
  for (std::size_t i = 0; i < frequencies_.size(); ++i) {
    const auto place = static_cast<float>(position[axes_.empty() ? 0 : static_cast<std::size_t>(axes_[i])]);
    const float angle = place * frequencies_[i];
    cos[i] = std::cos(angle) * factor;
    sin[i] = std::sin(angle) * factor;
  }
}

at::Tensor rotate(const at::Tensor& x, const RopeTable& table) {
  const auto half = x.size(-1) / 2;
  const at::Tensor turned = at::cat({x.narrow(-1, half, half).neg(), x.narrow(-1, 0, half)}, -1);
  return x * table.cos + turned * table.sin;
}

}  // namespace lmm::nn
