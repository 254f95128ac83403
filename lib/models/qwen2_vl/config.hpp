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
  bool tie_word_embeddings = false;

  /// Errors: bad_file, unsupported.
  static Config parse(const Fields& fields);
};

/// text_config or the file itself, and vision_config, by the name of the model's family; absent ones are empty.
/// Errors: unsupported for parts of another model_type.
Fields text_fields(const Fields& fields, std::string_view family);
Fields vision_fields(const Fields& fields, std::string_view family);

/// The id of the placeholder, within the vocabulary. Errors: bad_file.
std::int64_t parse_image_token_id(const Fields& fields, std::int64_t vocab_size);

/// The text of the placeholder, as Qwen2VLProcessor takes it: the tokenizer's image_token, or "<|image_pad|>".
/// Errors: bad_file.
std::string image_token(const std::filesystem::path& folder);

}  // namespace lmm::models::qwen2_vl
