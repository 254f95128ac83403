#pragma once

#include "lib/nn/kernels/views.hpp"

#include <cstdint>

namespace lmm::nn::kernels {

/// What some rows of a product over many become, for as many outputs as a panel has columns from `first` on.
struct PanelOutput {
  const LinearView* w;
  std::int64_t first;
  Nonlinearity nonlinearity;
  void* y;  // (rows, w.out), rows y_stride apart
  std::int64_t y_stride;
  DType dtype;  // of y
};

/// The product by multiply-add of fp32 numbers, with panels of RowKernels::panel columns.
struct MatmulPanel {
  const float* x;  // (rows, w.in), rows x_stride apart
  std::int64_t x_stride, rows;
  PanelOutput out;
  float* room;  // panel x (kMatmulDepth + rows)
};
constexpr std::int64_t kMatmulDepth = 768;  // of a panel that is in use at once: it stays in the second cache

/// Rows in 8 bits: number i of a row is scale[i / 32] * (q[i] - 128), as Int8Block has weights.
struct Int8Rows {
  std::uint8_t* q;  // (rows, blocks, 32)
  float* scales;    // (rows, blocks)
  std::int64_t blocks;
};

/// The product of packed weights and packed rows, with panels of kInt8Panel columns.
struct Int8Panel {
  Int8Rows x;
  std::int64_t rows;
  PanelOutput out;
  float* room;  // int8_room(x.blocks) numbers, aligned to 64 bytes
};
constexpr std::int64_t kInt8Panel = 32;
constexpr std::int64_t int8_room(std::int64_t blocks) { return blocks * kInt8Panel * (Int8Block::kSize / 4 + 2); }

// Both only where the machine has dot products of 8-bit integers (has_int8_dots()).

/// Row r of `to` becomes x (in numbers of `dtype`), to the nearest of 255 steps of each block; a block with a number that is
/// not finite becomes no numbers.
void pack_row(const void* x, DType dtype, std::int64_t in, const Int8Rows& to, std::int64_t r) noexcept;

void multiply_int8(const Int8Panel& work) noexcept;

}  // namespace lmm::nn::kernels
