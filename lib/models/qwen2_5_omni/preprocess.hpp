#pragma once

#include "lib/media/log_mel.hpp"
#include "lib/media/sound.hpp"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <vector>

namespace lmm::models::qwen2_5_omni {

/// The feature extractor's settings of a checkpoint folder, whose file may hold those of its image processor too.
/// Errors: as media::LogMelConfig::load.
media::LogMelConfig load_log_mel(const std::filesystem::path& folder);

/// Frames of features of a recording: those that begin within it (feature_attention_mask).
/// Errors: as media::frames_of_one_chunk for less than 3, which would give no row.
std::int64_t sound_frames(const media::Sound& sound, const media::LogMelConfig& config);

/// The features of these frames: (mels, sound_frames). What stands behind them in the reference's padding of silence is
/// not computed. Errors: as sound_frames; of the sound's reader.
std::vector<float> sound_features(const std::shared_ptr<const media::Sound>& sound, const media::LogMelConfig& config);

}  // namespace lmm::models::qwen2_5_omni
