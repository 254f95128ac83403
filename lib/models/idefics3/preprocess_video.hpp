#pragma once

#include "lib/media/video.hpp"
#include "lib/models/idefics3/preprocess.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

/// Videos of SmolVLM2: chosen frames, each one tile, with its time as text before it
/// (transformers/models/smolvlm/video_processing_smolvlm.py and processing_smolvlm.py).
namespace lmm::models::idefics3 {

/// Settings of SmolVLMVideoProcessor, with its defaults.
struct VideoProcessorConfig {
  ImageProcessorConfig frame = {};              ///< of each frame, which is never split
  std::optional<std::int64_t> num_frames = {};  ///< at most so many are chosen; none: all of them
  double fps = 1.0;                             ///< frames a second to choose; unused without num_frames

  /// Reads a checkpoint folder as AutoProcessor does: "video_processor" of processor_config.json, else
  /// video_preprocessor_config.json, else preprocessor_config.json, whose size counts instead of the video_size in its
  /// video_sampling. Throws Error: not_found, bad_file (malformed), unsupported (by name).
  static VideoProcessorConfig load(const std::filesystem::path& folder);

  /// The settings in one JSON object; `where` is what errors begin with. Throws Error as load.
  static VideoProcessorConfig parse(const Json& object, std::string where);
};

/// SmolVLMVideoProcessor.sample_frames, as SmolVLMProcessor.apply_chat_template has it called: indices of the frames to
/// take, rising, of a video of `total` frames, `fps` a second (none: unknown, taken for 24); without the first and the
/// last second of a long one. Throws Error: invalid_argument.
std::vector<std::int64_t> sample_frames(std::int64_t total, std::optional<double> fps, const VideoProcessorConfig& config);

/// What the model is told of a video.
struct VideoPlan {
  std::vector<std::size_t> frames;  ///< index into the video's frames, rising
  std::vector<double> times;        ///< of those, seconds
  double duration = 0;              ///< of the whole video, seconds; 0 where no rate is known
};

/// Chooses frames, unless the video is a choice already. Throws Error: invalid_argument (as sample_frames; frames of
/// another size than the tower takes, where the checkpoint resizes none).
VideoPlan plan_video(const media::Video& video, const VideoProcessorConfig& config);

/// Text that stands for a video in the prompt: replace_video_token of processing_smolvlm.py, for a video that is the
/// longest of its conversation; of a shorter one the reference tells how many frames the longest has.
std::string video_prompt(const VideoPlan& plan, std::int64_t image_seq_len);

/// A tile a frame, bit for bit as the reference's pixel_values. Runs on the caller's thread unless `parallel_for` is
/// given. Throws Error: out_of_memory.
ImageTiles preprocess(const media::Video& video, const VideoPlan& plan, const VideoProcessorConfig& config,
                      const media::ParallelFor& parallel_for = {});

/// A number from 0 to 999 999 in English words, as the reference's num2words spells it: "one hundred and one".
std::string in_words(std::int64_t number);

}  // namespace lmm::models::idefics3
