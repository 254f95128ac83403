#include "lib/models/qwen2_audio/preprocess.hpp"

namespace lmm::models::qwen2_audio {

SoundPlan plan_sound(const media::Sound& sound, const media::LogMelConfig& config) {
  SoundPlan plan;
  plan.positions = (media::frames_of_one_chunk(sound, config, 3) - 1) / 2 + 1;  // of fewer frames no row comes
  plan.rows = (plan.positions - 2) / 2 + 1;
  return plan;
}

}  // namespace lmm::models::qwen2_audio
