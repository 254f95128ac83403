#pragma once

#include "lib/nn/kernels/bf16_tile.hpp"
#include "lib/nn/kernels/cpu.hpp"
#include "lib/nn/kernels/panels.hpp"
#include "lib/nn/kernels/views.hpp"

#include <cstdint>

namespace lmm::nn::kernels {

/// One key/value head of one layer and the query heads that share it, over some of the positions.
struct AttentionSlice {
  const float* queries;  // (group, head_dim), rotated
  std::int64_t group;    // query heads
  std::int64_t head_dim;
  const void* keys;         // (positions, head_dim)
  const void* values;       // (positions, head_dim)
  DType dtype;              // of keys and values
  std::int64_t begin, end;  // positions, at least one
  float scale;              // of the scores
};

/// What one thread does between two barriers, compiled once for each instruction set from row_kernels.inc.
/// Sums are in fp32. A row's result does not depend on how rows are shared out, nor on how many x there are.
struct RowKernels {
  /// Full weights: y[j * y_stride + r] (+)= x_j . row r + bias[r] for r in [begin, end), j in [0, m); x_j = x + j * in.
  void (*linear)(const LinearView& w, std::int64_t begin, std::int64_t end, const float* x, std::int64_t m, float* y,
                 std::int64_t y_stride, bool accumulate);

  /// x (n) = silu(x) * by.
  void (*silu_mul)(float* x, const float* by, std::int64_t n);

  /// y = f(x W^T + b), with fp32 sums over i in rising order: the same bits however rows are shared out.
  void (*matmul)(const MatmulPanel& work);
  std::int64_t panel;

  /// x (n) = f(x), in place.
  void (*activate)(Nonlinearity f, float* x, std::int64_t n);

  /// y (n) = x / sqrt(mean(x^2) + eps) * weight. y may be x.
  void (*rms_norm)(const float* x, const VectorView& weight, float eps, float* y);

  /// x (heads, head_dim) in place: halves (a, b) become (a cos - b sin, b cos + a sin); cos and sin (head_dim / 2).
  void (*rope)(float* x, std::int64_t heads, std::int64_t head_dim, const float* cos, const float* sin);

  /// Copies n numbers, rounding to nearest even where `dtype` is bf16.
  void (*store)(const float* x, std::int64_t n, void* out, DType dtype);

  /// Softmax attention over the slice, not yet divided: sums (group, head_dim) of exp(score - largest) * value, and
  /// for each query head its largest score and its sum of exp(score - largest).
  void (*attend)(const AttentionSlice& slice, float* sums, float* largest, float* total);

  /// Joins `slices` results of attend for one head, strides in floats between slices, into out (head_dim).
  void (*join)(const float* sums, std::int64_t sums_stride, const float* largest, const float* total,
               std::int64_t scalars_stride, std::int64_t slices, std::int64_t head_dim, float* out);

  /// Largest of x (n >= 1).
  Best (*largest)(const float* x, std::int64_t n);

  /// y (n) = x, from bf16.
  void (*widen)(const std::uint16_t* x, std::int64_t n, float* y);

  // As in bf16_rows.hpp.
  void (*rms_norm_bf16)(const std::uint16_t* x, const VectorView& weight, float eps, std::uint16_t* y);
  void (*activate_bf16)(Nonlinearity f, std::uint16_t* x, const std::uint16_t* by, std::int64_t n);

  /// Keys and values as fp32 numbers.
  TileKernels tile;
};

/// Those of `isa`, or of best_isa() where it is not available.
const RowKernels& row_kernels(Isa isa) noexcept;

}  // namespace lmm::nn::kernels
