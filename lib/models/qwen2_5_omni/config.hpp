#pragma once

#include "lib/core/json.hpp"
#include "lib/models/qwen2_vl/config.hpp"

#include <cstdint>
#include <filesystem>
#include <string>

namespace lmm::models::qwen2_5_omni {

/// The fields of the thinker, which hears, sees and answers: thinker_config of a whole checkpoint (model_type
/// "qwen2_5_omni"), or the file itself where the thinker was saved alone ("qwen2_5_omni_thinker"). The talker, which
/// speaks, is no part of this. Errors: bad_file, unsupported.
Fields thinker_fields(const Fields& fields);

/// audio_config or vision_config of the thinker; absent: empty. Errors: unsupported for parts of another model_type.
Fields audio_fields(const Fields& thinker);
Fields vision_fields(const Fields& thinker);

/// The thinker's config but for its towers (transformers/models/qwen2_5_omni/configuration_qwen2_5_omni.py).
struct Config : qwen2_vl::Config {
  std::int64_t audio_token_id = 0;
  std::int64_t position_id_per_seconds = 25;

  /// Errors: bad_file, unsupported.
  static Config parse(const Fields& thinker);
};

/// The text of the token that stands for sound in prompts: the tokenizer's "audio_token". Errors: bad_file where it has
/// none.
std::string audio_token(const std::filesystem::path& folder);

}  // namespace lmm::models::qwen2_5_omni
