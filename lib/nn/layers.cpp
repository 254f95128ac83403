#include "lib/nn/layers.hpp"

#include "lib/nn/kernels/bf16_rows.hpp"

#include <ATen/ATen.h>

namespace lmm::nn {

Linear::Linear(const WeightScope& weights, std::int64_t in, std::int64_t out, bool bias)
    : weight_(weights.matrix("weight", {out, in})) {
  if (bias) bias_ = weights.tensor("bias", {out});
}

Linear Linear::joined(const WeightScope& weights, std::initializer_list<std::string_view> names, std::int64_t in,
                      std::int64_t out_of_each, bool bias) {
  const auto spelled = [&](const char* what) {
    std::vector<std::string> out;
    for (const std::string_view name : names) out.push_back(fmt::format("{}.{}", name, what));
    return out;
  };
  Linear linear;
  linear.weight_ = Matrix(weights.joined(spelled("weight"), {out_of_each, in}), weights.packing(), weights.placement());
  if (bias) linear.bias_ = weights.joined(spelled("bias"), {out_of_each});
  return linear;
}

at::Tensor Linear::operator()(const at::Tensor& x) const { return weight_.linear(x, bias_); }

at::Tensor Linear::operator()(const at::Tensor& x, const Activation& activation) const {
  return weight_.linear(x, bias_, &activation);
}

RmsNorm::RmsNorm(const WeightScope& weights, std::int64_t size, double eps)
    : weight_(weights.tensor("weight", {size})), eps_(eps) {}

at::Tensor RmsNorm::operator()(const at::Tensor& x) const {
  if (x.device().is_cpu() && x.scalar_type() == at::kBFloat16 && weight_.scalar_type() == at::kBFloat16) {
    const at::Tensor in = x.contiguous();
    at::Tensor out = at::empty_like(in);
    // One pass on this thread takes less than the reference's seven steps on all.
    kernels::rms_norm(kernels::best_isa(), {weight_.const_data_ptr(), DType::bf16, weight_.size(0)}, eps_,
                      static_cast<const std::uint16_t*>(in.const_data_ptr()), in.numel() / weight_.size(0),
                      static_cast<std::uint16_t*>(out.mutable_data_ptr()));
    return out;
  }
  const at::Tensor wide = x.to(at::kFloat);
  const at::Tensor scale = at::rsqrt(wide.pow(2).mean(-1, true) + eps_);
  return weight_ * (wide * scale).to(x.scalar_type());
}

LayerNorm::LayerNorm(const WeightScope& weights, std::int64_t size, double eps)
    : weight_(weights.tensor("weight", {size})), bias_(weights.tensor("bias", {size})), eps_(eps) {}

at::Tensor LayerNorm::operator()(const at::Tensor& x) const {
  return at::layer_norm(x, weight_.sizes(), weight_, bias_, eps_);
}

}  // namespace lmm::nn
