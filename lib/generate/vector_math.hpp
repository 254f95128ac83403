#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace lmm::generate {

/// An integer that sorts as the float does, -0 just below 0; and back.
inline std::int32_t ordered(float x) noexcept {
  const std::int32_t bits = std::bit_cast<std::int32_t>(x);
  return bits ^ ((bits >> 31) & 0x7fffffff);
}
inline float from_ordered(std::int32_t value) noexcept {
  return std::bit_cast<float>(value ^ ((value >> 31) & 0x7fffffff));
}

/// e^x in fp32 for x <= 0 (0 below -87.3), at most 2 units in the last place off. Own code because the libm of each
/// system rounds differently, and a seed must give the same tokens everywhere; loops over it vectorise.
/// Cody-Waite reduction to [-ln2/2, ln2/2] and a polynomial of degree 7.
float exp_of_negative(float x) noexcept;

/// weights[i] = e^(logits[i] - max), returned: their sum in fp64. Both spans have the same size.
double exponentials(std::span<const float> logits, float max, std::span<float> weights) noexcept;

/// Largest value and the first place where it stands; `has_nan` where any value is NaN (value and place then are of no
/// use). As torch.argmax on a CPU: -0 equals 0, the first of equals wins. `x` is not empty.
struct Maximum {
  float value = 0;
  std::size_t index = 0;
  bool has_nan = false;
};
Maximum maximum(std::span<const float> x) noexcept;

/// The k-th largest value, k >= 1; -inf where fewer than k values are greater than that. One pass for small k. `buffer`
/// is working space, kept between calls to avoid allocation. NaN counts as -inf.
float kth_largest(std::span<const float> x, std::size_t k, std::vector<float>& buffer);

}  // namespace lmm::generate
