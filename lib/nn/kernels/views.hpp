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

/// y = x W^T + b. Weight (out, in), row-major as safetensors stores it; bias (out) of the weight's dtype, or null.
struct LinearView {
  const void* weight = nullptr;
  DType dtype = DType::fp32;
  std::int64_t out = 0;
  std::int64_t in = 0;
  const void* bias = nullptr;
};

/// The largest logit and where it stands (the lowest index of equal ones; NaN is never it).
struct Best {
  std::int64_t index = 0;
  float value = 0;
};

}  // namespace lmm::nn::kernels
