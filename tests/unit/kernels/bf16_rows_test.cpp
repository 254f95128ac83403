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
