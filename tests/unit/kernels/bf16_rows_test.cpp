#include "lib/nn/kernels/bf16_rows.hpp"

#include "tests/unit/kernels/reference.hpp"

#include <doctest/doctest.h>

#include <limits>
#include <string>

using namespace kernel_tests;

namespace {

// One rounding to bf16 (2^-8 at most), and fp32 arithmetic before it.
bool near(std::uint16_t actual, double expected) {
  return std::abs(static_cast<double>(from_bf16(actual)) - expected) <=
         1.001 * std::ldexp(std::abs(expected), -8) + 1e-30;
}

std::vector<std::uint16_t> rounded(const std::vector<float>& values) {
  std::vector<std::uint16_t> halves;
  for (const float value : values) halves.push_back(to_bf16(value));
  return halves;
}

}  // namespace

TEST_CASE("rms norm of bf16 rows") {
  std::mt19937 random(1);
  for (const Isa isa : isas()) {
    for (const std::int64_t n : {1, 3, 15, 16, 17, 64, 100, 576}) {
      CAPTURE(std::string(isa_name(isa)));
      CAPTURE(n);
      std::size_t wrong = 0;
      for (const DType dtype : {DType::fp32, DType::bf16}) {
        const Numbers weight = random_numbers(random, n, dtype);
        const std::vector<std::uint16_t> x = rounded(random_floats(random, 3 * n, 2.0F));
        std::vector<std::uint16_t> normed(x.size());
        rms_norm(isa, {weight.data(), dtype, n}, 1e-5, x.data(), 3, normed.data());
        for (std::size_t r = 0; r < 3; ++r) {
          std::vector<double> row;
          for (std::size_t i = 0; i < static_cast<std::size_t>(n); ++i) {
            row.push_back(static_cast<double>(from_bf16(x[r * static_cast<std::size_t>(n) + i])));
          }
          const std::vector<double> expected = rms_norm_reference(row.data(), weight, 1e-5);
          for (std::size_t i = 0; i < row.size(); ++i) wrong += !near(normed[r * row.size() + i], expected[i]);
        }
        CHECK(wrong == 0);
        std::vector<std::uint16_t> in_place = x;
        rms_norm(isa, {weight.data(), dtype, n}, 1e-5, in_place.data(), 3, in_place.data());
        CHECK(in_place == normed);
      }
    }
  }
}

TEST_CASE("activations of bf16 rows, and gates") {
  std::mt19937 random(2);
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  for (const Isa isa : isas()) {
    for (const Nonlinearity f : kAllNonlinearities) {
      for (const std::int64_t n : {1, 15, 16, 17, 64, 100}) {
        CAPTURE(std::string(isa_name(isa)));
        CAPTURE(static_cast<int>(f));
        CAPTURE(n);
        std::vector<float> numbers = random_floats(random, n, 3.0F);
        if (n == 64) numbers[5] = 100.0F, numbers[6] = -100.0F, numbers[7] = kInfinity, numbers[8] = 0.0F;
        const std::vector<std::uint16_t> x = rounded(numbers), by = rounded(random_floats(random, n, 2.0F));
        std::vector<std::uint16_t> active = x, gated = x;
        activate(isa, f, active.data(), nullptr, n);
        activate(isa, f, gated.data(), by.data(), n);
        std::size_t wrong = 0;
        for (std::size_t i = 0; i < x.size(); ++i) {
          const double want = activated(f, static_cast<double>(from_bf16(x[i])));
          const double gate = want * static_cast<double>(from_bf16(by[i]));
          // gelu's error function is right to 1.5e-7 of x.
          const auto close = [](std::uint16_t actual, double expected) {
            return near(actual, expected) || std::abs(static_cast<double>(from_bf16(actual)) - expected) <= 2e-6;
          };
          wrong += std::isinf(want) ? !(from_bf16(active[i]) == kInfinity) : !close(active[i], want) || !close(gated[i], gate);
        }
        CHECK(wrong == 0);
      }
      std::uint16_t nan = to_bf16(std::numeric_limits<float>::quiet_NaN());
      activate(isa, f, &nan, nullptr, 1);
      CHECK(std::isnan(from_bf16(nan)));
    }
  }
}
