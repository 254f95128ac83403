#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace lmm::media {

/// What a file says of its orientation, as PIL's Image.getexif reads it: the EXIF tag, else the XMP property.
/// `exif` may begin with "Exif\0\0" (once or twice) or with the TIFF header. 1 (upright) where nothing is said, or
/// where the EXIF data cannot be read.
int orientation(std::span<const std::uint8_t> exif, std::string_view xmp);

}  // namespace lmm::media
