#include "lib/media/video.hpp"

#include "lib/core/error.hpp"
#include "lib/media/content_hash.hpp"

#include <lmm/message.hpp>

#include <cmath>
#include <utility>

namespace lmm {
namespace media {
namespace {

void check_frames(const std::vector<std::shared_ptr<const Picture>>& frames) {
  if (frames.empty()) fail(ErrorCode::invalid_argument, "the video has no frames, expected at least one");
  const Picture& first = *frames.front();
  for (std::size_t i = 1; i < frames.size(); ++i) {
    if (frames[i]->width == first.width && frames[i]->height == first.height) continue;
    fail(ErrorCode::invalid_argument, "frame {} of the video is {} x {} pixels, expected {} x {} as frame 0", i,
         frames[i]->width, frames[i]->height, first.width, first.height);
  }
}

void check_count(std::size_t frames, std::size_t given, const char* what) {
  if (frames == given) return;
  fail(ErrorCode::invalid_argument, "the video has {} frames and {} {}, expected one a frame", frames, given, what);
}

void check_times(const std::vector<double>& times) {
  for (std::size_t i = 0; i < times.size(); ++i) {
    if (!std::isfinite(times[i]) || times[i] < 0.0) {
      fail(ErrorCode::invalid_argument, "the time of frame {} is {} s, expected a finite number, 0 or above", i, times[i]);
    }
    if (i > 0 && times[i] < times[i - 1]) {
      fail(ErrorCode::invalid_argument, "the time of frame {} is {} s, before the {} s of the frame before it", i, times[i],
           times[i - 1]);
    }
  }
}

void check_source(const Video::Source& source) {
  constexpr std::int64_t kMostTotal = std::int64_t{1} << 40;  // a double tells their indices apart
  if (source.total < 1 || source.total > kMostTotal) {
    fail(ErrorCode::invalid_argument, "total is {} frames, expected 1 to {}", source.total, kMostTotal);
  }
  if (!std::isfinite(source.fps) || !(source.fps > 0.0)) {
    fail(ErrorCode::invalid_argument, "fps is {}, expected a finite number above 0", source.fps);
  }
  std::int64_t last = 0;
  for (std::size_t i = 0; i < source.indices.size(); ++i) {
    const std::int64_t index = source.indices[i];
    if (index < 0 || index >= source.total) {
      fail(ErrorCode::invalid_argument, "the index of frame {} is {}, expected 0 to {}", i, index, source.total - 1);
    }
    if (index < last) {
      fail(ErrorCode::invalid_argument, "the index of frame {} is {}, before the {} of the frame before it", i, index, last);
    }
    last = index;
  }
}

/// Of the frames' own keys, their times, and what they were chosen from.
std::string key_of(const Video& video) {
  std::string all;
  for (const auto& frame : video.frames) all += content_key(*frame) + '|';
  for (const double time : video.times) all += fmt::format("{}|", time);
  if (video.source) all += fmt::format("of {} at {}", video.source->total, video.source->fps);
  return fmt::format("video {}x{}x{}:{}", video.frames.size(), video.width(), video.height(), ContentHash::of(std::as_bytes(std::span(all))));
}

}  // namespace

Video make_video(std::vector<std::shared_ptr<const Picture>> frames, std::vector<double> times) {
  check_frames(frames);
  check_count(frames.size(), times.size(), "times");
  check_times(times);
  Video video{std::move(frames), std::move(times)};
  video.key = key_of(video);
  return video;
}

Video make_video(std::vector<std::shared_ptr<const Picture>> frames, Video::Source source) {
  check_frames(frames);
  check_count(frames.size(), source.indices.size(), "indices");
  check_source(source);
  Video video{std::move(frames), {}, std::move(source)};
  for (const std::int64_t index : video.source->indices) {
    video.times.push_back(static_cast<double>(index) / video.source->fps);
  }
  video.key = key_of(video);
  return video;
}

void check_sampling(std::int64_t total, std::optional<double> fps) {
  if (total < 1 || total > kMostFrames) {
    fail(ErrorCode::invalid_argument, "the video has {} frames, expected 1 to {}", total, kMostFrames);
  }
  if (fps && !(std::isfinite(*fps) && *fps > 0.0)) {
    fail(ErrorCode::invalid_argument, "fps is {}, expected a finite number above 0", *fps);
  }
}

std::optional<double> frame_rate(const Video& video) {
  if (video.source) return video.source->fps;
  const double seconds = video.times.back() - video.times.front();
  const double rate = static_cast<double>(video.times.size() - 1) / seconds;
  if (!(seconds > 0.0) || !std::isfinite(rate)) return std::nullopt;
  for (const double parts : {1000.0, 1001.0}) {
    const double meant = std::round(rate * parts) / parts;
    if (std::abs(meant - rate) <= 1e-9 * rate) return meant;
  }
  return rate;
}

}  // namespace media

inline namespace v0 {
namespace {

std::vector<std::shared_ptr<const media::Picture>> pictures_of(const std::vector<Image>& frames) {
  std::vector<std::shared_ptr<const media::Picture>> pictures;
  pictures.reserve(frames.size());
  for (const Image& frame : frames) pictures.push_back(frame.picture());
  return pictures;
}

}  // namespace

Video Video::from_frames(std::vector<Image> frames, std::vector<double> times) {
  return Video(std::make_shared<const media::Video>(media::make_video(pictures_of(frames), std::move(times))));
}

Video Video::from_sample(std::vector<Image> frames, std::vector<std::int64_t> indices, std::int64_t total, double fps) {
  media::Video::Source source{total, fps, std::move(indices)};
  return Video(std::make_shared<const media::Video>(media::make_video(pictures_of(frames), std::move(source))));
}

std::size_t Video::frames() const noexcept { return video_->frames.size(); }
double Video::seconds() const noexcept { return video_->times.back() - video_->times.front(); }

}  // namespace v0
}  // namespace lmm
