#pragma once

#include "lib/generate/config.hpp"

#include <lmm/options.hpp>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lmm::generate {

/// Ids of a text, without special tokens around it and with special-token text taken as text.
using Encode = std::function<std::vector<std::int32_t>(std::string_view)>;

/// All that steers one reply: GenerateOptions over the checkpoint's GenerationConfig over the reference's defaults
/// (GenerationConfig._get_default_generation_params), validated. A value that is off is stored as its neutral value.
struct Settings {
  std::int64_t max_new_tokens = 512;  ///< >= 1
  std::int64_t min_new_tokens = 0;    ///< no end token before so many new ones
  std::int64_t min_length = 0;        ///< the same, prompt included
  TokenIds eos;                       ///< end tokens, each once
  bool ignore_eos = false;            ///< end tokens do not end the reply
  std::vector<std::string> stop;      ///< texts that end the reply; none is empty

  bool sample = false;  ///< false: greedy, and the group that follows has no effect
  double temperature = 1;
  double top_h = 0;         ///< 0: off
  std::int64_t top_k = 50;  ///< 0: off
  double top_p = 1;
  double min_p = 0;
  double typical_p = 1;
  double epsilon_cutoff = 0;  ///< 0: off
  double eta_cutoff = 0;      ///< 0: off
  std::uint64_t seed = 0;

  std::vector<SequenceBias> sequence_bias;
  double encoder_repetition_penalty = 1;  ///< over the prompt: a decoder-only model's "encoder input" is its prompt
  double repetition_penalty = 1;
  std::int64_t no_repeat_ngram = 0;
  std::int64_t encoder_no_repeat_ngram = 0;
  std::vector<TokenIds> bad_words;  ///< never completed; no single end token among them
  std::optional<std::int32_t> forced_bos;
  TokenIds forced_eos;
  bool remove_invalid_values = false;
  std::optional<std::pair<std::int64_t, double>> exponential_decay_length_penalty;
  TokenIds suppress_tokens;
  TokenIds begin_suppress_tokens;
  double presence_penalty = 0;   ///< over new tokens
  double frequency_penalty = 0;  ///< over new tokens
  std::vector<std::pair<std::int32_t, float>> logit_bias;
  bool renormalize_logits = false;

  /// True where `token` ends the reply.
  bool ends(std::int32_t token) const noexcept;
};

/// Error invalid_argument for an option that is given and out of range, whether it is used or not.
void check_ranges(const GenerateOptions& options);

/// Resolves the options of one call.
///
/// - sample: as given; else true where temperature is given and > 0, false where it is 0; else as do_sample of the
///   checkpoint.
/// - max_tokens: as given; else the checkpoint's max_new_tokens, else its max_length less the prompt, else 512.
/// - bad_words and stop are added to the checkpoint's own. Each bad word is banned as it is tokenised alone and after a
///   blank, as the reference's documentation of bad_words_ids advises.
/// - seed: as given; else a fresh one.
///
/// `vocab_size` is the number of logits; `prompt_length` counts tokens, picture rows included. `encode` is called for
/// bad_words only.
///
/// Errors: invalid_argument for an option, "<option> is <actual>, expected <range>"; out of range, not a number, or
/// contradictory: temperature > 0 with sample = false, temperature 0 with sample = true, a filter (top_k, top_p, min_p,
/// typical_p) asked for a greedy reply (temperature 0 is the limit of sampling and goes with any filter),
/// min_tokens > max_tokens, a bad word or stop string that is empty. bad_file for a value of the checkpoint that is out
/// of range where it would be used (as the reference, which checks when it builds the processors), or names a token
/// beyond the vocabulary.
Settings resolve(const GenerateOptions& options, const GenerationConfig& config, std::int64_t vocab_size,
                 std::int64_t prompt_length, const Encode& encode);

}  // namespace lmm::generate
