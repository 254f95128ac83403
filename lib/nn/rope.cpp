#include "lib/nn/rope.hpp"

#include <ATen/ATen.h>

namespace lmm::nn {

Rope::Rope(const RopeConfig& config, const Placement& placement)
    : attention_factor_(config.attention_factor), dtype_(placement.dtype) {
  const std::vector<float> inverse = config.inverse_frequencies();
  inverse_frequencies_ = at::tensor(inverse, at::TensorOptions().dtype(at::kFloat)).to(placement.device);
}

RopeTable Rope::table(std::int64_t first, std::int64_t tokens) const {
  const at::Tensor positions = at::arange(first, first + tokens, inverse_frequencies_.options());
  const at::Tensor half = positions.unsqueeze(1) * inverse_frequencies_.unsqueeze(0);  // (tokens, head_dim / 2)
  const at::Tensor angles = at::cat({half, half}, -1);                                 // (tokens, head_dim)
  return {(angles.cos() * attention_factor_).to(dtype_), (angles.sin() * attention_factor_).to(dtype_)};
}

at::Tensor rotate(const at::Tensor& x, const RopeTable& table) {
  const auto half = x.size(-1) / 2;
  const at::Tensor turned = at::cat({x.narrow(-1, half, half).neg(), x.narrow(-1, 0, half)}, -1);
  return x * table.cos + turned * table.sin;
}

}  // namespace lmm::nn
