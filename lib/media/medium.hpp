#pragma once

#include "lib/media/picture.hpp"
#include "lib/media/sound.hpp"
#include "lib/media/video.hpp"

#include <memory>
#include <variant>

namespace lmm::media {

/// What a message may hold beside text.
using Medium = std::variant<std::shared_ptr<const Picture>, std::shared_ptr<const Video>, std::shared_ptr<const Sound>>;

}  // namespace lmm::media
