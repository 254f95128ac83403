#pragma once

#include "lib/generate/settings.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace lmm::generate {

/// The tokens of a conversation as the processors need them. Ids outside the vocabulary (placeholders of pictures that
/// the head cannot produce) count in the sequence but have no logit. No allocation in add() up to the size reserved.
class History {
 public:
  History(std::span<const std::int32_t> prompt, std::int64_t vocab_size, std::int64_t expected_new);

  void add(std::int32_t token);

  std::span<const std::int32_t> tokens() const noexcept { return tokens_; }
  std::size_t prompt_length() const noexcept { return prompt_length_; }
  std::size_t new_length() const noexcept { return tokens_.size() - prompt_length_; }
  /// Each id of prompt and reply that has a logit, once, in order of appearance.
  std::span<const std::int32_t> distinct() const noexcept { return distinct_; }
  /// As distinct(), the prompt's alone: the first so many.
  std::span<const std::int32_t> distinct_in_prompt() const noexcept { return distinct().first(distinct_in_prompt_); }
  /// As distinct(), of the new tokens.
  std::span<const std::int32_t> distinct_new() const noexcept { return distinct_new_; }
  /// How often an id of distinct_new() was produced.
  std::int32_t count_new(std::int32_t token) const noexcept { return counts_[static_cast<std::size_t>(token)]; }

 private:
  void note(std::int32_t token);

  std::vector<std::int32_t> tokens_;
  std::size_t prompt_length_;
  std::vector<std::int32_t> distinct_;
  std::size_t distinct_in_prompt_ = 0;
  std::vector<std::int32_t> distinct_new_;
  std::vector<bool> seen_;            // by id
  std::vector<std::int32_t> counts_;  // by id, of new tokens
};

/// Applies to `logits`, (vocab_size), in place all that stands before the warpers, in the reference's order
/// (GenerationMixin._get_logits_processor, generation/utils.py): sequence_bias, encoder_repetition_penalty,
/// repetition_penalty, no_repeat_ngram, encoder_no_repeat_ngram, bad_words, min_length, min_new_tokens, forced_bos,
/// forced_eos, remove_invalid_values, exponential_decay_length_penalty, suppress_tokens, begin_suppress_tokens; then,
/// where the reference puts processors of the caller, lmm's own frequency_penalty and presence_penalty
/// (logit -= count * frequency + (count > 0) * presence, as OpenAI defines them) and logit_bias.
void apply_processors(const Settings& settings, const History& history, std::span<float> logits);

}  // namespace lmm::generate
