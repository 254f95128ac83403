#include "lib/generate/random.hpp"
#include "lib/generate/vector_math.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <functional>
#include <limits>
#include <vector>

using namespace lmm::generate;

namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

/// Values spread over [low, high), the same in every run.
std::vector<float> spread(std::size_t count, double low, double high, std::uint64_t seed = 1) {
  std::vector<float> out(count);
  for (std::size_t i = 0; i < count; ++i) out[i] = static_cast<float>(low + (high - low) * uniform(seed, i));
  return out;
}

}  // namespace

TEST_CASE("philox gives the published answers") {  // kat_vectors of the authors' Random123, philox4x32 10
  using Counter = std::array<std::uint32_t, 4>;
  CHECK(philox4x32({0, 0, 0, 0}, {0, 0}) == Counter{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  CHECK(philox4x32({0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, {0xffffffff, 0xffffffff}) ==
        Counter{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  CHECK(philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}) ==
        Counter{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

TEST_CASE("uniform numbers are in [0, 1), even, and depend on seed and step") {
  double sum = 0;
  std::vector<int> bins(16);
  for (std::uint64_t step = 0; step < 16000; ++step) {
    const double u = uniform(42, step);
    CHECK((u >= 0 && u < 1));
    sum += u;
    ++bins[static_cast<std::size_t>(u * 16)];
  }
  CHECK(std::fabs(sum / 16000 - 0.5) < 0.01);
  for (const int bin : bins) CHECK(std::abs(bin - 1000) < 150);
  CHECK(uniform(42, 7) == uniform(42, 7));
  CHECK(uniform(42, 7) != uniform(43, 7));
  CHECK(uniform(42, 7) != uniform(42, 8));
  CHECK(uniform(42, 7) != uniform(42 + (std::uint64_t{1} << 40), 7));  // the whole seed counts
}

TEST_CASE("exp is right to two units in the last place") {
  std::int32_t worst = 0;
  for (const float x : spread(200000, -87.3, 0)) {
    const float exact = static_cast<float>(std::exp(static_cast<double>(x)));
    worst =
        std::max(worst, std::abs(std::bit_cast<std::int32_t>(exp_of_negative(x)) - std::bit_cast<std::int32_t>(exact)));
  }
  CHECK(worst <= 2);
  CHECK(exp_of_negative(0) == 1);
  CHECK(exp_of_negative(-0.0f) == 1);
  CHECK(exp_of_negative(-88) == 0);
  CHECK(exp_of_negative(-1e30f) == 0);
  CHECK(exp_of_negative(-kInf) == 0);
}

TEST_CASE("exponentials sum up, whatever the length") {
  for (const std::size_t count : {1u, 15u, 16u, 17u, 1000u}) {
    const std::vector<float> logits = spread(count, -20, 5);
    const float max = *std::max_element(logits.begin(), logits.end());
    std::vector<float> weights(count);
    double expected = 0;
    for (const float logit : logits) expected += std::exp(static_cast<double>(logit - max));
    CHECK(exponentials(logits, max, weights) == doctest::Approx(expected).epsilon(1e-6));
    CHECK(weights[static_cast<std::size_t>(std::max_element(logits.begin(), logits.end()) - logits.begin())] == 1);
  }
}

TEST_CASE("maximum finds the first of the largest, at any place and length") {
  for (const std::size_t count : {1u, 2u, 15u, 16u, 17u, 31u, 33u, 100u}) {
    for (std::size_t at = 0; at < count; ++at) {
      std::vector<float> x(count, -3.0f);
      x[at] = 5;
      CHECK(maximum(x).index == at);
      CHECK(maximum(x).value == 5);
      CHECK(!maximum(x).has_nan);
      x[count - 1] = 5;
      CHECK(maximum(x).index == at);
      x[at / 2] = kNaN;
      CHECK(maximum(x).has_nan);
    }
  }
  CHECK(maximum(std::vector<float>{-kInf, -kInf}).value == -kInf);
  CHECK(maximum(std::vector<float>(40, -kInf)).index == 0);
  CHECK(maximum(std::vector<float>{1, kInf, kInf}).index == 1);
  CHECK(maximum(std::vector<float>{-0.0f, 0.0f}).index == 0);  // they are equal
}

TEST_CASE("the k-th largest is that of a sorted list") {
  std::vector<float> buffer;
  for (const std::size_t count : {1u, 5u, 1000u, 5000u}) {
    for (const double step : {0.0, 0.25}) {  // without and with equal values
      std::vector<float> x = spread(count, -4, 4, 9);
      if (step > 0) {
        for (float& value : x) value = static_cast<float>(std::round(static_cast<double>(value) / step) * step);
      }
      std::vector<float> sorted = x;
      std::sort(sorted.begin(), sorted.end(), std::greater<>());
      for (const std::size_t k : {1u, 2u, 3u, 50u, 600u, 999u, 1000u, 4000u}) {
        CHECK(kth_largest(x, k, buffer) == (k <= count ? sorted[k - 1] : -kInf));
      }
      std::sort(x.begin(), x.end());  // the worst order for one pass
      CHECK(kth_largest(x, 1, buffer) == sorted[0]);
    }
  }
  CHECK(kth_largest(std::vector<float>{1, -kInf, -kInf}, 2, buffer) == -kInf);
  CHECK(kth_largest(std::vector<float>{1, kNaN, 2}, 2, buffer) == 1);
  CHECK(kth_largest(std::vector<float>(5000, 2.0f), 40, buffer) == 2);
}
