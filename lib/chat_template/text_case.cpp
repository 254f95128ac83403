#include "lib/chat_template/text.hpp"
#include "lib/chat_template/unicode.hpp"

namespace lmm::chat_template {
namespace {

/// The rule of Unicode's Final_Sigma: a cased letter before (case-ignorables between), none after.
bool final_sigma(const std::u32string& text, std::size_t at) {
  std::size_t before = at;
  while (before > 0 && unicode::is_case_ignorable(text[before - 1])) --before;
  if (before == 0 || !unicode::is_cased(text[before - 1])) return false;
  std::size_t after = at + 1;
  while (after < text.size() && unicode::is_case_ignorable(text[after])) ++after;
  return after == text.size() || !unicode::is_cased(text[after]);
}

constexpr char32_t kSigma = 0x3A3;

/// Maps each character with f(code point, index, output).
template <typename F>
Text map(const Text& text, F&& f) {
  Text result;
  std::string piece;
  bool piece_input = false;
  std::size_t index = 0;
  text.each([&](char32_t c, std::string_view, bool input) {
    if (input != piece_input) {
      result.append(piece, piece_input);
      piece.clear();
      piece_input = input;
    }
    f(c, index++, piece);
  });
  result.append(piece, piece_input);
  result.markup = text.markup;
  return result;
}

std::u32string code_points(const Text& text) {
  std::u32string points;
  points.reserve(text.length());
  text.each([&](char32_t c, std::string_view, bool) { points += c; });
  return points;
}

void append_lower_at(std::string& out, const std::u32string& points, std::size_t index) {
  if (points[index] == kSigma) {
    out += final_sigma(points, index) ? "\u03C2" : "\u03C3";
  } else {
    unicode::append_lower(out, points[index]);
  }
}

}  // namespace

Text upper(const Text& text) {
  return map(text, [](char32_t c, std::size_t, std::string& out) { unicode::append_upper(out, c); });
}

Text lower(const Text& text) {
  const std::u32string points = code_points(text);
  return map(text, [&](char32_t, std::size_t index, std::string& out) { append_lower_at(out, points, index); });
}

Text title(const Text& text) {
  const std::u32string points = code_points(text);
  bool after_cased = false;
  return map(text, [&](char32_t c, std::size_t index, std::string& out) {
    if (after_cased) {
      append_lower_at(out, points, index);
    } else {
      unicode::append_title(out, c);
    }
    after_cased = unicode::is_cased(c);
  });
}

Text capitalize(const Text& text) {
  const std::u32string points = code_points(text);
  return map(text, [&](char32_t c, std::size_t index, std::string& out) {
    if (index == 0) {
      unicode::append_title(out, c);
    } else {
      append_lower_at(out, points, index);
    }
  });
}

Text swap_case(const Text& text) {
  const std::u32string points = code_points(text);
  return map(text, [&](char32_t c, std::size_t index, std::string& out) {
    if (unicode::is_upper(c)) {
      append_lower_at(out, points, index);
    } else if (unicode::is_lower(c)) {
      unicode::append_upper(out, c);
    } else {
      utf8::append(out, c);
    }
  });
}

Text escape_html(const Text& text) {
  if (text.markup) return text;
  Text result = map(text, [](char32_t c, std::size_t, std::string& out) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '\'': out += "&#39;"; break;
      case '"': out += "&#34;"; break;
      default: utf8::append(out, c);
    }
  });
  result.markup = true;
  return result;
}

Text repr(const Text& text) {
  const bool has_single = text.bytes().find('\'') != std::string::npos;
  const bool has_double = text.bytes().find('"') != std::string::npos;
  const char32_t quote = has_single && !has_double ? U'"' : U'\'';
  const std::string quote_text(1, static_cast<char>(quote));
  Text result(quote_text);
  result.append(map(text, [&](char32_t c, std::size_t, std::string& out) {
    if (c == quote || c == '\\') {
      out += '\\';
      out += static_cast<char>(c);
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\r') {
      out += "\\r";
    } else if (c == '\t') {
      out += "\\t";
    } else if (unicode::is_printable(c)) {
      utf8::append(out, c);
    } else {
      const auto number = static_cast<std::uint32_t>(c);
      out += c < 0x100 ? fmt::format("\\x{:02x}", number)
                       : c < 0x10000 ? fmt::format("\\u{:04x}", number) : fmt::format("\\U{:08x}", number);
    }
  }));
  result.append(quote_text);
  return result;
}

void append_json(Text& out, const Text& text, bool ensure_ascii) {
  out.append("\"");
  out.append(map(text, [&](char32_t c, std::size_t, std::string& piece) {
    switch (c) {
      case '"': piece += "\\\""; return;
      case '\\': piece += "\\\\"; return;
      case '\n': piece += "\\n"; return;
      case '\r': piece += "\\r"; return;
      case '\t': piece += "\\t"; return;
      case '\f': piece += "\\f"; return;
      case '\b': piece += "\\b"; return;
      default: break;
    }
    const auto number = static_cast<std::uint32_t>(c);
    if (c < 0x20 || (ensure_ascii && c >= 0x7F && c < 0x10000)) {
      piece += fmt::format("\\u{:04x}", number);
    } else if (ensure_ascii && c >= 0x10000) {
      piece += fmt::format("\\u{:04x}\\u{:04x}", 0xD800 + ((number - 0x10000) >> 10), 0xDC00 + ((number - 0x10000) & 0x3FF));
    } else {
      utf8::append(piece, c);
    }
  }));
  out.append("\"");
}

}  // namespace lmm::chat_template
