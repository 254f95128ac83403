#include "lib/nn/kernels/mixture.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace lmm::nn::kernels {
namespace {

/// Softmax of scores in place; `order` begins with the `chosen` largest, of equal ones the lower index first.
void choose(std::vector<float>& scores, std::int64_t chosen, bool normalise, std::vector<std::int32_t>& order) {
  const float largest = *std::max_element(scores.begin(), scores.end());
  float total = 0;
  for (float& score : scores) total += score = std::exp(score - largest);
  order.resize(scores.size());
  std::iota(order.begin(), order.end(), 0);
  const auto before = [&](std::int32_t a, std::int32_t b) {
    const float of_a = scores[static_cast<std::size_t>(a)], of_b = scores[static_cast<std::size_t>(b)];
    return of_a > of_b || (of_a == of_b && a < b);
  };
  std::partial_sort(order.begin(), order.begin() + chosen, order.end(), before);
  if (normalise) {
    total = 0;
    for (std::int64_t i = 0; i < chosen; ++i) total += scores[static_cast<std::size_t>(order[static_cast<std::size_t>(i)])];
  }
  for (float& score : scores) score /= total;
}

}  // namespace

void add_mixture(ThreadPool& pool, Isa isa, const MixtureWeights& mixture, const float* x, float* y,
                 MixtureScratch& scratch) {
  const std::size_t experts = mixture.experts.size();
  const auto chosen = static_cast<std::size_t>(mixture.chosen);
  const auto intermediate = static_cast<std::size_t>(mixture.experts.front().gate.out);
  scratch.scores.resize(experts);
  scratch.activated.resize(chosen * intermediate);
  scratch.gated.resize(chosen);
  scratch.sums.resize(chosen);

  linear(pool, isa, mixture.router, x, 1, scratch.scores.data());
  choose(scratch.scores, mixture.chosen, mixture.normalise, scratch.order);
  for (std::size_t i = 0; i < chosen; ++i) {
    const ExpertWeights& expert = mixture.experts[static_cast<std::size_t>(scratch.order[i])];
    float* const activated = scratch.activated.data() + i * intermediate;
    scratch.gated[i] = {expert.gate, expert.up, activated};
    scratch.sums[i] = {expert.down, activated};
  }
  gated_linears(pool, isa, scratch.gated, x);
  for (std::size_t i = 0; i < chosen; ++i) {
    const float weight = scratch.scores[static_cast<std::size_t>(scratch.order[i])];
    float* const activated = scratch.activated.data() + i * intermediate;
    for (std::size_t j = 0; j < intermediate; ++j) activated[j] *= weight;
  }
  sum_linears(pool, isa, scratch.sums, y);
}

}  // namespace lmm::nn::kernels
