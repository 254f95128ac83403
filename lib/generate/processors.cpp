#include "lib/generate/processors.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace lmm::generate {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kLargest = std::numeric_limits<float>::max();

using Tokens = std::span<const std::int32_t>;

void ban(std::span<float> logits, Tokens ids) {
  for (const std::int32_t id : ids) {
    if (static_cast<std::size_t>(id) < logits.size()) logits[static_cast<std::size_t>(id)] = -kInfinity;
  }
}

/// True where the tokens so far end with all of `sequence` but its last.
bool about_to_complete(Tokens tokens, Tokens sequence) {
  const std::size_t prefix = sequence.size() - 1;
  return prefix <= tokens.size() &&
         std::equal(sequence.begin(), sequence.end() - 1, tokens.end() - static_cast<std::ptrdiff_t>(prefix));
}

/// RepetitionPenaltyLogitsProcessor and EncoderRepetitionPenaltyLogitsProcessor.
void penalise(std::span<float> logits, Tokens distinct, float penalty) {
  for (const std::int32_t id : distinct) {
    float& logit = logits[static_cast<std::size_t>(id)];
    logit = logit < 0 ? logit * penalty : logit / penalty;
  }
}

/// NoRepeatNGramLogitsProcessor (`within` the tokens so far) and EncoderNoRepeatNGramLogitsProcessor (the prompt): bans
/// what would complete an n-gram that stands there already.
void ban_ngrams(std::span<float> logits, Tokens tokens, Tokens within, std::size_t n) {
  if (tokens.size() + 1 < n || within.size() < n) return;
  const Tokens suffix = tokens.last(n - 1);
  for (std::size_t i = 0; i + n <= within.size(); ++i) {
    if (std::equal(suffix.begin(), suffix.end(), within.begin() + static_cast<std::ptrdiff_t>(i))) {
      ban(logits, within.subspan(i + n - 1, 1));
    }
  }
}

void force(std::span<float> logits, Tokens ids) {
  std::fill(logits.begin(), logits.end(), -kInfinity);
  for (const std::int32_t id : ids) logits[static_cast<std::size_t>(id)] = 0;
}

/// ExponentialDecayLengthPenalty. Where the factor's power leaves fp32, the reference fails and the largest one is
/// taken.
void decay(std::span<float> logits, const TokenIds& eos, double factor, std::int64_t steps) {
  const double growth = std::pow(factor, static_cast<double>(steps)) - 1;
  const float strength =
      static_cast<float>(std::clamp(growth, -static_cast<double>(kLargest), static_cast<double>(kLargest)));
  for (const std::int32_t id : eos) {
    if (static_cast<std::size_t>(id) >= logits.size()) continue;
    float& logit = logits[static_cast<std::size_t>(id)];
    if (std::isfinite(logit)) logit += std::fabs(logit) * strength;
  }
}

void remove_invalid(std::span<float> logits) {
  for (float& logit : logits) {
    if (std::isnan(logit)) logit = 0;
    logit = std::clamp(logit, -kLargest, kLargest);
  }
}

void apply_own_penalties(const Settings& settings, const History& history, std::span<float> logits) {
  if (settings.frequency_penalty != 0 || settings.presence_penalty != 0) {
    for (const std::int32_t id : history.distinct_new()) {
      const double penalty = settings.frequency_penalty * history.count_new(id) + settings.presence_penalty;
      logits[static_cast<std::size_t>(id)] -= static_cast<float>(penalty);
    }
  }
  for (const auto& [id, bias] : settings.logit_bias) logits[static_cast<std::size_t>(id)] += bias;
}

}  // namespace

History::History(Tokens prompt, std::int64_t vocab_size, std::int64_t expected_new)
    : tokens_(prompt.begin(), prompt.end()),
      prompt_length_(prompt.size()),
      seen_(static_cast<std::size_t>(vocab_size)),
      counts_(static_cast<std::size_t>(vocab_size)) {
  for (const std::int32_t token : prompt) note(token);
  distinct_in_prompt_ = distinct_.size();
  const std::size_t room = static_cast<std::size_t>(std::min<std::int64_t>(expected_new, 1 << 20));
  tokens_.reserve(tokens_.size() + room);
  distinct_.reserve(std::min(distinct_.size() + room, seen_.size()));
  distinct_new_.reserve(std::min(room, seen_.size()));
}

void History::note(std::int32_t token) {
  const std::size_t at = static_cast<std::size_t>(token);  // a negative id becomes a huge one
  if (at >= seen_.size() || seen_[at]) return;
  seen_[at] = true;
  distinct_.push_back(token);
}

void History::add(std::int32_t token) {
  tokens_.push_back(token);
  note(token);
  const std::size_t at = static_cast<std::size_t>(token);
  if (at < counts_.size() && counts_[at]++ == 0) distinct_new_.push_back(token);
}

void apply_processors(const Settings& settings, const History& history, std::span<float> logits) {
  const Tokens tokens = history.tokens();
  const auto length = static_cast<std::int64_t>(tokens.size());
  const auto prompt_length = static_cast<std::int64_t>(history.prompt_length());
  const auto new_length = static_cast<std::int64_t>(history.new_length());

  for (const SequenceBias& sequence : settings.sequence_bias) {
    if (about_to_complete(tokens, sequence.ids)) {
      logits[static_cast<std::size_t>(sequence.ids.back())] += static_cast<float>(sequence.bias);
    }
  }
  if (settings.encoder_repetition_penalty != 1) {
    penalise(logits, history.distinct_in_prompt(), static_cast<float>(1 / settings.encoder_repetition_penalty));
  }
  if (settings.repetition_penalty != 1) {
    penalise(logits, history.distinct(), static_cast<float>(settings.repetition_penalty));
  }
  if (const auto n = static_cast<std::size_t>(settings.no_repeat_ngram); n > 0) ban_ngrams(logits, tokens, tokens, n);
  if (const auto n = static_cast<std::size_t>(settings.encoder_no_repeat_ngram); n > 0) {
    ban_ngrams(logits, tokens, tokens.first(history.prompt_length()), n);
  }
  for (const TokenIds& word : settings.bad_words) {
    if (about_to_complete(tokens, word)) ban(logits, {&word.back(), 1});
  }
  if (length < settings.min_length || new_length < settings.min_new_tokens) ban(logits, settings.eos);
  if (settings.forced_bos && length == 1) force(logits, {&*settings.forced_bos, 1});
  if (!settings.forced_eos.empty() && new_length == settings.max_new_tokens - 1) force(logits, settings.forced_eos);
  if (settings.remove_invalid_values) remove_invalid(logits);
  if (const auto& penalty = settings.exponential_decay_length_penalty; penalty && new_length > penalty->first) {
    decay(logits, settings.eos, penalty->second, new_length - penalty->first);
  }
  ban(logits, settings.suppress_tokens);
  // A forced first token puts the begin of the reply one later (only where it was forced onto an empty prompt).
  const bool begin_is_forced = settings.forced_bos && prompt_length <= 1;
  if (new_length == (begin_is_forced ? 1 : 0)) ban(logits, settings.begin_suppress_tokens);
  apply_own_penalties(settings, history, logits);
}

}  // namespace lmm::generate
