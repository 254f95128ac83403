#pragma once

#include "lib/media/picture.hpp"

#include <cstdint>
#include <span>
#include <string_view>

/// One decoder a file format; private to the room. Each is called with a file that begins with its format's signature.
namespace lmm::media {

using Bytes = std::span<const std::uint8_t>;

/// Pixels as they are stored, and the orientation (1 to 8) that the file declares.
struct Decoded {
  Picture picture;
  int orientation = 1;
};

Decoded decode_jpeg(Bytes file, std::string_view where);
Decoded decode_png(Bytes file, std::string_view where);
Decoded decode_webp(Bytes file, std::string_view where);
Decoded decode_gif(Bytes file, std::string_view where);
Decoded decode_bmp(Bytes file, std::string_view where);

}  // namespace lmm::media
