#include "lib/models/qwen2_5_omni/preprocess.hpp"

#include "lib/core/error.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace lmm::models::qwen2_5_omni {
namespace {

/// Of the image and video processors, which may share a file with the feature extractor.
constexpr auto kOthers = std::to_array<std::string_view>({
    "image_processor_type", "video_processor_type", "image_mean", "image_std", "do_convert_rgb", "do_normalize", "do_rescale",
    "do_resize", "rescale_factor", "resample", "size", "min_pixels", "max_pixels", "patch_size", "temporal_patch_size",
    "merge_size", "min_frames", "max_frames", "fps", "num_frames", "do_sample_frames", "auto_map", "crop_size",
    "do_center_crop", "data_format", "device", "input_data_format", "return_tensors", "default_to_square"});

/// Samples that the features are made of: the recording, silence for the last windows, no more than a chunk.
std::int64_t samples_of(std::int64_t length, const media::LogMelConfig& config) {
  if (config.padding_value != 0.0f) return config.chunk_samples();
  return std::min((length / config.hop + 2) * config.hop + config.window, config.chunk_samples());
}

}  // namespace

media::LogMelConfig load_log_mel(const std::filesystem::path& folder) { return media::LogMelConfig::load(folder, kOthers); }

std::int64_t sound_frames(const media::Sound& sound, const media::LogMelConfig& config) {
  return media::frames_of_one_chunk(sound, config, 3);  // of fewer no row comes
}

std::vector<float> sound_features(const std::shared_ptr<const media::Sound>& sound, const media::LogMelConfig& config) {
  const std::int64_t frames = sound_frames(*sound, config);
  media::LogMel mel(config, sound, samples_of(sound->length(config.rate), config));
  std::vector<float> features(static_cast<std::size_t>(frames * config.mels));
  mel.features(0, frames, features);
  return features;
}

}  // namespace lmm::models::qwen2_5_omni
