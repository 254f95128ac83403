#pragma once

#include "lib/core/json.hpp"
#include "lib/towers/text/decoder_config.hpp"

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace lmm::models::qwen2_vl {

/// config.json of a Qwen model that sees, but for its tower (transformers/models/qwen2_vl/configuration_qwen2_vl.py,
/// which qwen2_5_vl shares). What belongs to the text model lies in text_config, or flat beside vision_config.
struct Config {
  towers::DecoderConfig text;
  std::int64_t image_token_id = 0;
  std::int64_t video_token_id = -1;  ///< -1: the vocabulary has none
  bool tie_word_embeddings = false;

  /// Errors: bad_file, unsupported.
  static Config parse(const Fields& fields);
};

/// text_config or the file itself, and vision_config, by the name of the model's family; absent ones are empty.
/// Errors: unsupported for parts of another model_type.
Fields text_fields(const Fields& fields, std::string_view family);
Fields vision_fields(const Fields& fields, std::string_view family);

/// The ids of the placeholders, within the vocabulary; of videos -1 where the file names none and the vocabulary is
/// without the published one. Errors: bad_file.
std::int64_t parse_image_token_id(const Fields& fields, std::int64_t vocab_size);
std::int64_t parse_video_token_id(const Fields& fields, std::int64_t vocab_size);

/// The text of one of the tokens that Qwen2VLProcessor and Qwen3VLProcessor put into prompts: the tokenizer's token of
/// this name ("image_token", "video_token", "vision_start_token", "vision_end_token"), or the published one.
/// Errors: bad_file.
std::string vision_token(const std::filesystem::path& folder, const char* name);

}  // namespace lmm::models::qwen2_vl
