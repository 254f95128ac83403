#pragma once

#include <lmm/options.hpp>

#include <cstdint>

namespace lmm::nn::kernels {

// Views own nothing: what they point to outlives them. `dtype` is DType::fp32 or DType::bf16 throughout. No alignment
// is asked for beyond that of the element type.

/// A vector of weights, e.g. of a norm. Null data: absent.
struct VectorView {
  const void* data = nullptr;
  DType dtype = DType::fp32;
  std::int64_t size = 0;
};

/// Neighbours in a row of weights that share a scale: weight i is scale * q[i], the scale in bf16.
struct Int8Block {
  static constexpr std::int64_t kSize = 32;
  std::uint16_t scale;
  std::int8_t q[kSize];
};
static_assert(sizeof(Int8Block) == 34 && alignof(Int8Block) == 2);

/// y = x W^T + b. Weight (out, in), row-major as safetensors stores it; bias (out) of `dtype`, or null.
struct LinearView {
  const void* weight = nullptr;
  DType dtype = DType::fp32;
  std::int64_t out = 0;
  std::int64_t in = 0;
  const void* bias = nullptr;
  WeightType packing = WeightType::full;  ///< full: numbers of `dtype`; int8: rows of Int8Block, the last one filled up with 0
};

/// What may follow a product, element by element: the activations of transformers/activations.py.
enum class Nonlinearity { none, silu, gelu, gelu_tanh, quick_gelu, relu };

/// Bytes of one row of the weight.
inline std::int64_t row_bytes(const LinearView& w) noexcept {
  if (w.packing == WeightType::int8) {
    return (w.in + Int8Block::kSize - 1) / Int8Block::kSize * static_cast<std::int64_t>(sizeof(Int8Block));
  }
  return w.in * (w.dtype == DType::bf16 ? 2 : 4);
}

/// The largest logit and where it stands (the lowest index of equal ones; NaN is never it).
struct Best {
  std::int64_t index = 0;
  float value = 0;
};

}  // namespace lmm::nn::kernels
