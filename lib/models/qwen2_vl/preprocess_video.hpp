#pragma once

#include "lib/media/video.hpp"
#include "lib/models/qwen2_vl/preprocess.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

/// Videos as the reference's processors see them: which frames, at which size, with which times
/// (transformers/models/qwen2_vl/video_processing_qwen2_vl.py, models/qwen3_vl/video_processing_qwen3_vl.py).
namespace lmm::models::qwen2_vl {

/// The two classes, which differ in how frames are sampled and what their size is measured by.
enum class VideoClass {
  qwen2_vl,  ///< Qwen2VLVideoProcessor: Qwen2-VL and Qwen2.5-VL; pixels of a frame lie between the limits
  qwen3_vl,  ///< Qwen3VLVideoProcessor: Qwen3-VL; pixels of all frames together do
};

/// Settings of a video processor, with its class's defaults.
struct VideoProcessorConfig {
  VideoClass kind = VideoClass::qwen2_vl;
  bool do_resize = true;
  bool do_sample_frames = false;
  std::optional<double> fps = {};               ///< frames a second to sample
  std::optional<std::int64_t> num_frames = {};  ///< frames to sample
  std::int64_t min_frames = 4;
  std::int64_t max_frames = 768;
  std::int64_t min_pixels = 0;                 ///< size["shortest_edge"]
  std::int64_t max_pixels = 0;                 ///< size["longest_edge"]
  bool cap_pixels_per_frame = false;
  std::int64_t max_video_tokens = 0;
  std::int64_t patch_size = 14;                ///< pixels a side
  std::int64_t temporal_patch_size = 2;        ///< frames a patch
  std::int64_t merge_size = 2;
  media::PixelScale scale;

  static VideoProcessorConfig defaults(VideoClass kind);

  /// Reads a checkpoint folder: processor_config.json's video_processor, else video_preprocessor_config.json, else
  /// preprocessor_config.json. `kind`: the family's class, which a file may change by name.
  /// Throws Error: not_found, bad_file (malformed, min over max pixels), unsupported (by name).
  static VideoProcessorConfig load(const std::filesystem::path& folder, VideoClass kind);

  /// The settings in one JSON object; `where` is what errors begin with. Throws Error as load.
  static VideoProcessorConfig parse(const Json& object, std::string where, VideoClass kind);
};

/// sample_frames() of the class: indices of the frames to take, rising, of a video of `total` frames, `fps` a second
/// (none: unknown, taken for 24 as the reference does). All of them where the processor samples none.
/// Throws Error: invalid_argument (too few frames), unsupported (settings that tell no number of frames).
std::vector<std::int64_t> sample_frames(std::int64_t total, std::optional<double> fps, const VideoProcessorConfig& config);

/// What the model is told of a video.
struct VideoPlan {
  std::vector<std::size_t> frames;   ///< index into the video's frames, rising
  std::vector<double> times;         ///< of those
  double sampled_fps = 24.0;         ///< VideoMetadata.sampled_fps
  std::int64_t steps = 0;            ///< temporal patches; the last frame is repeated to fill the last of them
  PatchGrid grid;                    ///< of each

  /// Qwen3VLProcessor._calculate_timestamps: seconds, the middle of each temporal patch's first and last frame.
  std::vector<double> step_times(std::int64_t temporal_patch_size) const;
};

/// Chooses frames, unless the video is a choice already, and their size. `fps` and the times of the frames take the part
/// of VideoMetadata.fps and of index / fps. Throws Error: invalid_argument (as sample_frames and patch_grid).
VideoPlan plan_video(const media::Video& video, const VideoProcessorConfig& config);

/// A frame at the size of the plan, bit for bit as the reference. Runs on the caller's thread unless `parallel_for` is
/// given. Throws Error: out_of_memory.
media::Picture resize_frame(const media::Picture& frame, PatchGrid grid, const VideoProcessorConfig& config,
                            const media::ParallelFor& parallel_for = {});

}  // namespace lmm::models::qwen2_vl
