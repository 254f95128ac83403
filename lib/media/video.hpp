#pragma once

#include "lib/media/picture.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace lmm::media {

/// Frames and their times. Made by make_video; immutable once shared.
struct Video {
  /// What a host chose its frames from: transformers' VideoMetadata.
  struct Source {
    std::int64_t total = 0;              ///< frames of the whole video
    double fps = 0;                      ///< of the whole video
    std::vector<std::int64_t> indices;   ///< of the frames that are here, rising
  };

  std::vector<std::shared_ptr<const Picture>> frames;  ///< at least one, all of one size
  std::vector<double> times;                           ///< seconds, one a frame, none before the one before it
  std::optional<Source> source = {};                   ///< where the frames are a choice already
  std::string key = {};                                ///< names the content: equal for equal videos (ContentHash)

  std::int64_t width() const { return frames.front()->width; }
  std::int64_t height() const { return frames.front()->height; }
};

/// Checks the frames and their times. Throws Error: invalid_argument (no frames, sizes that differ, as many times as
/// frames not given, times that are negative, not finite or go backwards).
Video make_video(std::vector<std::shared_ptr<const Picture>> frames, std::vector<double> times);

/// Frames at source.indices of a longer video; their times are index / fps. Throws Error: invalid_argument (as above).
Video make_video(std::vector<std::shared_ptr<const Picture>> frames, Video::Source source);

inline constexpr std::int64_t kMostFrames = 1 << 24;  ///< fp32, in which a reference counts them, tells no more apart
inline constexpr double kUnknownFps = 24.0;           ///< what the reference takes an unknown rate for

/// Whether frames can be chosen from a video of `total` frames, `fps` a second. Throws Error: invalid_argument (no frames or
/// more than kMostFrames; a rate that is not above 0).
void check_sampling(std::int64_t total, std::optional<double> fps);

/// Frames a second: of the source, else how many fit between the first time and the last one. That is taken for the
/// rate meant where it is a whole number of thousandths (29.97) or of 1001st parts (30000 / 1001) but for the rounding
/// of times. None where a single time, or equal ones, tell nothing.
std::optional<double> frame_rate(const Video& video);

inline const std::string& content_key(const Video& video) { return video.key; }

}  // namespace lmm::media
