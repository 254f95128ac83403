#include "lib/tokenizer/normalizer.hpp"

#include "lib/tokenizer/byte_level.hpp"
#include "lib/tokenizer/component.hpp"
#include "lib/tokenizer/unicode.hpp"

#include <utility>
#include <vector>

namespace lmm::tokenizer {
namespace {

/// A normaliser that gives each character its successor: `map` appends it, or nothing to drop the character.
template <typename Map>
Normalizer each_character(Map map) {
  return [map](Text& text) {
    Rewrite out(text);
    std::string bytes;
    for (std::size_t at = 0; at < text.bytes.size();) {
      const std::size_t begin = at;
      const char32_t c = utf8::next(text.bytes, at);
      bytes.clear();
      map(c, bytes);
      out.put(bytes, begin, at);
    }
    text = out.take();
  };
}

Normalizer normal_form(unicode::Form form) {
  return [form](Text& text) {
    Rewrite out(text);
    for (std::size_t at = 0; at < text.bytes.size();) {
      const unicode::Chunk chunk = unicode::next_chunk(text.bytes, at, form);
      const std::string_view old = std::string_view(text.bytes).substr(at, chunk.end - at);
      const std::string fresh = chunk.may_change ? unicode::normalize(old, form) : std::string();
      if (chunk.may_change && fresh != old)
        out.put(fresh, at, chunk.end);
      else
        out.keep(at, chunk.end);
      at = chunk.end;
    }
    text = out.take();
  };
}

Normalizer strip(bool left, bool right) {
  return [left, right](Text& text) {
    std::string_view rest = text.bytes;
    std::size_t begin = 0;
    while (left && begin < rest.size()) {
      std::size_t at = begin;
      if (!unicode::is_whitespace(utf8::next(rest, at))) break;
      begin = at;
    }
    while (right && rest.size() > begin && unicode::is_whitespace(unicode::last_char(rest))) {
      std::string character;
      utf8::append(character, unicode::last_char(rest));
      rest.remove_suffix(character.size());
    }
    Rewrite out(text);
    out.keep(begin, rest.size());
    text = out.take();
  };
}

Normalizer replace(const Fields& fields) {
  return [regex = parse_pattern(fields, "pattern"), content = fields.string("content")](Text& text) {
    Regex::Finder finder(regex);
    Rewrite out(text);
    std::size_t at = 0;
    for (const TextSpan match : finder.find_all(text.bytes)) {
      out.keep(at, match.begin);
      if (match.end > match.begin)
        out.put(content, match.begin, match.end);
      else if (match.begin > 0)
        out.put(content, match.begin - 1, match.begin);
      else if (!text.bytes.empty())
        out.put(content, 0, 1);
      at = match.end;
    }
    out.keep(at, text.bytes.size());
    text = out.take();
  };
}

Normalizer prepend(std::string prefix) {
  return [prefix = std::move(prefix)](Text& text) {
    if (text.bytes.empty()) return;
    Rewrite out(text);
    std::size_t first = 0;
    utf8::next(text.bytes, first);
    out.put(prefix, 0, first);
    out.keep(0, text.bytes.size());
    text = out.take();
  };
}

void append_lower(char32_t c, std::string& out) {
  utf8::append(out, c == 0x130 ? U'i' : unicode::to_lower(c));
  if (c == 0x130) utf8::append(out, 0x307);
}

Normalizer nmt() {
  return each_character([](char32_t c, std::string& out) {
    const bool dropped =
        (c >= 1 && c <= 8) || c == 0x0B || (c >= 0x0E && c <= 0x1F) || c == 0x7F || c == 0x8F || c == 0x9F;
    const bool blank = c == 9 || c == 10 || c == 12 || c == 13 || c == 0x1680 || (c >= 0x200B && c <= 0x200F) ||
                       c == 0x2028 || c == 0x2029 || c == 0x2581 || c == 0xFEFF || c == 0xFFFD;
    if (!dropped) utf8::append(out, blank ? U' ' : c);
  });
}

bool is_chinese(char32_t c) {
  return (c >= 0x4E00 && c <= 0x9FFF) || (c >= 0x3400 && c <= 0x4DBF) || (c >= 0x20000 && c <= 0x2A6DF) ||
         (c >= 0x2A700 && c <= 0x2B73F) || (c >= 0x2B740 && c <= 0x2B81F) || (c >= 0x2B920 && c <= 0x2CEAF) ||
         (c >= 0xF900 && c <= 0xFAFF) || (c >= 0x2F800 && c <= 0x2FA1F);
}

Normalizer sequence(std::vector<Normalizer> parts) {
  return [parts = std::move(parts)](Text& text) {
    for (const Normalizer& part : parts) part(text);
  };
}

Normalizer bert(const Fields& fields) {
  const bool lowercase = fields.boolean("lowercase", true);
  std::vector<Normalizer> parts;
  if (fields.boolean("clean_text", true)) {
    parts.push_back(each_character([](char32_t c, std::string& out) {
      const bool tab_or_newline = c == '\t' || c == '\n' || c == '\r';
      if (!tab_or_newline && (c == 0xFFFD || unicode::is_other(c))) return;
      utf8::append(out, unicode::is_whitespace(c) ? U' ' : c);
    }));
  }
  if (fields.boolean("handle_chinese_chars", true)) {
    parts.push_back(each_character([](char32_t c, std::string& out) {
      if (is_chinese(c)) out += ' ';
      utf8::append(out, c);
      if (is_chinese(c)) out += ' ';
    }));
  }
  if (fields.boolean("strip_accents", lowercase)) {
    parts.push_back(normal_form(unicode::Form::nfd));
    parts.push_back(each_character([](char32_t c, std::string& out) {
      if (!unicode::is_nonspacing_mark(c)) utf8::append(out, c);
    }));
  }
  if (lowercase) parts.push_back(each_character(append_lower));
  return sequence(std::move(parts));
}

}  // namespace

Regex parse_pattern(const Fields& fields, std::string_view name) {
  const Fields pattern = fields.object(name);
  if (pattern.has("Regex")) return Regex(pattern.string("Regex"), fields.where());
  std::string escaped;
  const std::string text = pattern.string("String");
  for (std::size_t at = 0; at < text.size();)
    escaped += fmt::format("\\x{{{:X}}}", static_cast<unsigned>(utf8::next(text, at)));
  return Regex(escaped, fields.where());
}

void to_byte_level(Text& text) {
  Rewrite out(text);
  for (std::size_t i = 0; i < text.bytes.size(); ++i) {
    out.put(byte_level_character(static_cast<unsigned char>(text.bytes[i])), i, i + 1);
  }
  text = out.take();
}

Normalizer parse_normalizer(const Json& json, const std::string& where, int depth) {
  const Fields fields(json, where);
  const std::string type = fields.string("type");
  if (type == "Sequence") {
    std::vector<Normalizer> parts;
    for_each_component(fields, "normalizers", depth, [&](const Json& part, const std::string& part_where) {
      parts.push_back(parse_normalizer(part, part_where, depth + 1));
    });
    return sequence(std::move(parts));
  }
  if (type == "NFC") return normal_form(unicode::Form::nfc);
  if (type == "NFD") return normal_form(unicode::Form::nfd);
  if (type == "NFKC") return normal_form(unicode::Form::nfkc);
  if (type == "NFKD") return normal_form(unicode::Form::nfkd);
  if (type == "Lowercase") return each_character(append_lower);
  if (type == "Strip") return strip(fields.boolean("strip_left", true), fields.boolean("strip_right", true));
  if (type == "StripAccents") {
    return each_character([](char32_t c, std::string& out) {
      if (!unicode::is_combining_mark(c)) utf8::append(out, c);
    });
  }
  if (type == "Replace") return replace(fields);
  if (type == "Prepend") return prepend(fields.string("prepend"));
  if (type == "ByteLevel") return to_byte_level;
  if (type == "Nmt") return nmt();
  if (type == "BertNormalizer" || type == "Bert") return bert(fields);
  unknown_component(fields, "normalizer");
}

}  // namespace lmm::tokenizer
