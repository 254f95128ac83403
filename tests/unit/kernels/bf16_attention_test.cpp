#include "lib/nn/kernels/bf16_attention.hpp"

#include "tests/unit/kernels/reference.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace kernel_tests;

namespace {

struct Case {
  std::int64_t heads, kv_heads, tokens, keys, head_dim;
  bool causal;
};

std::vector<std::uint16_t> random_bf16(std::mt19937& random, std::int64_t count, float scale) {
  std::vector<std::uint16_t> values;
  for (const float value : random_floats(random, count, scale)) values.push_back(to_bf16(value));
  return values;
}

// One attention with its memory. Queries as a projection leaves them (tokens, heads, head_dim), keys and values as a
// cache holds them (kv_heads, capacity, head_dim), both with something else behind each row.
struct Problem {
  Problem(const Case& c, unsigned seed, float scale_of_queries) : shape(c) {
    std::mt19937 random(seed);
    const std::int64_t capacity = c.keys + 3, width = c.heads * c.head_dim + 6;
    q = random_bf16(random, c.tokens * width, scale_of_queries);
    k = random_bf16(random, c.kv_heads * capacity * c.head_dim, 1.0F);
    v = random_bf16(random, c.kv_heads * capacity * c.head_dim, 1.0F);
    out.assign(static_cast<std::size_t>(c.tokens * c.heads * c.head_dim), 0x7fc0);  // NaN
    a.q = q.data(), a.k = k.data(), a.v = v.data(), a.out = out.data();
    a.q_head = c.head_dim, a.q_token = width;
    a.k_head = a.v_head = capacity * c.head_dim, a.k_token = a.v_token = c.head_dim;
    a.out_head = c.head_dim, a.out_token = c.heads * c.head_dim;
    a.heads = c.heads, a.kv_heads = c.kv_heads, a.tokens = c.tokens, a.keys = c.keys, a.head_dim = c.head_dim;
    a.scale = 1.0F / std::sqrt(static_cast<float>(c.head_dim));
    a.causal = c.causal;
  }

  // Largest error relative to what the arithmetic allows: weights and results are rounded to bf16, by up to
  // 2^-8 each (8 significant bits).
  double worst_error() const {
    double worst = 0;
    for (std::int64_t h = 0; h < shape.heads; ++h) {
      const std::int64_t kv = h / (shape.heads / shape.kv_heads);
      for (std::int64_t t = 0; t < shape.tokens; ++t) {
        const std::int64_t seen = shape.causal ? shape.keys - shape.tokens + t + 1 : shape.keys;
        std::vector<double> weights;
        double most = -1e300, total = 0;
        for (std::int64_t s = 0; s < seen; ++s) {
          double score = 0;
          for (std::int64_t i = 0; i < shape.head_dim; ++i) {
            score += at(q, t * a.q_token + h * a.q_head + i) * at(k, kv * a.k_head + s * a.k_token + i);
          }
          weights.push_back(score * static_cast<double>(a.scale));
          most = std::max(most, weights.back());
        }
        for (double& weight : weights) total += weight = std::exp(weight - most);
        for (std::int64_t i = 0; i < shape.head_dim; ++i) {
          double expected = 0, magnitude = 0;
          for (std::int64_t s = 0; s < seen; ++s) {
            const double term = weights[static_cast<std::size_t>(s)] / total * at(v, kv * a.v_head + s * a.v_token + i);
            expected += term;
            magnitude += std::abs(term);
          }
          const double error = std::abs(at(out, t * a.out_token + h * a.out_head + i) - expected);
          const double allowed = std::ldexp(magnitude + std::abs(expected), -8) + 2e-5;
          worst = std::isnan(error) ? 1e9 : std::max(worst, error / allowed);
        }
      }
    }
    return worst;
  }

  static double at(const std::vector<std::uint16_t>& values, std::int64_t i) {
    return static_cast<double>(from_bf16(values[static_cast<std::size_t>(i)]));
  }

  Case shape;
  std::vector<std::uint16_t> q, k, v, out;
  Bf16Attention a;
};

// avx512_bf16 multiplies bf16 pairs, the others fp32 numbers.
std::vector<Isa> attending_isas() {
  std::vector<Isa> list;
  for (const Isa isa : {Isa::avx2, Isa::avx512, Isa::avx512_bf16}) {
    if (has_bf16_attention(isa, 64)) list.push_back(isa);
  }
  if (list.empty()) MESSAGE("skipped: this machine has no AVX2");
  return list;
}

}  // namespace

TEST_CASE("bf16 attention says where it works") {
  CHECK_FALSE(has_bf16_attention(Isa::portable, 64));
  for (const Isa isa : {Isa::avx2, Isa::avx512, Isa::avx512_bf16}) CHECK(has_bf16_attention(isa, 64) == isa_available(isa));
  CHECK_FALSE(has_bf16_attention(Isa::avx512_bf16, 63));
  CHECK_FALSE(has_bf16_attention(Isa::avx512_bf16, 258));
  CHECK_FALSE(has_bf16_attention(Isa::avx512_bf16, 0));
}

TEST_CASE("bf16 attention over odd shapes") {
  ThreadPool pool(2);
  Bf16AttentionPlan plan;
  const Case cases[] = {{1, 1, 1, 1, 2, false},     {1, 1, 1, 1, 2, true},       {2, 1, 3, 3, 6, true},
                        {3, 3, 7, 7, 16, false},    {9, 3, 50, 50, 64, true},    {12, 12, 65, 65, 64, false},
                        {4, 2, 5, 64, 80, false},   {16, 16, 49, 49, 72, false}, {6, 2, 13, 600, 64, true},
                        {2, 2, 1, 515, 64, true},   {4, 1, 97, 97, 128, true},   {2, 1, 10, 40, 256, true},
                        {3, 1, 6, 1030, 34, false}, {1, 1, 530, 530, 32, true}};
  for (const Case& c : cases) {
    for (const Isa isa : attending_isas()) {
      const float scale = c.tokens % 2 == 0 ? 1.0F : 6.0F;
      CAPTURE(std::string(isa_name(isa)));
      CAPTURE(c.heads);
      CAPTURE(c.tokens);
      CAPTURE(c.keys);
      CAPTURE(c.head_dim);
      CAPTURE(c.causal);
      Problem problem(c, 5, scale);
      bf16_attention(pool, isa, problem.a, plan);
      CHECK(problem.worst_error() <= 1);
    }
  }
}

TEST_CASE("bf16 attention gives the same bits for any number of threads, and row by row") {
  for (const Isa isa : attending_isas()) {
    CAPTURE(std::string(isa_name(isa)));
    Bf16AttentionPlan plan;
    Problem problem({9, 3, 131, 700, 64, true}, 6, 2.0F);
    ThreadPool one(1);
    bf16_attention(one, isa, problem.a, plan);
    const std::vector<std::uint16_t> first = problem.out;
    for (const int threads : {2, 3, 4}) {
      ThreadPool pool(threads);
      problem.out.assign(first.size(), 0);
      problem.a.out = problem.out.data();
      bf16_attention(pool, isa, problem.a, plan);
      CHECK(problem.out == first);
    }
    // The last 41 tokens alone, as the second piece of a prefill: the same bits, too.
    Bf16Attention tail = problem.a;
    std::vector<std::uint16_t> out(41 * 9 * 64);
    tail.q += 90 * tail.q_token;
    tail.tokens = 41;
    tail.out = out.data();
    bf16_attention(one, isa, tail, plan);
    std::size_t different = 0;
    for (std::size_t i = 0; i < out.size(); ++i) different += out[i] != first[90 * 9 * 64 + i];
    CHECK(different == 0);
  }
}

TEST_CASE("bf16 attention: what a causal token must not see does not show") {
  for (const Isa isa : attending_isas()) {
    CAPTURE(std::string(isa_name(isa)));
    Bf16AttentionPlan plan;
    ThreadPool pool(2);
    const Case shape{2, 1, 70, 70, 32, true};
    Problem problem(shape, 7, 1.0F);
    bf16_attention(pool, isa, problem.a, plan);
    const std::vector<std::uint16_t> first = problem.out;
    for (std::size_t i = 40 * 32; i < 70 * 32; ++i) problem.k[i] = problem.v[i] = to_bf16(1000.0F);
    bf16_attention(pool, isa, problem.a, plan);
    const auto unseen = static_cast<std::ptrdiff_t>(40 * 2 * 32);
    CHECK(std::equal(first.begin(), first.begin() + unseen, problem.out.begin()));
    CHECK_FALSE(std::equal(first.begin() + unseen, first.end(), problem.out.begin() + unseen));
  }
}
