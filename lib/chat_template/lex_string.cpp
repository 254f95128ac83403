#include "lib/chat_template/lex_string.hpp"

#include "lib/core/utf8.hpp"

#include <charconv>

namespace lmm::chat_template {
namespace {

/// Escapes of one character; 0 where `c` begins none.
char simple_escape(char c) {
  switch (c) {
    case '\\': return '\\';
    case '\'': return '\'';
    case '"': return '"';
    case 'a': return '\a';
    case 'b': return '\b';
    case 'f': return '\f';
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    case 'v': return '\v';
    default: return 0;
  }
}

/// A backslash before a character beyond ASCII: jinja2 has turned the character into an escape of its own by then, so
/// that the two backslashes become one and the escape's letters stay.
std::string broken_escape(char32_t c) {
  const auto number = static_cast<std::uint32_t>(c);
  if (c < 0x100) return fmt::format("\\x{:02x}", number);
  return c < 0x10000 ? fmt::format("\\u{:04x}", number) : fmt::format("\\U{:08x}", number);
}

}  // namespace

std::string unescape(std::string_view body, std::string_view where, Place place) {
  std::string out;
  for (std::size_t i = 0; i < body.size();) {
    if (body[i] != '\\') {
      out += body[i++];
      continue;
    }
    const char c = body[++i];
    if (const char escaped = simple_escape(c)) {
      out += escaped;
      ++i;
    } else if (c == '\n') {
      ++i;
    } else if (c == 'N') {
      syntax_error(where, place, "the escape \\N{{...}} is not supported");
    } else if (c == 'x' || c == 'u' || c == 'U') {
      const std::size_t count = c == 'x' ? 2 : c == 'u' ? 4 : 8;
      std::uint32_t code = 0;
      const std::string_view digits = body.substr(i + 1, count);
      const auto end = std::from_chars(digits.data(), digits.data() + digits.size(), code, 16).ptr;
      if (digits.size() < count || end != digits.data() + count || code > 0x10FFFF) {
        syntax_error(where, place, "bad escape \\{}{}", c, digits);
      }
      utf8::append(out, code);
      i += 1 + count;
    } else if (c >= '0' && c <= '7') {
      std::uint32_t code = 0;
      for (std::size_t n = 0; n < 3 && i < body.size() && body[i] >= '0' && body[i] <= '7'; ++n) {
        code = code * 8 + static_cast<std::uint32_t>(body[i++] - '0');
      }
      utf8::append(out, code);
    } else if (static_cast<unsigned char>(c) >= 0x80) {
      out += broken_escape(utf8::next(body, i));
    } else {
      out += '\\';
      out += c;
      ++i;
    }
  }
  return out;
}

}  // namespace lmm::chat_template
