// Packed weights: what is lost by packing, and that the kernels compute with what is left exactly as with full weights.

#include "lib/nn/kernels/packing.hpp"

#include "lib/nn/kernels/linear.hpp"
#include "tests/unit/kernels/reference.hpp"

#include <doctest/doctest.h>

#include <limits>
#include <memory>

using namespace kernel_tests;

namespace {

/// A packed weight, and the full one that it stands for.
struct Packed {
  Packed(ThreadPool& pool, const RandomLinear& from) : full(from) {
    view = full.view();
    view.packing = lmm::WeightType::int8;
    const std::int64_t count = row_bytes(view) / static_cast<std::int64_t>(sizeof(Int8Block)) * from.rows;
    blocks.reset(new Int8Block[static_cast<std::size_t>(count)]);  // no more: a sanitizer sees a read past them
    pack_int8(pool, from.view(), blocks.get());
    view.weight = blocks.get();
    std::vector<float> values(static_cast<std::size_t>(from.rows * from.cols));
    unpack(pool, Isa::portable, view, values.data(), DType::fp32);
    full.weight = Numbers(values, DType::fp32);
    unpacked = values;
  }

  RandomLinear full;
  LinearView view;
  std::unique_ptr<Int8Block[]> blocks;
  std::vector<float> unpacked;
};

struct Sizes {
  std::int64_t n, k;
};
const Sizes kSizes[] = {{1, 1}, {3, 31}, {5, 32}, {4, 33}, {7, 64}, {33, 65}, {2, 97}, {9, 100}, {17, 576}, {300, 40}, {3, 1536}};

template <typename Fn>
void everywhere(Fn fn) {
  std::mt19937 random(7);
  for (const Isa isa : isas()) {
    for (const DType dtype : {DType::fp32, DType::bf16}) {
      CAPTURE(std::string(isa_name(isa)));
      CAPTURE(std::string(lmm::dtype_name(dtype)));
      for (const Sizes& size : kSizes) {
        CAPTURE(size.n);
        CAPTURE(size.k);
        fn(random, isa, dtype, size);
      }
    }
  }
}

}  // namespace

TEST_CASE("packing loses little of each block's largest magnitude, whatever the magnitudes are") {
  ThreadPool pool(2);
  std::mt19937 random(1);
  for (const float scale : {1.0F, 1e-30F, 1e-38F, 1e30F, 3e37F}) {
    for (const DType dtype : {DType::fp32, DType::bf16}) {
      RandomLinear w(random, 40, 75, dtype, false);
      w.weight = random_numbers(random, 40 * 75, dtype, scale);
      const Packed packed(pool, w);
      bool near = true;
      for (std::int64_t r = 0; r < 40; ++r) {
        for (std::int64_t first = 0; first < 75; first += Int8Block::kSize) {
          double largest = 0, worst = 0;
          for (std::int64_t i = first; i < std::min<std::int64_t>(75, first + Int8Block::kSize); ++i) {
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
  RandomLinear zeros(random, 3, 40, DType::fp32, false);
  zeros.weight = Numbers(std::vector<float>(120, 0.0F), DType::fp32);
  const Packed packed(pool, zeros);
  CHECK(packed.unpacked == std::vector<float>(120, 0.0F));
}

TEST_CASE("unpacked alike on every instruction set, in both types") {
  ThreadPool pool(3);
  everywhere([&](std::mt19937& random, Isa isa, DType dtype, const Sizes& size) {
    const Packed packed(pool, RandomLinear(random, size.n, size.k, dtype, false));
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

TEST_CASE("products over packed weights are those over the unpacked ones") {
  ThreadPool pool(2);
  everywhere([&](std::mt19937& random, Isa isa, DType dtype, const Sizes& size) {
    const Packed packed(pool, RandomLinear(random, size.n, size.k, dtype, size.n % 2 == 1));
    const Packed up(pool, RandomLinear(random, size.n, size.k, dtype, false));
    const std::int64_t m = 7;
    const std::vector<float> x = random_floats(random, m * size.k);
    std::vector<float> y(static_cast<std::size_t>(m * size.n)), gated(y.size()), again(y.size());
    linear(pool, isa, packed.view, x.data(), m, y.data());
    gated_linear(pool, isa, packed.view, up.view, x.data(), m, gated.data());
    bool near = true;
    for (std::int64_t j = 0; j < m; ++j) {
      const Product expected = multiply(packed.full, x.data() + j * size.k), ups = multiply(up.full, x.data() + j * size.k);
      for (std::size_t r = 0; r < expected.y.size(); ++r) {
        const std::size_t at = static_cast<std::size_t>(j * size.n) + r;
        near = near && std::abs(static_cast<double>(y[at]) - expected.y[r]) <= sum_bound(size.k) * expected.magnitude[r] + 1e-30;
        const double bound = sum_bound(size.k) * (1.1 * expected.magnitude[r] * std::abs(ups.y[r]) +
                                                  std::abs(silu(expected.y[r])) * ups.magnitude[r] + 1e-30);
        near = near && std::abs(static_cast<double>(gated[at]) - silu(expected.y[r]) * ups.y[r]) <= bound;
      }
    }
    CHECK(near);
    ThreadPool alone(1);
    for (std::int64_t j = 0; j < m; ++j) linear(alone, isa, packed.view, x.data() + j * size.k, 1, again.data() + j * size.n);
    CHECK(again == y);
  });
}

TEST_CASE("a packed head finds the largest logit") {
  ThreadPool pool(4);
  std::mt19937 random(3);
  std::vector<Best> scratch;
  for (const Isa isa : isas()) {
    const Packed packed(pool, RandomLinear(random, 5000, 96, DType::bf16, false));
    const std::vector<float> x = random_floats(random, 96);
    std::vector<float> logits(5000), expected(5000);
    const Best best = lm_head(pool, isa, packed.view, x.data(), logits.data(), scratch);
    linear(pool, isa, packed.view, x.data(), 1, expected.data());
    CHECK(logits == expected);
    CHECK(best.value == *std::max_element(logits.begin(), logits.end()));
  }
}
