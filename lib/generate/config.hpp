#pragma once

#include "lib/core/json.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace lmm::generate {

using TokenIds = std::vector<std::int32_t>;

/// Added to the logit of the last id of `ids` where the tokens so far end with the ids before it.
struct SequenceBias {
  TokenIds ids;
  double bias = 0;
};

/// What a checkpoint says about generation: the fields of transformers' GenerationConfig
/// (generation/configuration_utils.py, 5.23) under their own names; unset where the file is silent or says null.
///
/// Fields that are not here, and why:
/// - refused by name with Error `unsupported` where their value would change the output: num_beams and num_beam_groups
///   above 1, num_return_sequences above 1, penalty_alpha above 0, dola_layers, constraints, force_words_ids,
///   guidance_scale other than 1, watermarking_config, token_healing, max_time, a quantized cache, and assisted
///   decoding (use_mtp, is_assistant, prompt_lookup_num_tokens, assistant_early_exit);
/// - read by nobody because they cannot change the one sequence that lmm generates: early_stopping, length_penalty,
///   diversity_penalty (beams only); use_cache, cache_implementation, cache_config, max_cache_len, low_memory,
///   prefill_chunk_size, compile_config, disable_compile, continuous_batching_config (how, not what, is computed);
///   output_*, return_dict_in_generate (shape of the Python result); decoder_start_token_id (encoder-decoder models);
///   num_assistant_tokens, num_assistant_tokens_schedule, assistant_confidence_threshold, assistant_lookbehind,
///   target_lookbehind, assistant_ensemble_weight, max_matching_ngram_size, speculation_type (only with an assistant);
///   _from_model_config, _commit_hash, transformers_version (provenance). Unknown fields are ignored, as by the
///   reference.
struct GenerationConfig {
  std::string where = "generation_config.json";  ///< what errors about these values begin with

  std::optional<std::int64_t> max_length;  ///< prompt included
  std::optional<std::int64_t> max_new_tokens;
  std::optional<std::int64_t> min_length;  ///< prompt included
  std::optional<std::int64_t> min_new_tokens;
  std::vector<std::string> stop_strings;
  bool do_sample = false;

  std::optional<double> temperature;
  std::optional<std::int64_t> top_k;
  std::optional<double> top_p;
  std::optional<double> min_p;
  std::optional<double> top_h;
  std::optional<double> typical_p;
  std::optional<double> epsilon_cutoff;
  std::optional<double> eta_cutoff;
  std::optional<double> repetition_penalty;
  std::optional<double> encoder_repetition_penalty;
  std::optional<std::int64_t> no_repeat_ngram_size;
  std::optional<std::int64_t> encoder_no_repeat_ngram_size;
  std::vector<TokenIds> bad_words_ids;
  std::vector<SequenceBias> sequence_bias;
  bool renormalize_logits = false;
  bool remove_invalid_values = false;
  std::optional<std::int32_t> forced_bos_token_id;
  TokenIds forced_eos_token_id;
  std::optional<std::pair<std::int64_t, double>> exponential_decay_length_penalty;  ///< start index, factor
  TokenIds suppress_tokens;
  TokenIds begin_suppress_tokens;

  std::optional<std::int32_t> bos_token_id;
  std::optional<std::int32_t> pad_token_id;
  TokenIds eos_token_id;  ///< without negative ones, which never match; empty: nothing but the length ends a reply

  /// Reads a generation_config.json. Errors: bad_file (a value of the wrong type or out of the reference's range, with
  /// file, field, expected and actual), unsupported (see above).
  static GenerationConfig parse(const Json& json, std::string where);

  /// The reference's fallback without generation_config.json (GenerationConfig.from_model_config): generation fields of
  /// config.json itself, then of its text model for those unset. One deviation: max_length 20 is taken as unset there,
  /// because older versions wrote that default of theirs into every config.
  static GenerationConfig from_model_config(const Json& config, std::string where);

  /// generation_config.json of a checkpoint folder, else the fallback from config.json, else nothing set.
  /// Errors as parse(), and io.
  static GenerationConfig load(const std::filesystem::path& folder);
};

}  // namespace lmm::generate
