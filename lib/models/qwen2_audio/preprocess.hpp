#pragma once

#include "lib/media/log_mel.hpp"
#include "lib/media/sound.hpp"

#include <cstdint>

namespace lmm::models::qwen2_audio {

/// How Qwen2AudioProcessor and the model's forward() count a recording, which is padded to one window of 30 s.
struct SoundPlan {
  std::int64_t positions = 0;  ///< of the encoder that are attended to
  std::int64_t rows = 0;       ///< embeddings, one a pair of positions
};

/// Errors: as media::frames_of_one_chunk, for a recording that is too short for one row or longer than a window.
SoundPlan plan_sound(const media::Sound& sound, const media::LogMelConfig& config);

}  // namespace lmm::models::qwen2_audio
