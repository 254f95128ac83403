#include "lib/generate/vector_math.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <functional>
#include <limits>

namespace lmm::generate {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr std::size_t kLanes = 16;

inline float exp_negative(float x) noexcept {
  constexpr float kLog2e = 1.44269504f;
  constexpr float kLn2High = 0.693359375f;  // exact in 9 bits, so that n * kLn2High is exact
  constexpr float kLn2Low = -2.12194440e-4f;
  constexpr float kRound = 12582912.0f;  // 1.5 * 2^23: adding it rounds to an integer
  const float clamped = x > -87.3f ? x : -87.3f;
  const float shifted = clamped * kLog2e + kRound;
  const float n = shifted - kRound;
  const float r = (clamped - n * kLn2High) - n * kLn2Low;
  float p = 1.0f / 5040.0f;
  p = p * r + 1.0f / 720.0f;
  p = p * r + 1.0f / 120.0f;
  p = p * r + 1.0f / 24.0f;
  p = p * r + 1.0f / 6.0f;
  p = p * r + 0.5f;
  p = p * r * r + r + 1.0f;
  const std::int32_t exponent = (std::bit_cast<std::int32_t>(shifted) - std::bit_cast<std::int32_t>(kRound) + 127)
                                << 23;
  const float value = p * std::bit_cast<float>(exponent);
  return x > -87.3f ? value : 0.0f;
}

}  // namespace

float exp_of_negative(float x) noexcept { return exp_negative(x); }

double exponentials(std::span<const float> logits, float max, std::span<float> weights) noexcept {
  for (std::size_t i = 0; i < logits.size(); ++i) weights[i] = exp_negative(logits[i] - max);
  std::array<double, kLanes> sums{};
  std::size_t i = 0;
  for (; i + kLanes <= weights.size(); i += kLanes) {
    for (std::size_t lane = 0; lane < kLanes; ++lane) sums[lane] += static_cast<double>(weights[i + lane]);
  }
  double total = 0;
  for (const double sum : sums) total += sum;
  for (; i < weights.size(); ++i) total += static_cast<double>(weights[i]);
  return total;
}

Maximum maximum(std::span<const float> x) noexcept {
  // Maxima and minima of integers vectorise without -ffast-math, those of floats do not. A NaN sorts above +inf or,
  // with its sign bit, below -inf.
  constexpr std::size_t kBlock = 1024;
  std::int32_t highest = std::numeric_limits<std::int32_t>::min();
  std::int32_t lowest = std::numeric_limits<std::int32_t>::max();
  std::size_t place = 0;  // of the block where the largest stands first
  for (std::size_t begin = 0; begin < x.size(); begin += kBlock) {
    const std::size_t end = std::min(begin + kBlock, x.size());
    std::int32_t high = std::numeric_limits<std::int32_t>::min();
    for (std::size_t i = begin; i < end; ++i) {
      const std::int32_t value = ordered(x[i]);
      high = std::max(high, value);
      lowest = std::min(lowest, value);
    }
    if (high > highest && !(from_ordered(high) == from_ordered(highest))) place = begin;  // 0 is no more than -0
    highest = std::max(highest, high);
  }
  const float value = from_ordered(highest);
  while (place + 1 < x.size() && x[place] != value) ++place;
  return {value, place, highest > ordered(kInfinity) || lowest < ordered(-kInfinity)};
}

float kth_largest(std::span<const float> x, std::size_t k, std::vector<float>& buffer) {
  if (k > x.size()) return -kInfinity;
  const std::size_t capacity = std::max<std::size_t>(2 * k, 1024);
  buffer.clear();
  buffer.reserve(capacity);
  float least = -kInfinity;  // of the k largest so far, once there are so many
  const auto keep_k = [&] {
    std::nth_element(buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(k - 1), buffer.end(),
                     std::greater<>());
    buffer.resize(k);
    least = buffer[k - 1];
  };
  for (const float value : x) {
    if (!(value > least)) continue;
    if (buffer.size() == capacity) keep_k();
    if (value > least) buffer.push_back(value);
  }
  if (buffer.size() < k) return -kInfinity;
  keep_k();
  return least;
}

}  // namespace lmm::generate
