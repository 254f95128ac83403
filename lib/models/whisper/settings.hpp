#pragma once

#include "lib/models/whisper/config.hpp"
#include "lib/tokenizer/tokenizer.hpp"

#include <lmm/options.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace lmm::models::whisper {

/// How one recording is written down: GenerateOptions::speech over the checkpoint's rules, validated.
struct Settings {
  /// Tokens before the text, from <|startoftranscript|> on. Nothing at its second place: the language is to be heard.
  std::vector<std::optional<std::int32_t>> initial;
  std::string language;             ///< code; empty: to be heard, or not known
  std::vector<std::int32_t> prompt;  ///< from <|startofprev|> on; may be empty
  SpeechTimes times = SpeechTimes::segments;
  bool condition_on_previous = false;
  std::int64_t beams = 1;
  std::vector<double> temperatures;
  double compression_ratio_threshold = 1.35;
  double log_probability_threshold = -1.0;
  double no_speech_threshold = 0.6;
  std::optional<std::int64_t> max_new_tokens;  ///< of a window
  std::uint64_t seed = 0;

  /// Errors: invalid_argument (an option out of range or meant for answers; a language that the model has not; a prompt
  /// that leaves no room), unsupported (what the checkpoint cannot do).
  static Settings resolve(const GenerateOptions& options, const GenerationRules& rules, const Config& config,
                          const tokenizer::Tokenizer& tokenizer);
};

}  // namespace lmm::models::whisper
