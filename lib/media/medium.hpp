#pragma once

#include "lib/media/picture.hpp"
#include "lib/media/sound.hpp"
#include "lib/media/video.hpp"

#include <cstddef>
#include <memory>
#include <string>
#include <variant>

namespace lmm::media {

/// What a message may hold beside text.
using Medium = std::variant<std::shared_ptr<const Picture>, std::shared_ptr<const Video>, std::shared_ptr<const Sound>>;

/// In the order of Medium's alternatives.
enum class Kind : std::size_t { picture = 0, video = 1, sound = 2 };

inline constexpr std::size_t kKinds = std::variant_size_v<Medium>;

inline Kind kind_of(const Medium& medium) { return static_cast<Kind>(medium.index()); }

/// The word for it in an error: "picture", "video" or "recording". Static storage.
inline const char* kind_name(Kind kind) {
  constexpr const char* kNames[] = {"picture", "video", "recording"};
  return kNames[static_cast<std::size_t>(kind)];
}

inline std::string content_key(const Sound& sound) { return sound.key; }
inline std::string content_key(const Medium& medium) {
  return std::visit([](const auto& content) { return content_key(*content); }, medium);
}

inline const Video& as_video(const Medium& medium) { return *std::get<std::shared_ptr<const Video>>(medium); }
inline const Picture& as_picture(const Medium& medium) { return *std::get<std::shared_ptr<const Picture>>(medium); }

}  // namespace lmm::media
