#include "lib/models/qwen2_vl/preprocess_video.hpp"

#include "lib/core/error.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace lmm::models::qwen2_vl {
namespace {

[[noreturn]] void too_few(std::int64_t total, const VideoProcessorConfig& config) {
  fail(ErrorCode::invalid_argument, "the video has {} frames, too few for the model's video processor: a temporal patch takes {}",
       total, config.temporal_patch_size);
}

/// Python's round(value / step) * step.
std::int64_t rounded(std::int64_t value, std::int64_t step) {
  return static_cast<std::int64_t>(std::nearbyint(static_cast<double>(value) / static_cast<double>(step))) * step;
}

std::int64_t whole(double value) { return static_cast<std::int64_t>(value); }

std::vector<std::int64_t> all_frames(std::int64_t total) {
  std::vector<std::int64_t> indices(static_cast<std::size_t>(total));
  std::iota(indices.begin(), indices.end(), 0);
  return indices;
}

/// Qwen2VLVideoProcessor.sample_frames.
std::vector<std::int64_t> sample_qwen2_vl(std::int64_t total, double fps, const VideoProcessorConfig& config) {
  const std::int64_t step = config.temporal_patch_size;
  std::int64_t count = 0;
  if (config.num_frames) {
    count = rounded(*config.num_frames, step);
  } else if (config.fps) {
    const std::int64_t most = std::min(config.max_frames, total) / step * step;
    double wanted = static_cast<double>(total) / fps * *config.fps;
    wanted = std::max(wanted, static_cast<double>(config.min_frames));
    wanted = std::min({wanted, static_cast<double>(most), static_cast<double>(total)});
    count = whole(std::floor(wanted / static_cast<double>(step))) * step;
  } else {
    fail(ErrorCode::unsupported, "the model's video processor has do_sample_frames, but neither fps nor num_frames");
  }
  if (count > total) {
    fail(ErrorCode::invalid_argument, "the video has {} frames, the model's video processor samples {}", total, count);
  }
  if (count < 1) too_few(total, config);
  // torch.arange(0, total, total / count).int(): sums in double, kept in fp32, fractions cut off.
  const double stride = static_cast<double>(total) / static_cast<double>(count);
  const std::int64_t size = whole(std::ceil(static_cast<double>(total) / stride));
  std::vector<std::int64_t> indices;
  for (std::int64_t i = 0; i < size; ++i) {
    indices.push_back(static_cast<std::int64_t>(static_cast<float>(stride * static_cast<double>(i))));
  }
  return indices;
}

/// Qwen3VLVideoProcessor.sample_frames.
std::vector<std::int64_t> sample_qwen3_vl(std::int64_t total, double fps, const VideoProcessorConfig& config) {
  std::int64_t count = 0;
  if (config.num_frames) {
    count = *config.num_frames;
  } else if (config.fps) {
    const double wanted = static_cast<double>(total) / fps * *config.fps;
    count = wanted < static_cast<double>(media::kMostFrames) ? whole(wanted) : media::kMostFrames;
    count = std::min({std::max(count, config.min_frames), config.max_frames, total});
  } else {
    count = std::min(std::max(total, config.min_frames), config.max_frames);
  }
  // numpy.linspace(0, total - 1, count).round()
  std::vector<std::int64_t> indices;
  const double last = static_cast<double>(total - 1);
  const double stride = count > 1 ? last / static_cast<double>(count - 1) : 0.0;
  for (std::int64_t i = 0; i < count; ++i) {
    const double at = i > 0 && i + 1 == count ? last : static_cast<double>(i) * stride;
    indices.push_back(static_cast<std::int64_t>(std::nearbyint(at)));
  }
  return indices;
}

/// size["longest_edge"], less where cap_pixels_per_frame shares out a budget.
std::int64_t most_pixels(std::int64_t frames, const VideoProcessorConfig& config) {
  if (!config.cap_pixels_per_frame) return config.max_pixels;
  const std::int64_t factor = config.patch_size * config.merge_size;
  const std::int64_t least = whole(static_cast<double>(config.min_pixels) * 1.05);
  if (config.kind == VideoClass::qwen2_vl) {
    const std::int64_t total = whole(static_cast<double>(config.max_video_tokens * factor * factor) * 0.9);
    return std::max(std::min(config.max_pixels, total * config.temporal_patch_size / frames), least);
  }
  const std::int64_t frame = std::min(config.max_video_tokens * factor * factor, config.max_pixels / frames);
  return std::max(frame, least) * frames;
}

/// smart_resize of video_processing_qwen3_vl.py: all frames together lie between the limits. Arithmetic in doubles, to
/// the letter.
Size smart_resize_all(std::int64_t frames, Size size, std::int64_t most, const VideoProcessorConfig& config) {
  const std::int64_t factor = config.patch_size * config.merge_size;
  if (frames < config.temporal_patch_size) too_few(frames, config);
  if (size.height < factor || size.width < factor) {
    const double scale = std::max(static_cast<double>(factor) / static_cast<double>(size.height),
                                  static_cast<double>(factor) / static_cast<double>(size.width));
    size = {whole(static_cast<double>(size.height) * scale), whole(static_cast<double>(size.width) * scale)};
  }
  check_ratio(size, "video");
  Size out{rounded(size.height, factor), rounded(size.width, factor)};
  const double pixels = static_cast<double>(frames) * static_cast<double>(size.height) * static_cast<double>(size.width);
  const double all = static_cast<double>(rounded(frames, config.temporal_patch_size)) * static_cast<double>(out.height) *
                     static_cast<double>(out.width);
  const double height = static_cast<double>(size.height);
  const double width = static_cast<double>(size.width);
  const double step = static_cast<double>(factor);
  if (all > static_cast<double>(most)) {
    const double beta = std::sqrt(pixels / static_cast<double>(most));
    out.height = std::max(factor, whole(std::floor(height / beta / step)) * factor);
    out.width = std::max(factor, whole(std::floor(width / beta / step)) * factor);
  } else if (all < static_cast<double>(config.min_pixels)) {
    const double beta = std::sqrt(static_cast<double>(config.min_pixels) / pixels);
    out.height = whole(std::ceil(height * beta / step)) * factor;
    out.width = whole(std::ceil(width * beta / step)) * factor;
  }
  return out;
}

PatchGrid frame_grid(std::int64_t frames, Size size, const VideoProcessorConfig& config) {
  const std::int64_t factor = config.patch_size * config.merge_size;
  if (!config.do_resize) {
    if (size.width % factor != 0 || size.height % factor != 0) {
      fail(ErrorCode::invalid_argument,
           "the video's frames are {} x {} pixels, expected multiples of {}: the checkpoint's do_resize is false", size.width,
           size.height, factor);
    }
  } else if (config.kind == VideoClass::qwen2_vl) {
    check_ratio(size, "video");
    size = smart_resize(size, factor, config.min_pixels, most_pixels(frames, config));
  } else {
    size = smart_resize_all(frames, size, most_pixels(frames, config), config);
  }
  media::check_size(size.width, size.height, "resized frame", ErrorCode::invalid_argument);
  return {size.height / config.patch_size, size.width / config.patch_size};
}

}  // namespace

std::vector<std::int64_t> sample_frames(std::int64_t total, std::optional<double> fps, const VideoProcessorConfig& config) {
  media::check_sampling(total, fps);
  if (!config.do_sample_frames) return all_frames(total);
  const double rate = fps.value_or(media::kUnknownFps);
  return config.kind == VideoClass::qwen2_vl ? sample_qwen2_vl(total, rate, config) : sample_qwen3_vl(total, rate, config);
}

std::vector<double> VideoPlan::step_times(std::int64_t temporal_patch_size) const {
  std::vector<double> out;
  const auto count = static_cast<std::int64_t>(times.size());
  for (std::int64_t step = 0; step < steps; ++step) {
    const std::int64_t first = step * temporal_patch_size;
    const std::int64_t last = std::min(first + temporal_patch_size, count) - 1;
    out.push_back((times[static_cast<std::size_t>(first)] + times[static_cast<std::size_t>(last)]) / 2);
  }
  return out;
}

VideoPlan plan_video(const media::Video& video, const VideoProcessorConfig& config) {
  const std::optional<double> fps = media::frame_rate(video);
  const auto given = static_cast<std::int64_t>(video.frames.size());
  VideoPlan plan;
  std::int64_t total = given;
  if (video.source) {
    total = video.source->total;
    for (std::int64_t i = 0; i < given; ++i) plan.frames.push_back(static_cast<std::size_t>(i));
  } else {
    for (const std::int64_t index : sample_frames(given, fps, config)) plan.frames.push_back(static_cast<std::size_t>(index));
  }
  for (const std::size_t frame : plan.frames) plan.times.push_back(video.times[frame]);
  const auto count = static_cast<std::int64_t>(plan.frames.size());
  if (fps) plan.sampled_fps = static_cast<double>(count) / static_cast<double>(total) * *fps;
  plan.steps = (count + config.temporal_patch_size - 1) / config.temporal_patch_size;
  plan.grid = frame_grid(count, {video.height(), video.width()}, config);
  return plan;
}

media::Picture resize_frame(const media::Picture& frame, PatchGrid grid, const VideoProcessorConfig& config,
                            const media::ParallelFor& parallel_for) {
  return media::resize_as_torch(frame, grid.columns * config.patch_size, grid.rows * config.patch_size, media::Resample::bicubic, parallel_for);
}

}  // namespace lmm::models::qwen2_vl
