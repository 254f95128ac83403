#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <lmm/export.hpp>

namespace lmm {
namespace media {
struct Picture;
}
inline namespace v0 {

/// How the bytes of a host's pixel lie in memory; 8 bits a channel.
enum class PixelFormat : std::int32_t { rgb = 0, bgr = 1, rgba = 2, bgra = 3, gray = 4 };

/// Pixels that the host holds. Read during the call only, never kept.
struct PixelView {
  const void* data = nullptr;         ///< first byte of the row that comes first in memory
  std::size_t size = 0;               ///< bytes readable at data; checked against height * stride
  std::int64_t width = 0;             ///< pixels, 1 to 65535
  std::int64_t height = 0;            ///< pixels, 1 to 65535
  std::int64_t stride = 0;            ///< bytes from one row to the next; 0 means rows without padding
  PixelFormat format = PixelFormat::rgb;
  bool bottom_up = false;             ///< true when the first row in memory is the lowest of the picture
};

/// A picture, decoded to 8-bit RGB as the reference's load_image does (transformers/image_utils.py): turned upright by
/// its EXIF orientation, alpha dropped as PIL's convert("RGB") does. Immutable, cheap to copy, usable from any thread.
class LMM_API Image {
 public:
  /// Decodes a JPEG, PNG, WebP, BMP or GIF (first frame) file.
  /// Throws Error: not_found, io, bad_file (empty, truncated, of unknown kind, more than 178,956,970 pixels).
  static Image open(const std::filesystem::path& path);

  /// Decodes an encoded picture held in memory; the bytes are not kept. Throws Error: bad_file.
  static Image from_memory(const void* data, std::size_t size);

  /// Copies the host's own pixels. Throws Error: invalid_argument (size, stride or format do not fit).
  static Image from_pixels(const PixelView& pixels);

  std::int64_t width() const noexcept;   ///< pixels
  std::int64_t height() const noexcept;  ///< pixels

  /// Row-major RGB, 8 bits a channel, height * width * 3 bytes, owned by the picture.
  const std::uint8_t* rgb() const noexcept;

  /// The decoded picture; for lmm itself.
  const std::shared_ptr<const media::Picture>& picture() const noexcept { return picture_; }

 private:
  explicit Image(std::shared_ptr<const media::Picture> picture) : picture_(std::move(picture)) {}
  std::shared_ptr<const media::Picture> picture_;
};

/// Text (UTF-8) or a picture. Text is text: what spells a special token in it stays text.
using Part = std::variant<std::string, Image>;

/// One turn of the user: parts in the order in which the model sees them.
struct Message {
  std::vector<Part> parts = {};

  Message() = default;
  Message(std::string text) { parts.emplace_back(std::move(text)); }
  Message(const char* text) { parts.emplace_back(std::string(text)); }
  Message(std::initializer_list<Part> list) : parts(list) {}
  explicit Message(std::vector<Part> list) : parts(std::move(list)) {}
};

/// One entry of a conversation's history. role is "system", "user" or "assistant".
struct Turn {
  std::string role = {};
  Message message = {};
};

}  // namespace v0
}  // namespace lmm
