#include "lib/nn/kernels/attention.hpp"

#include "tests/unit/kernels/reference.hpp"

#include <doctest/doctest.h>

#include <limits>

using namespace kernel_tests;

namespace {

struct Cache {
  Cache(std::mt19937& random, const AttentionShape& shape, std::int64_t capacity, DType dtype)
      : keys(random_numbers(random, shape.kv_heads * capacity * shape.head_dim, dtype)),
        values(random_numbers(random, shape.kv_heads * capacity * shape.head_dim, dtype)),
        view{keys.data(), values.data(), dtype, capacity} {}
  Numbers keys, values;
  LayerCache view;
};

AttentionShape shape_of(std::int64_t heads, std::int64_t kv_heads, std::int64_t head_dim) {
  return {heads, kv_heads, head_dim, 1.0F / std::sqrt(static_cast<float>(head_dim))};
}

// Softmax attention of one head in double precision.
std::vector<double> reference(const AttentionShape& shape, const Cache& cache, std::int64_t begin, std::int64_t end,
                              const float* queries, std::int64_t head) {
  const std::int64_t kv = head / (shape.heads / shape.kv_heads), d = shape.head_dim;
  const auto at = [&](std::int64_t s, std::int64_t i) {
    return static_cast<std::size_t>((kv * cache.view.capacity + s) * d + i);
  };
  std::vector<double> scores;
  for (std::int64_t s = begin; s < end; ++s) {
    double dot = 0;
    for (std::int64_t i = 0; i < d; ++i) dot += static_cast<double>(queries[head * d + i]) * cache.keys[at(s, i)];
    scores.push_back(dot * static_cast<double>(shape.scale));
  }
  const double most = *std::max_element(scores.begin(), scores.end());
  double total = 0;
  std::vector<double> out(static_cast<std::size_t>(d), 0.0);
  for (std::int64_t s = begin; s < end; ++s) {
    const double weight = std::exp(scores[static_cast<std::size_t>(s - begin)] - most);
    total += weight;
    for (std::int64_t i = 0; i < d; ++i) out[static_cast<std::size_t>(i)] += weight * cache.values[at(s, i)];
  }
  for (double& value : out) value /= total;
  return out;
}

double worst_error(const AttentionShape& shape, const Cache& cache, std::int64_t begin, std::int64_t end,
                   const std::vector<float>& queries, const std::vector<float>& out) {
  double worst = 0;
  for (std::int64_t h = 0; h < shape.heads; ++h) {
    const std::vector<double> expected = reference(shape, cache, begin, end, queries.data(), h);
    for (std::int64_t i = 0; i < shape.head_dim; ++i) {
      const double error = std::abs(static_cast<double>(out[static_cast<std::size_t>(h * shape.head_dim + i)]) -
                                    expected[static_cast<std::size_t>(i)]);
      worst = std::isnan(error) ? 1e9 : std::max(worst, error);
    }
  }
  return worst;
}

// Values are of size 1 to 5. A score of up to ~20 carries an error of ~20 * 2^-24 * a few, which is the relative error
// of its weight; sums add less.
constexpr double kBound = 1e-5;

}  // namespace

TEST_CASE("attention over odd shapes") {
  std::mt19937 random(1);
  ThreadPool pool(2);
  std::vector<float> scratch;
  const AttentionShape shapes[] = {shape_of(1, 1, 2),  shape_of(2, 1, 6),    shape_of(3, 3, 16),  shape_of(9, 3, 64),
                                   shape_of(4, 2, 80), shape_of(5, 1, 10),   shape_of(6, 1, 96),  shape_of(7, 7, 30),
                                   shape_of(8, 1, 64), shape_of(12, 2, 128), shape_of(4, 1, 256), shape_of(16, 1, 34)};
  for (const Isa isa : isas()) {
    for (const DType dtype : {DType::fp32, DType::bf16}) {
      for (const AttentionShape& shape : shapes) {
        for (const std::int64_t length : {1, 2, 63, 64, 65, 130, 300}) {
          CAPTURE(std::string(isa_name(isa)));
          CAPTURE(shape.heads);
          CAPTURE(shape.head_dim);
          CAPTURE(length);
          const Cache cache(random, shape, length, dtype);  // no room behind: reads past the end are seen
          const std::vector<float> queries = random_floats(random, shape.heads * shape.head_dim, 2.0F);
          std::vector<float> out(queries.size());
          attention(pool, isa, shape, cache.view, 0, length, queries.data(), out.data(), scratch);
          CHECK(worst_error(shape, cache, 0, length, queries, out) <= kBound);
        }
      }
    }
  }
}

TEST_CASE("attention over long contexts and windows, the same bits for any number of threads") {
  std::mt19937 random(2);
  std::vector<float> scratch;
  const AttentionShape shape = shape_of(9, 3, 64);
  for (const DType dtype : {DType::fp32, DType::bf16}) {
    const Cache cache(random, shape, 4200, dtype);
    const std::vector<float> queries = random_floats(random, shape.heads * shape.head_dim, 2.0F);
    const std::int64_t ranges[][2] = {{0, 4096}, {0, 4200}, {3000, 4000}, {4199, 4200}, {17, 1042}};
    for (const Isa isa : isas()) {
      CAPTURE(std::string(isa_name(isa)));
      for (const auto& range : ranges) {
        std::vector<float> first(queries.size()), out(queries.size());
        ThreadPool one(1);
        attention(one, isa, shape, cache.view, range[0], range[1], queries.data(), first.data(), scratch);
        CHECK(worst_error(shape, cache, range[0], range[1], queries, first) <= kBound);
        for (const int threads : {2, 3, 4}) {
          ThreadPool pool(threads);
          attention(pool, isa, shape, cache.view, range[0], range[1], queries.data(), out.data(), scratch);
          CHECK(out == first);
        }
      }
    }
  }
}

TEST_CASE("attention with scores far apart") {
  std::mt19937 random(3);
  ThreadPool pool(2);
  std::vector<float> scratch;
  const AttentionShape shape = shape_of(4, 2, 32);
  for (const Isa isa : isas()) {
    const Cache cache(random, shape, 700, DType::fp32);
    // Scores of several hundred: nearly all weight on one position, which may be in any slice; no overflow.
    const std::vector<float> queries = random_floats(random, shape.heads * shape.head_dim, 100.0F);
    std::vector<float> out(queries.size());
    attention(pool, isa, shape, cache.view, 0, 700, queries.data(), out.data(), scratch);
    CHECK(worst_error(shape, cache, 0, 700, queries, out) <= 50 * kBound);  // scores are 50 times larger
  }
}

TEST_CASE("rope") {
  std::mt19937 random(4);
  for (const Isa isa : isas()) {
    for (const std::int64_t head_dim : {2, 4, 10, 30, 64, 80, 128}) {
      for (const std::int64_t heads : {1, 3, 9}) {
        std::vector<float> cos, sin;
        for (std::int64_t i = 0; i < head_dim / 2; ++i) {
          const double angle = 17.0 / std::pow(10000.0, 2.0 * static_cast<double>(i) / static_cast<double>(head_dim));
          cos.push_back(static_cast<float>(std::cos(angle)));
          sin.push_back(static_cast<float>(std::sin(angle)));
        }
        std::vector<float> x = random_floats(random, heads * head_dim);
        std::vector<double> expected(x.begin(), x.end());
        rope_reference(expected.data(), heads, head_dim, cos.data(), sin.data());
        rope(isa, x.data(), heads, head_dim, cos.data(), sin.data());
        bool near = true;
        for (std::size_t i = 0; i < x.size(); ++i) {
          near = near && std::abs(static_cast<double>(x[i]) - expected[i]) <= 1e-6;  // values below 6, two roundings
        }
        CHECK(near);
      }
    }
  }
}

TEST_CASE("append writes one position of each head, rounded to nearest even") {
  for (const Isa isa : isas()) {
    for (const DType dtype : {DType::fp32, DType::bf16}) {
      std::mt19937 random(5);
      const AttentionShape shape = shape_of(6, 3, 22);
      Cache cache(random, shape, 5, dtype);
      const Cache before = cache;
      std::vector<float> keys = random_floats(random, 66), values = random_floats(random, 66);
      keys[0] = 1.00390625F;  // a tie: down to the even 1.0
      keys[1] = 1.01171875F;  // a tie: up to the even 1.015625
      keys[2] = std::numeric_limits<float>::infinity();
      keys[3] = std::numeric_limits<float>::max();  // rounds to infinity
      keys[21] = -std::numeric_limits<float>::infinity();
      values[5] = std::numeric_limits<float>::quiet_NaN();
      cache.view = {cache.keys.data(), cache.values.data(), dtype, 5};
      append(isa, shape, cache.view, 3, keys.data(), values.data());
      bool as_expected = true;
      for (std::int64_t h = 0; h < 3; ++h) {
        for (std::int64_t s = 0; s < 5; ++s) {
          for (std::int64_t i = 0; i < 22; ++i) {
            const auto at = static_cast<std::size_t>((h * 5 + s) * 22 + i);
            const auto from = static_cast<std::size_t>(h * 22 + i);
            const auto stored = [&](float x) { return dtype == DType::bf16 ? from_bf16(to_bf16(x)) : x; };
            const double key = s == 3 ? static_cast<double>(stored(keys[from])) : before.keys[at];
            as_expected = as_expected && cache.keys[at] == key;
            if (s == 3 && from == 5) {
              as_expected = as_expected && std::isnan(cache.values[at]);
            } else {
              as_expected = as_expected && cache.values[at] ==
                                               (s == 3 ? static_cast<double>(stored(values[from])) : before.values[at]);
            }
          }
        }
      }
      CHECK(as_expected);
      if (dtype == DType::bf16) {
        CHECK(cache.keys[3 * 22] == 1.0);
        CHECK(cache.keys[3 * 22 + 1] == 1.015625);
        CHECK(std::isinf(cache.keys[3 * 22 + 3]));
      }
    }
  }
}
