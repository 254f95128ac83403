#pragma once

#include "lib/media/picture.hpp"

#include <memory>
#include <string>
#include <vector>

namespace lmm::media {

/// Frames and their times. Immutable once shared.
struct Video {
  std::vector<std::shared_ptr<const Picture>> frames;  ///< at least one, all of one size
  std::vector<double> times;                           ///< seconds, one a frame, none before the one before it
};

/// Names the content: equal for equal videos, different (128-bit XXH3) for different ones.
std::string content_key(const Video& video);

}  // namespace lmm::media
