#include "lib/core/utf8.hpp"

namespace lmm::utf8 {
namespace {

struct Lead {
  int length;          // of the whole sequence, 0: not a lead byte
  unsigned char low;   // bounds of the second byte (Unicode 15, table 3-7)
  unsigned char high;
};

Lead lead(unsigned char byte) {
  if (byte < 0x80) return {1, 0, 0};
  if (byte < 0xC2) return {0, 0, 0};
  if (byte < 0xE0) return {2, 0x80, 0xBF};
  if (byte == 0xE0) return {3, 0xA0, 0xBF};
  if (byte == 0xED) return {3, 0x80, 0x9F};
  if (byte < 0xF0) return {3, 0x80, 0xBF};
  if (byte == 0xF0) return {4, 0x90, 0xBF};
  if (byte < 0xF4) return {4, 0x80, 0xBF};
  if (byte == 0xF4) return {4, 0x80, 0x8F};
  return {0, 0, 0};
}

/// Bytes of the well-formed prefix of the sequence at text[at], and whether it is whole.
struct Sequence {
  std::size_t length;
  bool whole;
};

Sequence sequence(std::string_view text, std::size_t at) {
  const Lead first = lead(static_cast<unsigned char>(text[at]));
  if (first.length == 0) return {1, false};
  std::size_t length = 1;
  while (length < static_cast<std::size_t>(first.length) && at + length < text.size()) {
    const auto byte = static_cast<unsigned char>(text[at + length]);
    const bool fits = length == 1 ? byte >= first.low && byte <= first.high : byte >= 0x80 && byte <= 0xBF;
    if (!fits) break;
    ++length;
  }
  return {length, length == static_cast<std::size_t>(first.length)};
}

}  // namespace

void append(std::string& out, char32_t code_point) {
  if (code_point > 0x10FFFF || (code_point >= 0xD800 && code_point <= 0xDFFF)) code_point = 0xFFFD;
  if (code_point < 0x80) {
    out += static_cast<char>(code_point);
  } else if (code_point < 0x800) {
    out += static_cast<char>(0xC0 | (code_point >> 6));
    out += static_cast<char>(0x80 | (code_point & 0x3F));
  } else if (code_point < 0x10000) {
    out += static_cast<char>(0xE0 | (code_point >> 12));
    out += static_cast<char>(0x80 | ((code_point >> 6) & 0x3F));
    out += static_cast<char>(0x80 | (code_point & 0x3F));
  } else {
    out += static_cast<char>(0xF0 | (code_point >> 18));
    out += static_cast<char>(0x80 | ((code_point >> 12) & 0x3F));
    out += static_cast<char>(0x80 | ((code_point >> 6) & 0x3F));
    out += static_cast<char>(0x80 | (code_point & 0x3F));
  }
}

char32_t next(std::string_view text, std::size_t& at) {
  const Sequence found = sequence(text, at);
  const auto first = static_cast<unsigned char>(text[at]);
  const std::size_t start = at;
  at += found.length;
  if (!found.whole) return 0xFFFD;
  if (found.length == 1) return first;
  char32_t code_point = first & (0xFF >> (found.length + 1));
  for (std::size_t i = 1; i < found.length; ++i) {
    code_point = (code_point << 6) | (static_cast<unsigned char>(text[start + i]) & 0x3F);
  }
  return code_point;
}

std::string sanitize(std::string_view text) {
  if (valid(text)) return std::string(text);
  std::string out;
  out.reserve(text.size() + 16);
  for (std::size_t at = 0; at < text.size();) append(out, next(text, at));
  return out;
}

bool valid(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const Sequence found = sequence(text, at);
    if (!found.whole) return false;
    at += found.length;
  }
  return true;
}

std::size_t complete_prefix(std::string_view text) {
  const std::size_t tail = text.size() < 3 ? 0 : text.size() - 3;
  for (std::size_t at = text.size(); at-- > tail;) {
    const Lead first = lead(static_cast<unsigned char>(text[at]));
    if (first.length == 0) continue;
    const Sequence found = sequence(text, at);
    const bool may_grow = !found.whole && at + found.length == text.size();
    return may_grow ? at : text.size();
  }
  return text.size();
}

}  // namespace lmm::utf8
