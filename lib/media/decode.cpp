#include "lib/media/decode.hpp"

#include "lib/core/error.hpp"
#include "lib/media/codecs.hpp"

#include <cstring>
#include <string>

namespace lmm::media {
namespace {

bool starts_with(Bytes file, std::string_view prefix, std::size_t offset = 0) {
  return file.size() >= offset + prefix.size() &&
         std::memcmp(file.data() + offset, prefix.data(), prefix.size()) == 0;
}

/// The first bytes for an error message: printable ones as they are, others in hexadecimal.
std::string beginning(Bytes file) {
  std::string text;
  for (const std::uint8_t byte : file.first(std::min<std::size_t>(file.size(), 12))) {
    if (byte >= 0x20 && byte < 0x7F && byte != '\\') {
      text += static_cast<char>(byte);
    } else {
      text += fmt::format("\\x{:02x}", byte);
    }
  }
  return text;
}

Decoded decode_stored(Bytes file, std::string_view where) {
  using std::string_view_literals::operator""sv;
  if (file.empty()) fail(ErrorCode::bad_file, "{}: is empty, expected a picture", where);
  if (starts_with(file, "\xFF\xD8\xFF"sv)) return decode_jpeg(file, where);
  if (starts_with(file, "\x89PNG\r\n\x1A\n"sv)) return decode_png(file, where);
  if (starts_with(file, "RIFF"sv) && starts_with(file, "WEBP"sv, 8)) return decode_webp(file, where);
  if (starts_with(file, "GIF87a"sv) || starts_with(file, "GIF89a"sv)) return decode_gif(file, where);
  if (starts_with(file, "BM"sv)) return decode_bmp(file, where);
  fail(ErrorCode::bad_file, "{}: begins with '{}', expected a JPEG, PNG, WebP, GIF or BMP picture", where,
       beginning(file));
}

}  // namespace

Picture decode(std::span<const std::uint8_t> file, std::string_view where) {
  Decoded decoded = decode_stored(file, where);
  return turn_upright(std::move(decoded.picture), decoded.orientation);
}

}  // namespace lmm::media
