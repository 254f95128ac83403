// Packed weights: what is lost by packing, and that the kernels compute with what is left exactly as with full weights.

#include "lib/nn/kernels/packing.hpp"

#include "lib/nn/kernels/linear.hpp"
#include "tests/unit/kernels/reference.hpp"

#include <doctest/doctest.h>

#include <limits>
#include <numeric>

using namespace kernel_tests;
using lmm::WeightType;

namespace {

struct Sizes {
  std::int64_t n, k;
};
const Sizes kSizes[] = {{1, 1}, {3, 31}, {5, 32}, {16, 33}, {7, 64}, {33, 65}, {2, 97}, {9, 100}, {17, 576}, {300, 40}, {3, 1536}};

template <typename Fn>
void everywhere(Fn fn) {
  std::mt19937 random(7);
  for (const Isa isa : isas()) {
    for (const DType dtype : {DType::fp32, DType::bf16}) {
      for (const WeightType packing : {WeightType::int8, WeightType::int4}) {
        CAPTURE(std::string(isa_name(isa)));
        CAPTURE(std::string(lmm::dtype_name(dtype)));
        CAPTURE(std::string(lmm::weight_type_name(packing)));
        for (const Sizes& size : kSizes) {
          CAPTURE(size.n);
          CAPTURE(size.k);
          fn(random, isa, dtype, packing, size);
        }
      }
    }
  }
}

/// Numbers times the factor, by which nothing else is to change.
RandomLinear scaled(std::mt19937& random, std::int64_t n, std::int64_t k, DType dtype, float factor) {
  RandomLinear w(random, n, k, dtype, false);
  w.weight = random_numbers(random, n * k, dtype, factor);
  return w;
}

}  // namespace

TEST_CASE("int8 loses little of each block's largest magnitude, whatever the magnitudes are") {
  std::mt19937 random(1);
  for (const float scale : {1.0F, 1e-30F, 1e-38F, 1e30F, 3e37F}) {
    for (const DType dtype : {DType::fp32, DType::bf16}) {
      const RandomLinear w = scaled(random, 40, 75, dtype, scale);
      const PackedLinear packed(w, WeightType::int8);
      bool near = true;
      for (std::int64_t r = 0; r < 40; ++r) {
        for (std::int64_t first = 0; first < 75; first += kBlock) {
          double largest = 0, worst = 0;
          for (std::int64_t i = first; i < std::min<std::int64_t>(75, first + kBlock); ++i) {
            const auto at = static_cast<std::size_t>(r * 75 + i);
            largest = std::max(largest, std::abs(w.weight[at]));
            worst = std::max(worst, std::abs(w.weight[at] - static_cast<double>(packed.unpacked[at])));
          }
          near = near && worst <= 0.004 * largest + 1e-35;
        }
      }
      CHECK(near);
    }
  }
}

TEST_CASE("int4 leaves the squared error of its levels on normally distributed weights, whatever the magnitudes are") {
  std::mt19937 random(2);
  for (const PackedKernels* kernels : all_packed_kernels()) {
    CAPTURE(std::string(kernels->name));
    for (const float scale : {1.0F, 1e-12F, 1e12F}) {
      double error = 0, all = 0;
      for (int block = 0; block < 3000; ++block) {
        const std::vector<float> x = random_floats(random, kBlock, scale);
        std::uint8_t level[kBlock];
        std::uint16_t by;
        kernels->choose_int4(x.data(), level, &by);
        for (std::size_t i = 0; i < x.size(); ++i) {
          REQUIRE(level[i] < 16);
          error += std::pow(static_cast<double>(x[i]) - static_cast<double>(from_bf16(by)) * kInt4Levels[level[i]], 2);
          all += std::pow(static_cast<double>(x[i]), 2);
        }
      }
      CHECK(error / all > 0.0050);
      CHECK(error / all < 0.0056);  // evenly spaced levels with the best scale leave 0.0064
    }
  }
}

TEST_CASE("zeros are kept, and one number among them, as far as there is a level for 0") {
  for (const WeightType packing : {WeightType::int8, WeightType::int4}) {
    for (const float one : {0.0F, 1.0F, -3.0F, 1e-20F}) {
      RandomLinear w;
      std::vector<float> values(120, 0.0F);
      values[7] = one;
      w.weight = Numbers(values, DType::fp32);
      w.rows = 3;
      w.cols = 40;
      const PackedLinear packed(w, packing);
      const bool int8 = packing == WeightType::int8;
      CHECK(std::abs(packed.unpacked[7] - one) <= (int8 ? 0.004F : 0.02F) * std::abs(one));
      const float rest = int8 ? 0.0F : 0.03F * std::abs(one);  // the level next to 0 is 3 of 127
      for (std::size_t i = 0; i < 120; ++i) CHECK((i == 7 || std::abs(packed.unpacked[i]) <= rest));
    }
  }
}

TEST_CASE("unpacked alike on every instruction set, in both types") {
  ThreadPool pool(3);
  everywhere([&](std::mt19937& random, Isa isa, DType dtype, WeightType packing, const Sizes& size) {
    const PackedLinear packed(RandomLinear(random, size.n, size.k, dtype, false), packing, isa);
    std::vector<float> wide(packed.unpacked.size());
    unpack(pool, isa, packed.view, wide.data(), DType::fp32);
    CHECK(wide == packed.unpacked);
    std::vector<std::uint16_t> half(wide.size());
    unpack(pool, isa, packed.view, half.data(), DType::bf16);
    bool same = true;
    for (std::size_t i = 0; i < half.size(); ++i) same = same && half[i] == to_bf16(wide[i]);
    CHECK(same);
  });
}

TEST_CASE("rows in 8 bits: little is lost of each block's largest number, and what is no number stays none") {
  std::mt19937 random(8);
  for (const PackedKernels* kernels : all_packed_kernels()) {
    CAPTURE(std::string(kernels->name));
    for (const float scale : {1.0F, 1e-30F, 1e-38F, 1e30F}) {
      const std::vector<float> x = random_floats(random, 75, scale);
      const Rounded rounded(*kernels, x.data(), DType::fp32, 1, 75, 75);
      for (std::size_t i = 0; i < x.size(); ++i) {
        float largest = 0;
        const std::size_t first = i / 32 * 32;
        for (std::size_t j = first; j < std::min<std::size_t>(75, first + 32); ++j) largest = std::max(largest, std::abs(x[j]));
        CHECK(std::abs(rounded.values[i] - x[i]) <= largest * 0.00395F + 1e-35F);
      }
      for (std::size_t i = 75; i < 96; ++i) CHECK(rounded.blocks[2].q[i - 64] == 0);
      for (const RoundedBlock& block : rounded.blocks) CHECK(block.offset == -128 * std::accumulate(block.q, block.q + kBlock, 0));
    }
    for (const float none : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
      std::vector<float> x(75, 1.0F);
      x[40] = none;
      const Rounded rounded(*kernels, x.data(), DType::fp32, 1, 75, 75);
      CHECK(std::isfinite(rounded.blocks[0].scale));
      CHECK_FALSE(std::isfinite(rounded.blocks[1].scale));
    }
  }
}

TEST_CASE("products over packed weights are those of the unpacked ones and of the rounded rows") {
  ThreadPool pool(2);
  everywhere([&](std::mt19937& random, Isa isa, DType dtype, WeightType packing, const Sizes& size) {
    const PackedLinear packed(RandomLinear(random, size.n, size.k, dtype, size.n % 2 == 1), packing);
    const PackedLinear up(RandomLinear(random, size.n, size.k, dtype, false), packing);
    const std::int64_t m = 11;
    const std::vector<float> x = random_floats(random, m * size.k);
    const Rounded rounded(packed_kernels(isa), x.data(), DType::fp32, m, size.k, size.k);
    std::vector<float> y(static_cast<std::size_t>(m * size.n)), gated(y.size()), again(y.size()), sum(y.size(), 1.5F);
    linear(pool, isa, packed.view, x.data(), m, y.data());
    linear(pool, isa, packed.view, x.data(), m, sum.data(), true);
    gated_linear(pool, isa, packed.view, up.view, x.data(), m, gated.data());
    bool near = true, added = true;
    for (std::int64_t j = 0; j < m; ++j) {
      const float* const row = rounded.values.data() + j * size.k;
      const Product expected = multiply(packed.full, row), ups = multiply(up.full, row);
      for (std::size_t r = 0; r < expected.y.size(); ++r) {
        const std::size_t at = static_cast<std::size_t>(j * size.n) + r;
        near = near && std::abs(static_cast<double>(y[at]) - expected.y[r]) <= sum_bound(size.k) * expected.magnitude[r] + 1e-30;
        const double bound = sum_bound(size.k) * (1.1 * expected.magnitude[r] * std::abs(ups.y[r]) +
                                                  std::abs(silu(expected.y[r])) * ups.magnitude[r] + 1e-30);
        near = near && std::abs(static_cast<double>(gated[at]) - silu(expected.y[r]) * ups.y[r]) <= bound;
        added = added && sum[at] == 1.5F + y[at];
      }
    }
    CHECK(near);
    CHECK(added);
    ThreadPool alone(1);
    for (std::int64_t j = 0; j < m; ++j) linear(alone, isa, packed.view, x.data() + j * size.k, 1, again.data() + j * size.n);
    CHECK(again == y);
  });
}

TEST_CASE("every kernel multiplies alike") {
  std::mt19937 random(9);
  for (const WeightType packing : {WeightType::int8, WeightType::int4}) {
    const std::int64_t n = 70, k = 200, m = 9;
    const PackedLinear packed(RandomLinear(random, n, k, DType::fp32, true), packing);
    const std::vector<float> x = random_floats(random, m * k);
    for (const PackedKernels* kernels : all_packed_kernels()) {
      CAPTURE(std::string(kernels->name));
      const Rounded rounded(*kernels, x.data(), DType::fp32, m, k, k);
      std::vector<float> y(static_cast<std::size_t>(m * n));
      kernels->multiply({rounded.blocks.data(), m, 0, panels_of(n), {&packed.view, y.data(), n}});
      bool near = true;
      for (std::int64_t j = 0; j < m; ++j) {
        const Product expected = multiply(packed.full, rounded.values.data() + j * k);
        for (std::size_t r = 0; r < expected.y.size(); ++r) {
          near = near && std::abs(static_cast<double>(y[static_cast<std::size_t>(j * n) + r]) - expected.y[r]) <=
                             sum_bound(k) * expected.magnitude[r];
        }
      }
      CHECK(near);
    }
  }
}

TEST_CASE("a packed head finds the largest logit") {
  ThreadPool pool(4);
  std::mt19937 random(3);
  std::vector<Best> scratch;
  for (const Isa isa : isas()) {
    const PackedLinear packed(RandomLinear(random, 5000, 96, DType::bf16, false), WeightType::int8);
    const std::vector<float> x = random_floats(random, 96);
    std::vector<float> logits(5000), expected(5000);
    const Best best = lm_head(pool, isa, packed.view, x.data(), logits.data(), scratch);
    linear(pool, isa, packed.view, x.data(), 1, expected.data());
    CHECK(logits == expected);
    CHECK(best.value == *std::max_element(logits.begin(), logits.end()));
  }
}
