#include "lib/nn/kernels/linear.hpp"

#include "tests/unit/kernels/reference.hpp"

#include <doctest/doctest.h>

#include <limits>

using namespace kernel_tests;

namespace {

struct Sizes {
  std::int64_t m, n, k;
};

const Sizes kSizes[] = {{1, 1, 1},    {1, 3, 2},     {2, 5, 7},    {3, 17, 31},  {4, 4, 32},
                        {5, 33, 33},  {6, 8, 15},    {7, 13, 63},  {8, 2, 64},   {9, 65, 65},
                        {10, 7, 100}, {11, 1, 129},  {12, 9, 48},  {13, 5, 17},  {14, 19, 255},
                        {15, 3, 576}, {16, 40, 200}, {1, 700, 97}, {1, 96, 576}, {3, 20, 1536}};

// Largest error relative to the bound that the theory gives; right where it is at most 1.
double worst(const Product& expected, const float* y, double bound) {
  double result = 0;
  for (std::size_t r = 0; r < expected.y.size(); ++r) {
    const double error = std::abs(static_cast<double>(y[r]) - expected.y[r]);
    // Written so that a NaN counts as wrong.
    if (!(error <= bound * expected.magnitude[r] + 1e-30)) result = std::max(result, 2.0);
    result = std::max(result, error / (bound * expected.magnitude[r] + 1e-30));
  }
  return result;
}

template <typename Fn>
void everywhere(Fn fn) {
  for (const Isa isa : isas()) {
    for (const DType dtype : {DType::fp32, DType::bf16}) {
      CAPTURE(std::string(isa_name(isa)));
      CAPTURE(std::string(lmm::dtype_name(dtype)));
      fn(isa, dtype);
    }
  }
}

}  // namespace

TEST_CASE("linear equals the double-precision product") {
  std::mt19937 random(1);
  ThreadPool pool(2);
  everywhere([&](Isa isa, DType dtype) {
    for (const Sizes& size : kSizes) {
      for (const bool bias : {false, true}) {
        CAPTURE(size.m);
        CAPTURE(size.n);
        CAPTURE(size.k);
        const RandomLinear w(random, size.n, size.k, dtype, bias);
        const std::vector<float> x = random_floats(random, size.m * size.k);
        std::vector<float> y(static_cast<std::size_t>(size.m * size.n), std::numeric_limits<float>::quiet_NaN());
        linear(pool, isa, w.view(), x.data(), size.m, y.data());
        std::vector<float> sum(y.size(), 1.5F);
        linear(pool, isa, w.view(), x.data(), size.m, sum.data(), true);
        for (std::int64_t j = 0; j < size.m; ++j) {
          Product expected = multiply(w, x.data() + j * size.k);
          CHECK(worst(expected, y.data() + j * size.n, sum_bound(size.k)) <= 1);
          for (double& value : expected.y) value += 1.5;
          for (double& value : expected.magnitude) value += 1.5;
          CHECK(worst(expected, sum.data() + j * size.n, sum_bound(size.k)) <= 1);
        }
      }
    }
  });
}

TEST_CASE("the same bits for any number of threads and, row by row, any m") {
  std::mt19937 random(2);
  everywhere([&](Isa isa, DType dtype) {
    const std::int64_t n = 800, k = 333, m = 16;
    const RandomLinear w(random, n, k, dtype, true), up(random, n, k, dtype, false);
    const std::vector<float> x = random_floats(random, m * k);
    std::vector<float> first(static_cast<std::size_t>(m * n)), first_gated(first.size());
    {
      ThreadPool pool(1);
      linear(pool, isa, w.view(), x.data(), m, first.data());
      gated_linear(pool, isa, w.view(), up.view(), x.data(), m, first_gated.data());
    }
    for (const int threads : {2, 3, 4}) {
      ThreadPool pool(threads);
      std::vector<float> y(first.size());
      linear(pool, isa, w.view(), x.data(), m, y.data());
      CHECK(y == first);
      gated_linear(pool, isa, w.view(), up.view(), x.data(), m, y.data());
      CHECK(y == first_gated);
      for (std::int64_t j = 0; j < m; ++j) {
        linear(pool, isa, w.view(), x.data() + j * k, 1, y.data() + j * n);
      }
      CHECK(y == first);
      for (std::int64_t j = 0; j < m; j += 5) {
        const std::int64_t count = std::min<std::int64_t>(5, m - j);
        gated_linear(pool, isa, w.view(), up.view(), x.data() + j * k, count, y.data() + j * n);
      }
      CHECK(y == first_gated);
    }
  });
}

TEST_CASE("several linears in one region equal each alone") {
  std::mt19937 random(3);
  ThreadPool pool(3);
  everywhere([&](Isa isa, DType dtype) {
    const std::int64_t k = 150;
    const RandomLinear q(random, 96, k, dtype, true), key(random, 32, k, dtype, false), v(random, 1000, k, dtype, true);
    for (const std::int64_t m : {1, 2, 7}) {
      const std::vector<float> x = random_floats(random, m * k);
      const auto size = [m](std::int64_t n) { return static_cast<std::size_t>(m * n); };
      std::vector<float> yq(size(96)), yk(size(32)), yv(size(1000)), alone(size(1000));
      const LinearTask tasks[] = {{q.view(), yq.data()}, {key.view(), yk.data()}, {v.view(), yv.data()}};
      linears(pool, isa, tasks, x.data(), m);
      linear(pool, isa, v.view(), x.data(), m, alone.data());
      CHECK(yv == alone);
      alone.resize(yq.size());
      linear(pool, isa, q.view(), x.data(), m, alone.data());
      CHECK(yq == alone);
      alone.resize(yk.size());
      linear(pool, isa, key.view(), x.data(), m, alone.data());
      CHECK(yk == alone);
    }
  });
}

TEST_CASE("gated linear") {
  std::mt19937 random(4);
  ThreadPool pool(2);
  everywhere([&](Isa isa, DType dtype) {
    for (const Sizes& size : kSizes) {
      CAPTURE(size.m);
      CAPTURE(size.n);
      CAPTURE(size.k);
      const RandomLinear gate(random, size.n, size.k, dtype, size.n % 2 == 0), up(random, size.n, size.k, dtype, true);
      const std::vector<float> x = random_floats(random, size.m * size.k, 3.0F);
      std::vector<float> y(static_cast<std::size_t>(size.m * size.n));
      gated_linear(pool, isa, gate.view(), up.view(), x.data(), size.m, y.data());
      for (std::int64_t j = 0; j < size.m; ++j) {
        const Product g = multiply(gate, x.data() + j * size.k), u = multiply(up, x.data() + j * size.k);
        for (std::int64_t r = 0; r < size.n; ++r) {
          const auto i = static_cast<std::size_t>(r);
          // d silu is at most 1.1; the product's own rounding and exp's are a few units of 2^-24.
          const double bound = sum_bound(size.k) * (1.1 * g.magnitude[i] * std::abs(u.y[i]) +
                                                    std::abs(silu(g.y[i])) * u.magnitude[i] + 1e-30);
          const double error =
              std::abs(static_cast<double>(y[static_cast<std::size_t>(j * size.n + r)]) - silu(g.y[i]) * u.y[i]);
          CHECK(error <= bound);
        }
      }
    }
  });
}

TEST_CASE("silu at the far ends") {
  const std::vector<float> gates = {-1e30F, -200.0F, -88.5F, -87.0F, -1e-20F, 0.0F,
                                    1e-20F, 20.0F,   90.0F,  200.0F, 1e30F};
  const Numbers gate_weight(gates, DType::fp32);
  const Numbers up_weight(std::vector<float>(gates.size(), 1.0F), DType::fp32);
  const auto n = static_cast<std::int64_t>(gates.size());
  const float one = 1.0F;
  ThreadPool pool(1);
  for (const Isa isa : isas()) {
    CAPTURE(std::string(isa_name(isa)));
    std::vector<float> y(gates.size());
    gated_linear(pool, isa, {gate_weight.data(), DType::fp32, n, 1, nullptr},
                 {up_weight.data(), DType::fp32, n, 1, nullptr}, &one, 1, y.data());
    for (std::size_t i = 0; i < gates.size(); ++i) {
      const double expected = silu(static_cast<double>(gates[i]));
      CAPTURE(gates[i]);
      CHECK(std::abs(static_cast<double>(y[i]) - expected) <= 1e-6 * std::abs(expected) + 1e-35);
    }
    const float nan = std::numeric_limits<float>::quiet_NaN();
    gated_linear(pool, isa, {gate_weight.data(), DType::fp32, n, 1, nullptr},
                 {up_weight.data(), DType::fp32, n, 1, nullptr}, &nan, 1, y.data());
    for (const float value : y) CHECK(std::isnan(value));
  }
}

TEST_CASE("rms norm") {
  std::mt19937 random(5);
  everywhere([&](Isa isa, DType dtype) {
    for (const std::int64_t n : {1, 2, 7, 16, 33, 64, 100, 576, 2048}) {
      for (const float scale : {1e-4F, 1.0F, 1e4F}) {
        const Numbers weight = random_numbers(random, n, dtype);
        const VectorView view{weight.data(), dtype, n};
        const std::vector<float> x = random_floats(random, 3 * n, scale);
        std::vector<float> y(x.size());
        rms_norm(isa, view, 1e-5, x.data(), 3, y.data());
        bool near = true;
        for (std::int64_t j = 0; j < 3; ++j) {
          const std::vector<double> expected = rms_norm_reference(x.data() + j * n, weight, 1e-5);
          for (std::int64_t i = 0; i < n; ++i) {
            const double value = expected[static_cast<std::size_t>(i)];
            // All terms of the sum are positive: its relative error is half shared by the root, and a few roundings.
            near = near && std::abs(static_cast<double>(y[static_cast<std::size_t>(j * n + i)]) - value) <=
                               sum_bound(n) * std::abs(value) + 1e-30;
          }
        }
        CHECK(near);
        std::vector<float> in_place = x;
        rms_norm(isa, view, 1e-5, in_place.data(), 3, in_place.data());
        CHECK(in_place == y);
      }
    }
  });
}

TEST_CASE("head: logits and the largest") {
  std::mt19937 random(6);
  std::vector<Best> scratch;
  everywhere([&](Isa isa, DType dtype) {
    for (const int threads : {1, 2, 4}) {
      ThreadPool pool(threads);
      const RandomLinear w(random, 3001, 64, dtype, false);
      const std::vector<float> x = random_floats(random, 64);
      std::vector<float> logits(3001), expected(3001);
      const Best best = lm_head(pool, isa, w.view(), x.data(), logits.data(), scratch);
      linear(pool, isa, w.view(), x.data(), 1, expected.data());
      CHECK(logits == expected);
      const auto most = std::max_element(logits.begin(), logits.end());
      CHECK(best.index == most - logits.begin());
      CHECK(best.value == *most);
    }
  });
}

TEST_CASE("head: equal logits give the lowest index, NaN none") {
  std::vector<Best> scratch;
  ThreadPool pool(2);
  const float one = 1.0F, nan = std::numeric_limits<float>::quiet_NaN();
  std::vector<float> rows(20000, 1.0F), logits(rows.size());
  rows[4321] = rows[4322] = rows[19999] = 2.0F;
  rows[0] = nan;
  const Numbers weight(rows, DType::fp32);
  const LinearView w{weight.data(), DType::fp32, 20000, 1, nullptr};
  for (const Isa isa : isas()) {
    CHECK(lm_head(pool, isa, w, &one, logits.data(), scratch).index == 4321);
    const Best none = lm_head(pool, isa, w, &nan, logits.data(), scratch);
    CHECK(none.index == 0);
    CHECK(none.value == -std::numeric_limits<float>::infinity());
  }
}
