#include "lib/nn/kernels/decode.hpp"

#include "tests/unit/kernels/reference.hpp"

#include <lmm/error.hpp>

#include <doctest/doctest.h>

#include <string>

using namespace kernel_tests;

namespace {

struct Options {
  std::int64_t layers = 3, hidden = 72, heads = 6, kv_heads = 2, head_dim = 24, intermediate = 100, vocab = 201;
  bool bias = false, head_norms = false;
  DType dtype = DType::fp32;
  DType cache_dtype = DType::fp32;
};

struct RandomLayer {
  Numbers input_norm, post_norm, q_norm, k_norm;
  RandomLinear q, k, v, o, gate, up, down;
};

// A random decoder, and the same computed plainly in double precision.
class Decoder {
 public:
  Decoder(const Options& options, unsigned seed) : o(options) {
    std::mt19937 random(seed);
    const std::int64_t wide = o.heads * o.head_dim, narrow = o.kv_heads * o.head_dim;
    const auto linear = [&](std::int64_t out, std::int64_t in) {
      return RandomLinear(random, out, in, o.dtype, o.bias);
    };
    for (std::int64_t i = 0; i < o.layers; ++i) {
      RandomLayer layer;
      layer.input_norm = random_numbers(random, o.hidden, o.dtype);
      layer.post_norm = random_numbers(random, o.hidden, o.dtype);
      if (o.head_norms) {
        layer.q_norm = random_numbers(random, o.head_dim, o.dtype);
        layer.k_norm = random_numbers(random, o.head_dim, o.dtype);
      }
      layer.q = linear(wide, o.hidden);
      layer.k = linear(narrow, o.hidden);
      layer.v = linear(narrow, o.hidden);
      layer.o = linear(o.hidden, wide);
      layer.gate = linear(o.intermediate, o.hidden);
      layer.up = linear(o.intermediate, o.hidden);
      layer.down = linear(o.hidden, o.intermediate);
      layers.push_back(std::move(layer));
    }
    final_norm = random_numbers(random, o.hidden, o.dtype);
    head = RandomLinear(random, o.vocab, o.hidden, o.dtype, false);
    keys.resize(static_cast<std::size_t>(o.layers));
    values = keys;
  }

  DecoderWeights view() const {
    DecoderWeights w;
    w.shape = {o.hidden,
               o.intermediate,
               {o.heads, o.kv_heads, o.head_dim, 1.0F / std::sqrt(static_cast<float>(o.head_dim))},
               1e-5};
    const auto vector = [](const Numbers& n) {
      return VectorView{n.size() ? n.data() : nullptr, n.dtype(), static_cast<std::int64_t>(n.size())};
    };
    for (const RandomLayer& layer : layers) {
      w.layers.push_back({vector(layer.input_norm), layer.q.view(), layer.k.view(), layer.v.view(),
                          vector(layer.q_norm), vector(layer.k_norm), layer.o.view(), vector(layer.post_norm),
                          layer.gate.view(), layer.up.view(), layer.down.view()});
    }
    w.final_norm = vector(final_norm);
    w.head = head.view();
    return w;
  }

  // Logits of the next token, in double precision; keys and values of the tokens before are kept.
  std::vector<double> step(std::vector<double> x, const float* cos, const float* sin) {
    for (std::size_t i = 0; i < layers.size(); ++i) {
      const RandomLayer& layer = layers[i];
      std::vector<double> normed = rms_norm_reference(x.data(), layer.input_norm, 1e-5);
      std::vector<double> q = multiply(layer.q, normed.data()).y, k = multiply(layer.k, normed.data()).y;
      if (o.head_norms) {
        norm_heads(q, layer.q_norm);
        norm_heads(k, layer.k_norm);
      }
      rope_reference(q.data(), o.heads, o.head_dim, cos, sin);
      rope_reference(k.data(), o.kv_heads, o.head_dim, cos, sin);
      keys[i].push_back(k);
      values[i].push_back(multiply(layer.v, normed.data()).y);
      const std::vector<double> attended = attend(q, keys[i], values[i]);
      add(x, multiply(layer.o, attended.data()).y);
      normed = rms_norm_reference(x.data(), layer.post_norm, 1e-5);
      std::vector<double> gate = multiply(layer.gate, normed.data()).y;
      const std::vector<double> up = multiply(layer.up, normed.data()).y;
      for (std::size_t j = 0; j < gate.size(); ++j) gate[j] = silu(gate[j]) * up[j];
      add(x, multiply(layer.down, gate.data()).y);
    }
    const std::vector<double> normed = rms_norm_reference(x.data(), final_norm, 1e-5);
    return multiply(head, normed.data()).y;
  }

  Options o;

 private:
  using Rows = std::vector<std::vector<double>>;

  void norm_heads(std::vector<double>& x, const Numbers& weight) const {
    for (std::size_t h = 0; h < x.size(); h += weight.size()) {
      const std::vector<double> y = rms_norm_reference(x.data() + h, weight, 1e-5);
      std::copy(y.begin(), y.end(), x.begin() + static_cast<std::ptrdiff_t>(h));
    }
  }
  static void add(std::vector<double>& x, const std::vector<double>& y) {
    for (std::size_t i = 0; i < x.size(); ++i) x[i] += y[i];
  }
  std::vector<double> attend(const std::vector<double>& q, const Rows& k, const Rows& v) const {
    std::vector<double> out(q.size(), 0.0);
    const auto d = static_cast<std::size_t>(o.head_dim);
    const auto group = static_cast<std::size_t>(o.heads / o.kv_heads);
    for (std::size_t h = 0; h < static_cast<std::size_t>(o.heads); ++h) {
      std::vector<double> scores;
      double most = -1e300, total = 0;
      for (const auto& row : k) {
        double score = 0;
        for (std::size_t i = 0; i < d; ++i) score += q[h * d + i] * row[h / group * d + i];
        scores.push_back(score / std::sqrt(static_cast<double>(d)));
        most = std::max(most, scores.back());
      }
      for (double& score : scores) total += score = std::exp(score - most);
      for (std::size_t s = 0; s < scores.size(); ++s) {
        for (std::size_t i = 0; i < d; ++i) out[h * d + i] += scores[s] / total * v[s][h / group * d + i];
      }
    }
    return out;
  }

  std::vector<RandomLayer> layers;
  Numbers final_norm;
  RandomLinear head;
  std::vector<Rows> keys, values;
};

struct Memory {
  Memory(const Options& o, std::int64_t capacity) {
    for (std::int64_t i = 0; i < o.layers; ++i) {
      const std::vector<float> zeros(static_cast<std::size_t>(o.kv_heads * capacity * o.head_dim), 0.0F);
      blocks.emplace_back(zeros, o.cache_dtype);
      blocks.emplace_back(zeros, o.cache_dtype);
    }
    for (std::size_t i = 0; i < blocks.size(); i += 2) {
      caches.push_back({blocks[i].data(), blocks[i + 1].data(), o.cache_dtype, capacity});
    }
  }
  std::vector<Numbers> blocks;
  std::vector<LayerCache> caches;
};

// Decodes `tokens` random embeddings; gives the worst error relative to the largest logit, and all logits.
double decode(const Options& options, Isa isa, int threads, int tokens, std::vector<float>* all = nullptr) {
  Decoder decoder(options, 7);
  const DecoderWeights weights = decoder.view();
  check_shapes(weights);
  Memory memory(options, tokens);
  ThreadPool pool(threads);
  DecodeScratch scratch;
  std::mt19937 random(8);
  double worst = 0;
  for (int position = 0; position < tokens; ++position) {
    std::vector<float> x = random_floats(random, options.hidden), cos, sin;
    for (std::int64_t i = 0; i < options.head_dim / 2; ++i) {
      cos.push_back(std::cos(static_cast<float>(position) / static_cast<float>(i + 1)));
      sin.push_back(std::sin(static_cast<float>(position) / static_cast<float>(i + 1)));
    }
    const std::vector<double> expected = decoder.step({x.begin(), x.end()}, cos.data(), sin.data());
    std::vector<float> logits(static_cast<std::size_t>(options.vocab));
    const Best best = decode_step(pool, isa, weights, memory.caches, {cos.data(), sin.data()}, position, x.data(),
                                  logits.data(), scratch);
    CHECK(best.index == std::max_element(logits.begin(), logits.end()) - logits.begin());
    double largest = 0, error = 0;
    for (std::size_t i = 0; i < logits.size(); ++i) {
      largest = std::max(largest, std::abs(expected[i]));
      const double here = std::abs(static_cast<double>(logits[i]) - expected[i]);
      error = std::isnan(here) ? 1e9 : std::max(error, here);
    }
    worst = std::max(worst, error / largest);
    if (all != nullptr) all->insert(all->end(), logits.begin(), logits.end());
  }
  return worst;
}

Options variant(int number) {
  Options o;
  o.bias = number & 1;
  o.head_norms = number & 2;
  o.dtype = number & 4 ? DType::bf16 : DType::fp32;
  if (number & 8) {
    o.hidden = 37;
    o.heads = o.kv_heads = 3;
    o.head_dim = 10;
    o.intermediate = 61;
  }
  return o;
}

}  // namespace

TEST_CASE("decoding equals the decoder in double precision") {
  for (const Isa isa : isas()) {
    for (int number = 0; number < 16; ++number) {
      CAPTURE(std::string(isa_name(isa)));
      CAPTURE(number);
      // Weights are what they are in either dtype; activations and the cache are fp32: three layers of fp32 rounding.
      CHECK(decode(variant(number), isa, 2, 5) <= 2e-5);
    }
  }
}

TEST_CASE("a bf16 cache rounds keys and values, nothing else") {
  Options o;
  o.cache_dtype = DType::bf16;
  for (const Isa isa : isas()) {
    const double error = decode(o, isa, 2, 70);
    CHECK(error <= 2e-2);  // 2^-8 relative rounding of each key and value
    CHECK(error >= 1e-6);  // and it is really stored as bf16
  }
}

TEST_CASE("decoding gives the same bits for any number of threads") {
  for (const Isa isa : isas()) {
    std::vector<float> first, other;
    decode(variant(5), isa, 1, 4, &first);
    for (const int threads : {2, 3, 4}) {
      other.clear();
      decode(variant(5), isa, threads, 4, &other);
      CHECK(first == other);
    }
  }
}

TEST_CASE("wrong shapes and a full cache are errors that say so") {
  const Options o;
  const Decoder decoder(o, 1);
  const auto message = [](const DecoderWeights& weights) -> std::string {
    try {
      check_shapes(weights);
    } catch (const lmm::Error& error) {
      return error.what();
    }
    return "";
  };
  CHECK(message(decoder.view()) == "");
  DecoderWeights w = decoder.view();
  w.layers[1].down.in = 99;
  CHECK(message(w) == "decoder layer 1: down is (72, 99), expected (72, 100)");
  w = decoder.view();
  w.layers[0].k.weight = nullptr;
  CHECK(message(w) == "decoder layer 0: k is (0, 0), expected (48, 72)");
  w = decoder.view();
  w.layers[2].post_norm.size = 71;
  CHECK(message(w) == "decoder layer 2: post norm is (71), expected (72)");
  w = decoder.view();
  w.head.dtype = DType::fp16;
  CHECK(message(w) == "decoder: head is fp16, expected fp32 or bf16");
  w = decoder.view();
  w.shape.attention.kv_heads = 4;
  CHECK(message(w).find("6 heads, 4 key/value heads") != std::string::npos);

  const DecoderWeights weights = decoder.view();
  Memory memory(o, 2);
  ThreadPool pool(1);
  DecodeScratch scratch;
  const std::vector<float> angles(12, 0.5F), before(72, 1.0F);
  std::vector<float> x = before, logits(201);
  const auto step = [&](std::span<const LayerCache> caches, std::int64_t position) {
    decode_step(pool, best_isa(), weights, caches, {angles.data(), angles.data()}, position, x.data(), logits.data(),
                scratch);
  };
  CHECK_THROWS_WITH_AS(step(memory.caches, 2), "decode: position 2 is not within the cache's capacity of 2",
                       lmm::Error);
  CHECK_THROWS_AS(step(memory.caches, -1), lmm::Error);
  CHECK_THROWS_AS(step(std::span(memory.caches).first(2), 0), lmm::Error);
  CHECK(x == before);
  step(memory.caches, 1);
}
