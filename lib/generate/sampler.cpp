#include "lib/generate/sampler.hpp"

#include "lib/core/error.hpp"
#include "lib/generate/random.hpp"
#include "lib/generate/vector_math.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace lmm::generate {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

/// LogitNormalization: log-softmax. `scratch` is working space.
void renormalize(std::span<float> logits, std::vector<float>& scratch) {
  const float max = maximum(logits).value;
  scratch.resize(logits.size());
  const float log_total = static_cast<float>(std::log(exponentials(logits, max, scratch)));
  for (float& logit : logits) logit = logit - max - log_total;
}

}  // namespace

Sampler::Sampler(Settings settings, std::int64_t vocab_size, std::span<const std::int32_t> prompt)
    : settings_(std::move(settings)),
      vocab_size_(static_cast<std::size_t>(vocab_size)),
      history_(prompt, vocab_size, settings_.max_new_tokens) {}

std::size_t Sampler::prepare(std::span<float> logits) {
  if (logits.size() != vocab_size_ || logits.empty()) {
    fail(ErrorCode::internal, "sampler: {} logits, expected {}", logits.size(), vocab_size_);
  }
  apply_processors(settings_, history_, logits);
  const Maximum largest = maximum(logits);
  if (largest.has_nan) {
    fail(ErrorCode::bad_file,
         "the logits of new token {} are NaN, expected numbers: the weights are damaged, or overflow in this dtype",
         history_.new_length());
  }
  if (largest.value == -kInfinity) {
    fail(ErrorCode::invalid_argument,
         "no token is left for new token {}: all {} are forbidden by bad_words, min_tokens, logit_bias or the "
         "checkpoint's generation config",
         history_.new_length(), vocab_size_);
  }
  if (largest.value == kInfinity && (settings_.sample || settings_.renormalize_logits)) {
    fail(ErrorCode::bad_file,
         "a logit of new token {} is infinite, expected a number: the weights are damaged, or they or a penalty "
         "overflow",
         history_.new_length());
  }
  if (settings_.sample && !std::isfinite(largest.value / static_cast<float>(settings_.temperature))) {
    fail(ErrorCode::invalid_argument, "temperature is {}, expected more: a logit of {} overflows",
         settings_.temperature, largest.value);
  }
  return largest.index;
}

void Sampler::warp(std::span<float> logits) {
  if (settings_.temperature != 1) {
    const float temperature = static_cast<float>(settings_.temperature);
    for (float& logit : logits) logit /= temperature;
  }
  constexpr std::size_t kTopOfTopH = 100;
  const auto k = static_cast<std::size_t>(settings_.top_k);
  const std::size_t first_cut = settings_.top_h > 0 ? kTopOfTopH : k;
  candidates_.take(logits, first_cut > 0 ? kth_largest(logits, first_cut, buffer_) : -kInfinity);
  if (settings_.top_h > 0) candidates_.keep_top_h(settings_.top_h);
  if (settings_.top_h > 0 && k > 0) candidates_.keep_top_k(k);
  if (settings_.top_p < 1) candidates_.keep_top_p(settings_.top_p);
  if (settings_.min_p > 0) candidates_.keep_min_p(settings_.min_p);
  if (settings_.typical_p < 1) candidates_.keep_typical(settings_.typical_p);
  if (settings_.epsilon_cutoff > 0) candidates_.keep_epsilon(settings_.epsilon_cutoff);
  if (settings_.eta_cutoff > 0) candidates_.keep_eta(settings_.eta_cutoff);
}

std::int32_t Sampler::choose_greedily(std::span<float> logits, std::size_t largest) {
  if (settings_.renormalize_logits) {  // may make near logits equal
    renormalize(logits, buffer_);
    largest = maximum(logits).index;
  }
  return static_cast<std::int32_t>(largest);
}

std::int32_t Sampler::next(std::span<float> logits) {
  const std::size_t largest = prepare(logits);
  std::int32_t token = 0;
  if (settings_.sample) {
    warp(logits);
    token = candidates_.draw(uniform(settings_.seed, history_.new_length()));
  } else {
    token = choose_greedily(logits, largest);
  }
  history_.add(token);
  return token;
}

void Sampler::process(std::span<float> logits) {
  prepare(logits);
  if (settings_.sample) {
    warp(logits);
    std::fill(logits.begin(), logits.end(), -kInfinity);
    for (std::size_t i = 0; i < candidates_.ids().size(); ++i) {
      logits[static_cast<std::size_t>(candidates_.ids()[i])] = candidates_.logits()[i];
    }
  }
  if (settings_.renormalize_logits) renormalize(logits, buffer_);
}

}  // namespace lmm::generate
