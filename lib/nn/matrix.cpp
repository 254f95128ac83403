#include "lib/nn/matrix.hpp"

#include "lib/nn/kernels/linear.hpp"
#include "lib/nn/kernels/matmul.hpp"
#include "lib/nn/kernels/packing.hpp"
#include "lib/weights/packed_cache.hpp"

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <omp.h>

#include <algorithm>
#include <utility>

namespace lmm::nn {
namespace {

constexpr std::int64_t kFewRows = 4;  // as many as the kernels take at once: the weights are read once

// From here on filling a panel is little beside its use.
constexpr std::int64_t kManyRows = 16;

// Of rows multiplied at a time, in pairs of weights instead: this bounds the working space, and panels stay in the caches.
constexpr std::int64_t kMostRows = 768;
constexpr std::int64_t kMostWeights = 1 << 22;

kernels::Matmul part_of(const kernels::Matmul& whole, std::int64_t row, std::int64_t rows, std::int64_t output, std::int64_t outputs) {
  const std::int64_t size = kernels::bytes_of(whole.dtype);
  kernels::Matmul part = whole;
  part.x = static_cast<const char*>(whole.x) + row * whole.x_stride * size;
  part.y = static_cast<char*>(whole.y) + (row * whole.y_stride + output) * size;
  part.rows = rows;
  if (outputs == whole.w.out) return part;
  part.w.weight = static_cast<const char*>(whole.w.weight) + output * whole.w.in * size;
  if (whole.w.bias != nullptr) part.w.bias = static_cast<const char*>(whole.w.bias) + output * size;
  part.w.out = outputs;
  return part;
}

void multiply(const kernels::Matmul& product) {
  thread_local kernels::MatmulPlan plan;  // of the worker thread: its working space serves all matrices
  plan.bind(kernels::best_isa(), product, ::omp_get_max_threads());
  // On torch's threads, as in Attention.
  kernels::MatmulPlan& work = plan;  // one object for all threads, not one of each
  const int prepare_chunks = work.prepare_chunks(), multiply_chunks = work.multiply_chunks();
#pragma omp parallel
  {
#pragma omp for schedule(dynamic)
    for (int chunk = 0; chunk < prepare_chunks; ++chunk) work.prepare(chunk);
#pragma omp for schedule(dynamic)
    for (int chunk = 0; chunk < multiply_chunks; ++chunk) work.multiply(chunk, ::omp_get_thread_num());
  }
}

}  // namespace

DType kernel_type(at::ScalarType type) noexcept { return type == at::kBFloat16 ? DType::bf16 : DType::fp32; }

Matrix::Matrix(at::Tensor dense) : stored_(std::move(dense)), dtype_(stored_.scalar_type()), out_(stored_.size(0)), in_(stored_.size(1)) {}

Matrix::Matrix(at::Tensor dense, WeightType packing, const Placement& placement) : Matrix(std::move(dense)) {
  if (packing == WeightType::full) return;
  const kernels::LinearView full = view();
  kernels::LinearView panels = full;
  panels.packing = packing_ = packing;
  pool_ = placement.pool;
  const at::Tensor kept = std::move(stored_);
  stored_ = packed(kept, full, panels, placement);
}

at::Tensor Matrix::packed(const at::Tensor& dense, const kernels::LinearView& full, const kernels::LinearView& panels,
                          const Placement& placement) {
  const std::int64_t size = kernels::weight_bytes(panels);
  const auto make = [&] {
    at::Tensor out = at::empty({size}, at::kByte);
    kernels::pack(*placement.pool, kernels::best_isa(), full, panels.packing, out.mutable_data_ptr());
    return out;
  };
  if (placement.cache == nullptr) return make();
  const std::string key = weights::PackedCache::key(
      {static_cast<const std::byte*>(dense.const_data_ptr()), dense.nbytes()},
      fmt::format("{}.{} {}x{} {}", weight_type_name(panels.packing), kernels::kPackedVersion, full.out, full.in, dtype_name(full.dtype)));
  const auto bytes = static_cast<std::uint64_t>(size);
  if (auto found = placement.cache->find(key, bytes)) {
    // from_blob wants a mutable pointer; nothing writes through it, and the mapping is read-only.
    return at::from_blob(const_cast<std::byte*>(found.get()), {size}, [found](void*) mutable { found.reset(); }, at::kByte);
  }
  at::Tensor out = make();
  placement.cache->add(key, {std::make_shared<at::Tensor>(out), static_cast<const std::byte*>(out.const_data_ptr())}, bytes);
  return out;
}

kernels::LinearView Matrix::view(const at::Tensor& bias) const {
  return {stored_.const_data_ptr(), kernel_type(dtype_), out_, in_,
          bias.defined() ? bias.const_data_ptr() : nullptr, packing_};
}

at::Tensor Matrix::dense() const {
  at::Tensor out = at::empty({out_, in_}, dtype_);
  kernels::unpack(*pool_, kernels::best_isa(), view(), out.mutable_data_ptr(), kernel_type(dtype_));
  return out;
}

at::Tensor Matrix::few(const at::Tensor& x, const at::Tensor& bias) const {
  const at::Tensor rows = x.reshape({-1, in_}).to(at::kFloat).contiguous();
  at::Tensor out = at::empty({rows.size(0), out_}, at::kFloat);
  kernels::linear(*pool_, kernels::best_isa(), view(bias), rows.const_data_ptr<float>(), rows.size(0),
                  out.mutable_data_ptr<float>());
  std::vector<std::int64_t> shape = x.sizes().vec();
  shape.back() = out_;
  return out.to(x.scalar_type()).view(shape);
}

// torch has the tiles, and fp32 products as fast as ours.
bool Matrix::has_kernel(const at::Tensor& x) const {
  if (!stored_.device().is_cpu() || x.scalar_type() != dtype_) return false;
  const bool half = dtype_ == at::kBFloat16;
  if (half && kernels::has_bf16_tiles()) return false;
  if (packing_ != WeightType::full) return true;
  return half && kernels::best_isa() != kernels::Isa::portable && x.numel() >= kManyRows * in_;
}

at::Tensor Matrix::many(const at::Tensor& x, const at::Tensor& bias, kernels::Nonlinearity nonlinearity) const {
  const at::Tensor rows = x.reshape({-1, in_}).contiguous();
  std::vector<std::int64_t> shape = x.sizes().vec();
  shape.back() = out_;
  at::Tensor out = at::empty(shape, x.options());
  kernels::Matmul product;
  product.dtype = kernel_type(dtype_);
  product.x = rows.const_data_ptr();
  product.y = out.mutable_data_ptr();
  product.x_stride = in_;
  product.y_stride = out_;
  product.rows = rows.size(0);
  product.w = view(bias);
  product.nonlinearity = nonlinearity;
  const bool pairs = kernels::in_pairs(kernels::best_isa(), product);
  const std::int64_t most_rows = pairs ? product.rows : kMostRows;
  const std::int64_t most_outputs = pairs ? std::max(kMostWeights / in_, std::int64_t{1}) : out_;
  for (std::int64_t row = 0; row < product.rows; row += most_rows) {
    for (std::int64_t output = 0; output < out_; output += most_outputs) {
      multiply(part_of(product, row, std::min(most_rows, product.rows - row), output, std::min(most_outputs, out_ - output)));
    }
  }
  return out;
}

at::Tensor Matrix::linear(const at::Tensor& x, const at::Tensor& bias, const Activation* activation) const {
  const auto activated = [activation](const at::Tensor& y) { return activation != nullptr ? (*activation)(y) : y; };
  if (packing_ != WeightType::full && x.numel() <= kFewRows * in_) return activated(few(x, bias));
  if (has_kernel(x)) {
    return many(x, bias, activation != nullptr ? activation->kind() : kernels::Nonlinearity::none);
  }
  const at::Tensor weight = packing_ == WeightType::full ? stored_ : dense();
  return activated(bias.defined() ? at::linear(x, weight, bias) : at::linear(x, weight));
}

}  // namespace lmm::nn
