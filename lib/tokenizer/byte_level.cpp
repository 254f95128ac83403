#include "lib/tokenizer/byte_level.hpp"

#include "lib/core/utf8.hpp"

#include <array>
#include <string>

namespace lmm::tokenizer {
namespace {

struct Alphabet {
  std::array<std::string, 256> characters;
  std::array<short, 512> bytes;  // by code point, -1: none

  Alphabet() {
    bytes.fill(-1);
    char32_t next = 256;
    for (int byte = 0; byte < 256; ++byte) {
      const bool printable = (byte >= '!' && byte <= '~') || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
      const char32_t c = printable ? static_cast<char32_t>(byte) : next++;
      utf8::append(characters[static_cast<std::size_t>(byte)], c);
      bytes[c] = static_cast<short>(byte);
    }
  }
};

const Alphabet& alphabet() {
  static const Alphabet instance;
  return instance;
}

}  // namespace

std::string_view byte_level_character(unsigned char byte) { return alphabet().characters[byte]; }

std::optional<unsigned char> byte_level_byte(char32_t character) {
  if (character >= alphabet().bytes.size() || alphabet().bytes[character] < 0) return {};
  return static_cast<unsigned char>(alphabet().bytes[character]);
}

}  // namespace lmm::tokenizer
