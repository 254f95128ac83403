#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <lmm/error.hpp>

namespace lmm::media {

/// Most pixels a picture may have: twice PIL's MAX_IMAGE_PIXELS, beyond which PIL raises DecompressionBombError.
inline constexpr std::int64_t kMaxPixels = 178'956'970;

/// Bytes that may be read (never written) past the last pixel, so that vector code needs no special last load.
inline constexpr std::size_t kPixelSlack = 32;

/// 8-bit RGB, row-major, no padding between rows: (height, width, 3). Made by make_picture; immutable once shared.
struct Picture {
  std::int64_t width = 0;
  std::int64_t height = 0;
  std::unique_ptr<std::uint8_t[]> rgb;  ///< width * height * 3 bytes, then kPixelSlack zeros

  /// The colour that the file declares transparent (PNG tRNS, GIF), where PIL still knows it after convert("RGB").
  /// The pixels keep their colour; the reference's image processors paint them white when do_convert_rgb is set.
  std::optional<std::array<std::uint8_t, 3>> transparent;

  std::size_t row_bytes() const noexcept { return static_cast<std::size_t>(width) * 3; }
  std::size_t bytes() const noexcept { return row_bytes() * static_cast<std::size_t>(height); }
  std::uint8_t* row(std::int64_t y) noexcept { return rgb.get() + static_cast<std::size_t>(y) * row_bytes(); }
  const std::uint8_t* row(std::int64_t y) const noexcept {
    return rgb.get() + static_cast<std::size_t>(y) * row_bytes();
  }
};

/// Throws Error `code` where a side is below 1 or the picture has more than kMaxPixels pixels.
void check_size(std::int64_t width, std::int64_t height, std::string_view where, ErrorCode code = ErrorCode::bad_file);

/// A picture of checked size with uninitialised pixels. Throws Error: as check_size, out_of_memory.
Picture make_picture(std::int64_t width, std::int64_t height, std::string_view where);

/// Turned upright by an EXIF orientation, 1 to 8 (other values: unchanged), as PIL.ImageOps.exif_transpose.
Picture turn_upright(Picture picture, int orientation);

/// Names the content: equal for equal pictures, different (ContentHash) for different ones.
std::string content_key(const Picture& picture);

}  // namespace lmm::media
