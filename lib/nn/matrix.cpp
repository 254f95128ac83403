#include "lib/nn/matrix.hpp"

#include "lib/nn/kernels/linear.hpp"
#include "lib/nn/kernels/packing.hpp"

#include <ATen/ATen.h>

#include <utility>

namespace lmm::nn {
namespace {

constexpr std::int64_t kFewRows = 4;  // as many as the kernels take at once: the weights are read once

DType kernel_type(at::ScalarType type) { return type == at::kBFloat16 ? DType::bf16 : DType::fp32; }

}  // namespace

Matrix::Matrix(at::Tensor dense) : stored_(std::move(dense)), dtype_(stored_.scalar_type()), in_(stored_.size(1)) {}

Matrix::Matrix(at::Tensor dense, WeightType packing, std::shared_ptr<kernels::ThreadPool> pool) : Matrix(std::move(dense)) {
  if (packing == WeightType::full) return;
  const kernels::LinearView full = view();
  packing_ = packing;
  pool_ = std::move(pool);
  const at::Tensor kept = std::exchange(stored_, {});
  stored_ = at::empty({kept.size(0), kernels::row_bytes({nullptr, full.dtype, full.out, in_, nullptr, packing})}, at::kByte);
  kernels::pack_int8(*pool_, full, static_cast<kernels::Int8Block*>(stored_.mutable_data_ptr()));
}

kernels::LinearView Matrix::view(const at::Tensor& bias) const {
  return {stored_.const_data_ptr(), kernel_type(dtype_), stored_.size(0), in_,
          bias.defined() ? bias.const_data_ptr() : nullptr, packing_};
}

at::Tensor Matrix::dense() const {
  at::Tensor out = at::empty({stored_.size(0), in_}, dtype_);
  kernels::unpack(*pool_, kernels::best_isa(), view(), out.mutable_data_ptr(), kernel_type(dtype_));
  return out;
}

at::Tensor Matrix::few(const at::Tensor& x, const at::Tensor& bias) const {
  const at::Tensor rows = x.reshape({-1, in_}).to(at::kFloat).contiguous();
  at::Tensor out = at::empty({rows.size(0), stored_.size(0)}, at::kFloat);
  kernels::linear(*pool_, kernels::best_isa(), view(bias), rows.const_data_ptr<float>(), rows.size(0),
                  out.mutable_data_ptr<float>());
  std::vector<std::int64_t> shape = x.sizes().vec();
  shape.back() = stored_.size(0);
  return out.to(x.scalar_type()).view(shape);
}

at::Tensor Matrix::linear(const at::Tensor& x, const at::Tensor& bias) const {
  if (packing_ != WeightType::full && x.numel() <= kFewRows * in_) return few(x, bias);
  const at::Tensor weight = packing_ == WeightType::full ? stored_ : dense();
  return bias.defined() ? at::linear(x, weight, bias) : at::linear(x, weight);
}

}  // namespace lmm::nn
