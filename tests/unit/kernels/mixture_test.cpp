#include "lib/nn/kernels/mixture.hpp"

#include "lib/nn/kernels/decode.hpp"
#include "tests/unit/kernels/reference.hpp"

#include <lmm/error.hpp>

#include <doctest/doctest.h>

#include <numeric>

using namespace kernel_tests;

namespace {

struct RandomExpert {
  RandomLinear gate, up, down;
};

struct RandomMixture {
  RandomMixture(std::int64_t experts, std::int64_t hidden, std::int64_t intermediate, DType dtype, unsigned seed) {
    std::mt19937 random(seed);
    router = RandomLinear(random, experts, hidden, dtype, false);
    for (std::int64_t i = 0; i < experts; ++i) {
      all.push_back({RandomLinear(random, intermediate, hidden, dtype, false),
                     RandomLinear(random, intermediate, hidden, dtype, false),
                     RandomLinear(random, hidden, intermediate, dtype, false)});
    }
    x = random_floats(random, hidden);
  }

  MixtureWeights view(std::int64_t chosen, bool normalise) const {
    MixtureWeights views{router.view(), {}, chosen, normalise};
    for (const RandomExpert& expert : all) views.experts.push_back({expert.gate.view(), expert.up.view(), expert.down.view()});
    return views;
  }

  /// In double precision, as Qwen3MoeSparseMoeBlock.
  std::vector<double> formula(std::int64_t chosen, bool normalise) const {
    std::vector<double> shares = multiply(router, x.data()).y;
    double total = 0;
    for (double& share : shares) total += share = std::exp(share);
    std::vector<std::size_t> order(shares.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return shares[a] > shares[b]; });
    order.resize(static_cast<std::size_t>(chosen));
    if (normalise) {
      total = 0;
      for (const std::size_t i : order) total += shares[i];
    }
    std::vector<double> y(x.size(), 0.0);
    for (const std::size_t i : order) {
      std::vector<double> inner = multiply(all[i].gate, x.data()).y;
      const std::vector<double> up = multiply(all[i].up, x.data()).y;
      for (std::size_t j = 0; j < inner.size(); ++j) inner[j] = silu(inner[j]) * up[j];
      const std::vector<double> out = multiply(all[i].down, inner.data()).y;
      for (std::size_t j = 0; j < y.size(); ++j) y[j] += shares[i] / total * out[j];
    }
    return y;
  }

  RandomLinear router;
  std::vector<RandomExpert> all;
  std::vector<float> x;
};

}  // namespace

TEST_CASE("a mixture adds the chosen experts by their shares") {
  for (const auto& [experts, hidden, intermediate] : {std::array{8, 72, 40}, std::array{1, 16, 3}, std::array{5, 133, 301}}) {
    for (const DType dtype : {DType::fp32, DType::bf16}) {
      const RandomMixture mixture(experts, hidden, intermediate, dtype, static_cast<unsigned>(hidden));
      for (const std::int64_t chosen : {std::int64_t{1}, std::min<std::int64_t>(3, experts), std::int64_t{experts}}) {
        for (const bool normalise : {false, true}) {
          const std::vector<double> wanted = mixture.formula(chosen, normalise);
          const double scale = std::abs(*std::max_element(wanted.begin(), wanted.end(), [](double a, double b) {
            return std::abs(a) < std::abs(b);
          }));
          std::vector<float> before;
          for (const Isa isa : isas()) {
            for (const int threads : {1, 3}) {
              ThreadPool pool(threads);
              MixtureScratch scratch;
              std::vector<float> y(mixture.x.size(), 0.5F);
              add_mixture(pool, isa, mixture.view(chosen, normalise), mixture.x.data(), y.data(), scratch);
              double worst = 0;
              for (std::size_t i = 0; i < y.size(); ++i) worst = std::max(worst, std::abs(y[i] - 0.5 - wanted[i]));
              CHECK(worst < 2e-6 * (scale + 0.5));
              if (threads > 1) CHECK(y == before);  // the same bits for any number of threads
              before = y;
            }
          }
        }
      }
    }
  }
}

TEST_CASE("a mixture of wrong shape is refused by name when weights are bound") {
  const RandomMixture mixture(4, 16, 8, DType::fp32, 1);
  std::mt19937 random(2);
  const auto numbers = [&](std::int64_t n) { return random_numbers(random, n, DType::fp32); };
  const Numbers norm = numbers(16);
  const RandomLinear square(random, 16, 16, DType::fp32, false);
  const VectorView norm_view{norm.data(), DType::fp32, 16};
  DecoderWeights decoder;
  decoder.shape = {16, 8, {2, 2, 8, 1.0F}, 1e-6};
  decoder.final_norm = norm_view;
  decoder.head = square.view();
  LayerWeights layer;
  layer.input_norm = layer.post_norm = norm_view;
  layer.q = layer.k = layer.v = layer.o = square.view();
  layer.mixture = mixture.view(2, true);
  decoder.layers = {layer};
  CHECK_NOTHROW(check_shapes(decoder));
  decoder.layers[0].mixture.chosen = 5;
  CHECK_THROWS_WITH_AS(check_shapes(decoder), doctest::Contains("5 of 4 experts"), lmm::Error);
  decoder.layers[0].mixture.chosen = 2;
  decoder.layers[0].mixture.experts[3].down = square.view();
  CHECK_THROWS_WITH_AS(check_shapes(decoder), doctest::Contains("layer 0: expert down"), lmm::Error);
}
