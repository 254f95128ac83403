#pragma once

#include "lib/core/json.hpp"

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace lmm::models::whisper {

/// The decoder's part of a Whisper checkpoint's config.json (transformers/models/whisper/configuration_whisper.py); the
/// encoder's is read by towers::WhisperEncoderConfig.
struct Config {
  std::int64_t vocab_size = 0;
  std::int64_t hidden_size = 0;        ///< d_model
  std::int64_t intermediate_size = 0;  ///< decoder_ffn_dim
  std::int64_t layers = 0;             ///< decoder_layers
  std::int64_t heads = 0;              ///< decoder_attention_heads
  std::int64_t positions = 0;          ///< max_target_positions
  std::int64_t median_filter_width = 7;
  std::string activation;
  bool tie_word_embeddings = true;

  std::int64_t head_dim() const noexcept { return hidden_size / heads; }

  /// Errors: bad_file, unsupported.
  static Config parse(const Fields& fields);
};

/// One head of one decoder layer whose attention follows the sound (word times).
struct AlignmentHead {
  std::int64_t layer = 0;
  std::int64_t head = 0;
};

/// What generation_config.json says of Whisper (generation_whisper.py), or the older config.json where there is none.
struct GenerationRules {
  enum class EarlyStopping { no, yes, never };

  std::string where;                        ///< what errors about these values begin with
  std::int32_t end = 0;                     ///< eos_token_id
  std::int32_t start = 0;                   ///< decoder_start_token_id, <|startoftranscript|>
  std::optional<std::int32_t> no_timestamps;  ///< no_timestamps_token_id; time stamps follow it
  std::optional<std::int32_t> previous;     ///< prev_sot_token_id, <|startofprev|>
  bool previous_is_named = false;           ///< the file has that field; older ones tell it by `suppress`
  std::vector<std::int32_t> suppress;
  std::vector<std::int32_t> begin_suppress;
  std::optional<std::int64_t> max_initial_timestamp;  ///< max_initial_timestamp_index
  bool multilingual = false;
  std::vector<std::optional<std::int32_t>> forced;    ///< forced_decoder_ids from place 1 on; nothing: to be heard
  std::map<std::string, std::int32_t> languages;  ///< code -> token
  std::map<std::string, std::int32_t> tasks;      ///< "transcribe", "translate" -> token
  std::vector<AlignmentHead> alignment_heads;     ///< empty: no word times
  std::int64_t max_length = 0;
  std::int64_t top_k = 50;  ///< of sampling; 0: off
  double length_penalty = 1.0;
  EarlyStopping early_stopping = EarlyStopping::no;

  /// First id of the time stamps, above all ids where there are none.
  std::int32_t timestamp_begin() const noexcept { return no_timestamps ? *no_timestamps + 1 : INT32_MAX; }

  /// Reads generation_config.json of the folder over `config`, the folder's config.json. Errors: bad_file, unsupported
  /// for fields that would change a transcript and are not implemented, by name.
  static GenerationRules load(const std::filesystem::path& folder, const Json& config, const Config& shape);
  static GenerationRules parse(const Json& generation, std::string where, const Json& config, const Config& shape);
};

}  // namespace lmm::models::whisper
