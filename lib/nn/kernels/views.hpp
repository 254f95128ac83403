#pragma once

#include <lmm/options.hpp>

#include <cstdint>

namespace lmm::nn::kernels {

// Views own nothing: what they point to outlives them. `dtype` is DType::fp32 or DType::bf16 throughout. No alignment
// is asked for beyond that of the element type.

/// Bytes of a number.
inline std::int64_t bytes_of(DType dtype) noexcept { return dtype == DType::bf16 ? 2 : 4; }

/// A vector of weights, e.g. of a norm. Null data: absent.
struct VectorView {
  const void* data = nullptr;
  DType dtype = DType::fp32;
  std::int64_t size = 0;
};

/// How packed weights stand: rows in panels of 16, a panel in blocks of 32 neighbours of each row. First come the numbers of
/// all blocks, four neighbours of a row side by side as one instruction multiplies them, then the scales of each block's rows in
/// bf16. int8: number i of a block's row r is byte i % 4 of [i / 4][r], 128 too high. int4: two of these bytes are one, i / 4 < 4
/// in its lower half, and name one of kInt4Levels. Rows, numbers and bytes that are not there are filled up with 0.
constexpr int kPackedVersion = 1;  // counted up with every change of this, of the levels, or of how they are chosen
constexpr std::int64_t kPanelRows = 16;
constexpr std::int64_t kBlock = 32;

/// 127 is the largest of a block, or near it. The levels leave the least squared error on normally distributed weights, 5.3e-3
/// of their squares, where evenly spaced ones leave 6.5e-3 (Lloyd's algorithm on blocks of 32, the best scale for each).
constexpr std::int8_t kInt4Levels[16] = {-127, -100, -79, -62, -48, -34, -21, -9, 3, 15, 28, 41, 56, 72, 93, 123};

/// y = x W^T + b. Weight (out, in), row-major as safetensors stores it; bias (out) of `dtype`, or null.
struct LinearView {
  const void* weight = nullptr;
  DType dtype = DType::fp32;
  std::int64_t out = 0;
  std::int64_t in = 0;
  const void* bias = nullptr;
  WeightType packing = WeightType::full;  ///< full: numbers of `dtype`; otherwise panels, aligned to 64 bytes
};

/// What may follow a product, element by element: the activations of transformers/activations.py.
enum class Nonlinearity { none, silu, gelu, gelu_tanh, quick_gelu, relu };

inline bool packed(const LinearView& w) noexcept { return w.packing != WeightType::full; }
inline std::int64_t blocks_of(std::int64_t in) noexcept { return (in + kBlock - 1) / kBlock; }

/// Bytes of the numbers of a block of a panel.
constexpr std::int64_t block_bytes(WeightType packing) noexcept { return kBlock * kPanelRows / (packing == WeightType::int4 ? 2 : 1); }

/// Bytes from one panel to the next: its scales end where a line of the cache ends.
inline std::int64_t panel_bytes(const LinearView& w) noexcept {
  return (blocks_of(w.in) * (block_bytes(w.packing) + 2 * kPanelRows) + 63) / 64 * 64;
}

inline std::int64_t panels_of(std::int64_t out) noexcept { return (out + kPanelRows - 1) / kPanelRows; }

/// Bytes of the weight.
inline std::int64_t weight_bytes(const LinearView& w) noexcept {
  if (packed(w)) return panels_of(w.out) * panel_bytes(w);
  return w.out * w.in * bytes_of(w.dtype);
}

/// The largest logit and where it stands (the lowest index of equal ones; NaN is never it).
struct Best {
  std::int64_t index = 0;
  float value = 0;
};

}  // namespace lmm::nn::kernels
