#include "lib/media/sound_decoder.hpp"

#include "lib/core/error.hpp"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

namespace lmm::media {
namespace {

using std::string_view_literals::operator""sv;

enum class Kind { unknown, mpeg, other };

std::string bytes_at(EncodedSound& sound, std::int64_t offset) {
  std::array<std::byte, 12> bytes = {};
  const std::size_t got = sound.read(offset, bytes);
  return {reinterpret_cast<const char*>(bytes.data()), got};
}

Kind kind_of(std::string_view begin) {
  for (const std::string_view mark : {"RIFF"sv, "RIFX"sv, "RF64"sv, "riff"sv, "FORM"sv, ".snd"sv, "dns."sv, "caff"sv,
                                      "fLaC"sv, "OggS"sv}) {
    if (begin.starts_with(mark)) return Kind::other;
  }
  // The first 11 bits of a frame of MPEG audio, and none of the values that a layer cannot have.
  const bool mpeg = begin.size() > 1 && begin[0] == '\xFF' && (begin[1] & 0xE0) == 0xE0 && (begin[1] & 0x06) != 0;
  return mpeg ? Kind::mpeg : Kind::unknown;
}

/// Bytes of the ID3v2 tag that a file begins with (28 bits, 7 in each byte), head included; 0 where there is none.
std::int64_t tag_size(std::string_view begin) {
  if (begin.size() < 10 || !begin.starts_with("ID3")) return 0;
  std::int64_t size = 0;
  for (const char byte : begin.substr(6, 4)) size = size << 7 | (byte & 0x7F);
  return size + 10;
}

std::string printable(std::string_view bytes) {
  std::string text;
  for (const char c : bytes) {
    if (c >= 0x20 && c < 0x7F && c != '\\') {
      text += c;
    } else {
      text += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    }
  }
  return text;
}

}  // namespace

std::unique_ptr<SoundDecoder> open_decoder(std::unique_ptr<EncodedSound> bytes, const std::string& where) {
  if (bytes->size() == 0) fail(ErrorCode::bad_file, "{}: is empty, expected a recording", where);
  const std::string begin = bytes_at(*bytes, 0);
  const std::int64_t tag = tag_size(begin);
  Kind kind = kind_of(begin);
  // What follows a tag is MPEG audio, perhaps after some padding, or FLAC.
  if (tag > 0) kind = kind_of(bytes_at(*bytes, tag)) == Kind::other ? Kind::other : Kind::mpeg;
  switch (kind) {
    case Kind::mpeg: return open_mpeg_decoder(std::move(bytes), where);
    case Kind::other: return open_sndfile_decoder(std::move(bytes), where);
    case Kind::unknown: break;
  }
  fail(ErrorCode::bad_file, "{}: begins with '{}', expected a WAV, FLAC, OGG, MP3, AIFF, AU or CAF recording", where,
       printable(begin));
}

}  // namespace lmm::media
