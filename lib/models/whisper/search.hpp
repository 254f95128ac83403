#pragma once

#include "lib/models/whisper/ear.hpp"
#include "lib/models/whisper/token_rules.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace lmm::models::whisper {

/// One text for a window.
struct Text {
  std::vector<std::int32_t> tokens;  ///< behind the prompt; the end token last where it came
  std::vector<float> log_probabilities;  ///< one a token, of those that the rules allow, at temperature 1
  std::vector<std::int32_t> rows;    ///< the Ear's row at each next(), for Ear::times
  double temperature = 0;

  /// Their mean as _retrieve_avg_logprobs has it, in float.
  float mean_log_probability() const;
};

struct SearchOptions {
  std::int64_t max_length = 0;  ///< prompt included
  std::int64_t beams = 1;       ///< at temperature 0
  double temperature = 0;
  std::uint64_t seed = 0;
  bool timestamps = true;
  bool align = false;
};

/// Finds texts over the Ear's window: greedy or beam search at temperature 0, else one sample (GenerationMixin._sample and
/// _beam_search of transformers' generation/utils.py).
class Search {
 public:
  Search(Ear& ear, const GenerationRules& rules) : ear_(ear), rules_(rules) {}

  /// `index`: the token of the prompt whose logits tell of silence (<|startoftranscript|>).
  /// Errors: bad_file for logits that are no numbers.
  Text find(std::span<const std::int32_t> prompt, std::size_t index, const SearchOptions& options, Run& run);

  /// The logits behind token `index` of the last prompt, (vocab_size).
  std::span<const float> logits_of_index() const noexcept { return index_logits_; }
  std::int64_t new_tokens() const noexcept { return new_tokens_; }

 private:
  Text follow(std::span<const std::int32_t> prompt, const SearchOptions& options, Run& run);
  Text beam(std::span<const std::int32_t> prompt, const SearchOptions& options, Run& run);
  std::int32_t sample(std::span<float> scores, const SearchOptions& options, float& log_probability);

  Ear& ear_;
  const GenerationRules& rules_;
  std::vector<float> logits_, index_logits_, room_;
  std::int64_t new_tokens_ = 0;
  std::uint64_t draws_ = 0;
};

}  // namespace lmm::models::whisper
