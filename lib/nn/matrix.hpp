#pragma once

#include "lib/nn/activation.hpp"
#include "lib/nn/kernels/thread_pool.hpp"
#include "lib/nn/kernels/views.hpp"
#include "lib/nn/placement.hpp"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>

namespace lmm::nn {

/// A compute type as lmm's own kernels name it: they have bf16 and fp32.
DType kernel_type(at::ScalarType type) noexcept;

/// A weight matrix (out, in): in the compute type, or packed, on the CPU. Products over many rows are torch's where it
/// multiplies faster than lmm's own kernel, and a packed matrix is made dense for them; over few rows the packed numbers are
/// read as they are.
class Matrix {
 public:
  Matrix() = default;

  /// The tensor itself.
  explicit Matrix(at::Tensor dense);

  /// Packs what `dense` (fp32 or bf16, on the CPU) holds, or takes it from the placement's cache; full: the tensor itself.
  Matrix(at::Tensor dense, WeightType packing, const Placement& placement);

  /// (..., in) -> (..., out), and the activation of it. Worker thread only.
  at::Tensor linear(const at::Tensor& x, const at::Tensor& bias = {}, const Activation* activation = nullptr) const;

  /// For lmm's own kernels; `bias` (out) of the compute type, may be undefined.
  kernels::LinearView view(const at::Tensor& bias = {}) const;

 private:
  static at::Tensor packed(const at::Tensor& dense, const kernels::LinearView& full, const kernels::LinearView& panels,
                           const Placement& placement);
  at::Tensor dense() const;
  bool has_kernel(const at::Tensor& x) const;
  at::Tensor few(const at::Tensor& x, const at::Tensor& bias) const;
  at::Tensor many(const at::Tensor& x, const at::Tensor& bias, kernels::Nonlinearity nonlinearity) const;

  at::Tensor stored_;  // (out, in) in the compute type, or the bytes of the panels
  at::ScalarType dtype_ = at::kFloat;
  std::int64_t out_ = 0, in_ = 0;
  WeightType packing_ = WeightType::full;
  std::shared_ptr<kernels::ThreadPool> pool_;
};

}  // namespace lmm::nn
