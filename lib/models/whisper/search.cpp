#include "lib/models/whisper/search.hpp"

#include "lib/core/error.hpp"
#include "lib/generate/candidates.hpp"
#include "lib/generate/random.hpp"
#include "lib/generate/vector_math.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace lmm::models::whisper {
namespace {

constexpr float kNever = -std::numeric_limits<float>::infinity();

/// The likeliest allowed token. Error bad_file where logits are no numbers, or none is allowed.
generate::Maximum best_of(std::span<const float> scores, std::size_t token) {
  const generate::Maximum best = generate::maximum(scores);
  if (best.has_nan || !std::isfinite(best.value)) {
    fail(ErrorCode::bad_file, "the logits of new token {} leave no token, expected numbers: the weights are damaged", token);
  }
  return best;
}

}  // namespace

float Text::mean_log_probability() const {
  float sum = 0;
  for (const float one : log_probabilities) sum += one;
  return log_probabilities.empty() ? 0 : sum / static_cast<float>(log_probabilities.size());
}

Text Search::find(std::span<const std::int32_t> prompt, std::size_t index, const SearchOptions& options, Run& run) {
  const auto vocab = static_cast<std::size_t>(ear_.vocab_size());
  logits_.resize(vocab);
  index_logits_.resize(vocab);
  ear_.begin(prompt, index, options.align, logits_, index_logits_, run);
  const bool beams = options.temperature == 0 && options.beams > 1;
  Text text = beams ? beam(prompt, options, run) : follow(prompt, options, run);
  text.temperature = options.temperature;
  return text;
}

std::int32_t Search::sample(std::span<float> scores, const SearchOptions& options, float& log_probability) {
  const auto temperature = static_cast<float>(options.temperature);
  for (float& score : scores) score /= temperature;
  const auto k = static_cast<std::size_t>(rules_.top_k);
  generate::Candidates candidates;
  candidates.take(scores, k > 0 ? generate::kth_largest(scores, k, room_) : kNever);
  const std::int32_t token = candidates.draw(generate::uniform(options.seed, draws_++));
  std::vector<float> kept(candidates.logits().begin(), candidates.logits().end());
  for (float& logit : kept) logit *= temperature;
  log_probability = static_cast<float>(scores[static_cast<std::size_t>(token)] * temperature - log_sum_exp(kept, room_));
  return token;
}

Text Search::follow(std::span<const std::int32_t> prompt, const SearchOptions& options, Run& run) {
  TokenRules rules(rules_, options.timestamps);
  const std::int32_t only = 0;
  Text text;
  for (;;) {
    rules.apply(text.tokens, logits_);
    const generate::Maximum best = best_of(logits_, text.tokens.size());
    auto token = static_cast<std::int32_t>(best.index);
    float log_probability = 0;
    if (options.temperature > 0) {
      token = sample(logits_, options, log_probability);
    } else {
      log_probability = static_cast<float>(static_cast<double>(best.value) - log_sum_exp(logits_, room_));
    }
    text.tokens.push_back(token);
    text.log_probabilities.push_back(log_probability);
    ++new_tokens_;
    run.advance(1);
    const auto length = static_cast<std::int64_t>(prompt.size() + text.tokens.size());
    if (token == rules_.end || length >= options.max_length) return text;
    ear_.next({&only, 1}, {&token, 1}, logits_, run);
    text.rows.push_back(0);
  }
}

}  // namespace lmm::models::whisper
