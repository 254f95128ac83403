#include "lib/core/error.hpp"
#include "lib/media/resample_kernels.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace lmm::media {
namespace {

// Each expression is evaluated in double and in Pillow's order: another order rounds otherwise.

double box(double x) { return x > -0.5 && x <= 0.5 ? 1.0 : 0.0; }

double bilinear(double x) {
  x = std::fabs(x);
  return x < 1.0 ? 1.0 - x : 0.0;
}

double hamming(double x) {
  x = std::fabs(x);
  if (x == 0.0) return 1.0;
  if (x >= 1.0) return 0.0;
  x *= std::numbers::pi;
  return std::sin(x) / x * (0.54f + 0.46f * std::cos(x));  // the float constants are Pillow's
}

double bicubic(double x) {
  constexpr double a = -0.5;
  x = std::fabs(x);
  if (x < 1.0) return ((a + 2.0) * x - (a + 3.0)) * x * x + 1;
  if (x < 2.0) return (((x - 5) * x + 8) * x - 4) * a;
  return 0.0;
}

double sinc(double x) {
  if (x == 0.0) return 1.0;
  x *= std::numbers::pi;
  return std::sin(x) / x;
}

double lanczos(double x) { return -3.0 <= x && x < 3.0 ? sinc(x) * sinc(x / 3) : 0.0; }

double square(double x) { return x * x; }

double mks2013(double x) {
  x = std::fabs(x);
  if (x < 0.5) return 17.0 / 16.0 - 7.0 / 4.0 * square(x);
  if (x < 1.5) return (1.0 - x) * (7.0 / 4.0 - x);
  if (x < 2.5) return -1.0 / 8.0 * square(x - 5.0 / 2.0);
  return 0.0;
}

double mks2021(double x) {
  x = std::fabs(x);
  if (x < 0.5) return 577.0 / 576.0 - 239.0 / 144.0 * square(x);
  if (x < 1.5) return 35.0 / 36.0 * (x - 1.0) * (x - 239.0 / 140.0);
  if (x < 2.5) return 1.0 / 6.0 * (x - 2.0) * (65.0 / 24.0 - x);
  if (x < 3.5) return 1.0 / 36.0 * (x - 3.0) * (x - 15.0 / 4.0);
  if (x < 4.5) return -1.0 / 288.0 * square(x - 9.0 / 2.0);
  return 0.0;
}

struct Filter {
  double (*weight)(double);
  double support;
};

Filter filter_of(Resample resample) {
  switch (resample) {
    case Resample::box: return {box, 0.5};
    case Resample::bilinear: return {bilinear, 1.0};
    case Resample::hamming: return {hamming, 1.0};
    case Resample::bicubic: return {bicubic, 2.0};
    case Resample::lanczos: return {lanczos, 3.0};
    case Resample::mks2013: return {mks2013, 2.5};
    case Resample::mks2021: return {mks2021, 4.5};
    case Resample::nearest: break;
  }
  fail(ErrorCode::invalid_argument, "resample is {}, expected 0 to 7", static_cast<std::int32_t>(resample));
}

/// high and low halves, or none where a coefficient is too large for 16 bits (31 times the sum of all).
void split(Taps& taps) {
  taps.high.reserve(taps.coefficient.size());
  taps.low.reserve(taps.coefficient.size());
  for (const std::int32_t coefficient : taps.coefficient) {
    const std::int32_t high = coefficient >> kLowBits;
    if (high < INT16_MIN || high > INT16_MAX) {
      taps.high.clear();
      taps.low.clear();
      return;
    }
    taps.high.push_back(static_cast<std::int16_t>(high));
    taps.low.push_back(static_cast<std::int16_t>(coefficient & ((1 << kLowBits) - 1)));
  }
}

/// Bits behind the point that torch gives int16 weights of which `largest` is the largest.
int torch_bits(double largest) {
  int bits = 0;
  while (bits < kCoefficientBits && static_cast<int>(0.5 + largest * (1 << (bits + 1))) < (1 << 15)) ++bits;
  return bits;
}

/// The weight with `bits` bits behind the point, rounded, and written with kCoefficientBits.
std::int32_t fixed_point(double weight, int bits) {
  const double scaled = weight * (1 << bits);
  return static_cast<std::int32_t>((weight < 0 ? -0.5 : 0.5) + scaled) * (1 << (kCoefficientBits - bits));
}

/// Input pixels that an output pixel is made of.
struct Reach {
  std::int64_t first = 0;
  std::int64_t count = 0;
};

/// The weights of output pixel i, which sum to 1.
Reach weights_of(const Filter& filter, std::int64_t i, std::int64_t in_size, double scale, std::vector<double>& weights) {
  const double filter_scale = std::max(scale, 1.0);
  const double support = filter.support * filter_scale;
  const double inverse = 1.0 / filter_scale;
  const double center = (static_cast<double>(i) + 0.5) * scale;
  // Sizes above 2^24 are rounded as Pillow rounds them (its box is float), so keep both ends within the input.
  const auto lower = static_cast<std::int64_t>(center - support + 0.5);
  const auto upper = static_cast<std::int64_t>(center + support + 0.5);
  const std::int64_t first = std::clamp<std::int64_t>(lower, 0, in_size);
  const std::int64_t count = std::clamp(upper, first, in_size) - first;
  double sum = 0.0;
  for (std::int64_t j = 0; j < count; ++j) {
    double& weight = weights[static_cast<std::size_t>(j)];
    weight = filter.weight((static_cast<double>(j + first) - center + 0.5) * inverse);
    sum += weight;
  }
  for (std::int64_t j = 0; j < count && sum != 0.0; ++j) weights[static_cast<std::size_t>(j)] /= sum;
  return {first, count};
}

}  // namespace

Taps make_taps(std::int64_t in_size, std::int64_t out_size, Resample resample, Rounding rounding) {
  const Filter filter = filter_of(resample);
  const double scale = static_cast<double>(static_cast<float>(in_size)) / static_cast<double>(out_size);
  const double support = filter.support * std::max(scale, 1.0);

  Taps taps;
  const std::size_t size = static_cast<std::size_t>(out_size);
  const std::int64_t longest = static_cast<std::int64_t>(std::ceil(support)) * 2 + 1;
  if (out_size > INT32_MAX / (longest * 8)) {  // where Pillow raises MemoryError
    fail(ErrorCode::out_of_memory, "resizing {} pixels to {} needs {} coefficients, more than {}", in_size, out_size,
         out_size * longest, INT32_MAX / 8);
  }
  const std::int64_t most = std::min(longest, in_size);
  taps.stride = static_cast<std::int32_t>((most + 3) / 4 * 4);
  taps.first.resize(size);
  taps.count.resize(size);
  taps.coefficient.resize(size * static_cast<std::size_t>(taps.stride));
  std::vector<double> weights(static_cast<std::size_t>(taps.stride));
  int bits = kCoefficientBits;
  if (rounding == Rounding::torch) {  // depends on the largest weight of all: they are worked out twice rather than kept
    double largest = 0.0;
    for (std::int64_t i = 0; i < out_size; ++i) {
      const Reach reach = weights_of(filter, i, in_size, scale, weights);
      largest = std::max(largest, *std::max_element(weights.begin(), weights.begin() + std::max<std::int64_t>(reach.count, 1)));
    }
    bits = torch_bits(largest);
  }
  for (std::size_t i = 0; i < size; ++i) {
    const Reach reach = weights_of(filter, static_cast<std::int64_t>(i), in_size, scale, weights);
    taps.first[i] = static_cast<std::int32_t>(reach.first);
    taps.count[i] = static_cast<std::int32_t>(reach.count);
    std::transform(weights.begin(), weights.begin() + reach.count, taps.coefficient.begin() + static_cast<std::ptrdiff_t>(i) * taps.stride,
                   [&](double weight) { return fixed_point(weight, bits); });
  }
  split(taps);
  return taps;
}

}  // namespace lmm::media
