#pragma once

#include "lib/media/picture.hpp"

#include <cstdint>
#include <span>
#include <string_view>

namespace lmm::media {

/// Decodes a JPEG, PNG, WebP, GIF (first frame) or BMP file held in memory, as the reference's load_image does:
/// PIL.Image.open, ImageOps.exif_transpose, convert("RGB"). Colours are not ICC-managed, alpha is dropped.
/// `where` is what errors begin with, e.g. the path. Thread-safe; memory is bounded by the pixel count, which is
/// checked before anything is allocated. Throws Error: bad_file (empty, truncated, corrupt, unknown kind, too many
/// pixels), out_of_memory.
Picture decode(std::span<const std::uint8_t> file, std::string_view where);

}  // namespace lmm::media
