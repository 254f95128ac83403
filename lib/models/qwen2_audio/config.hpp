#pragma once

#include "lib/core/json.hpp"
#include "lib/towers/text/decoder_config.hpp"

#include <cstdint>
#include <filesystem>
#include <string>

namespace lmm::models::qwen2_audio {

/// config.json of Qwen2-Audio but for its tower (transformers/models/qwen2_audio/configuration_qwen2_audio.py). The
/// output matrix is never tied to the embeddings, whatever tie_word_embeddings says: the reference's class ties none.
struct Config {
  towers::DecoderConfig text;
  std::int64_t audio_token_id = 0;

  /// Errors: bad_file, unsupported.
  static Config parse(const Fields& fields);
};

/// audio_config; absent: empty. Errors: unsupported for another model_type.
Fields audio_fields(const Fields& fields);

/// The text of the token that stands for sound in prompts: the tokenizer's "audio_token", that of
/// processor_config.json, or the published one (Qwen2AudioProcessor). Errors: bad_file.
std::string audio_token(const std::filesystem::path& folder);

}  // namespace lmm::models::qwen2_audio
