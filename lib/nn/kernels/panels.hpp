#pragma once

#include "lib/nn/kernels/views.hpp"

#include <cstdint>

namespace lmm::nn::kernels {

/// Where a product goes, and what becomes of its sums on the way.
struct ProductOutput {
  const LinearView* w;
  void* y;  // (rows, w.out), rows y_stride apart
  std::int64_t y_stride;
  DType dtype = DType::fp32;  // of y
  Nonlinearity nonlinearity = Nonlinearity::none;
  bool accumulate = false;  // y +=
};

/// Full weights times many rows, for RowKernels::panel outputs from `first` on.
struct MatmulPanel {
  const void* x;  // (rows, w.in) of fp32 numbers, or of bf16 ones for matmul_in_pairs; rows x_stride apart
  std::int64_t x_stride, rows, first;
  ProductOutput out;
  float* room;  // panel x (kMatmulDepth + rows); for matmul_in_pairs panel x rows, where w.in / 2 is above kMatmulDepth
  const float* filled = nullptr;  // by fill_pairs
};
constexpr std::int64_t kMatmulDepth = 768;  // of a panel that is in use at once, in numbers of 32 bits: it stays in the second cache

}  // namespace lmm::nn::kernels
