#include "lib/tokenizer/unicode.hpp"

#include "lib/core/utf8.hpp"
#include "lib/tokenizer/unicode_tables.hpp"

#include <utf8proc.h>

#include <algorithm>
#include <array>
#include <vector>

namespace lmm::tokenizer::unicode {
namespace {

template <typename Row>
const Row* find(const std::vector<Row>& table, char32_t c) {
  auto it =
      std::upper_bound(table.begin(), table.end(), c, [](char32_t value, const Row& row) { return value < row.first; });
  if (it == table.begin()) return nullptr;
  --it;
  return c <= it->last ? &*it : nullptr;
}

utf8proc_category_t category(char32_t c) { return utf8proc_category(static_cast<utf8proc_int32_t>(c)); }

bool compatibility(Form form) { return form == Form::nfkc || form == Form::nfkd; }
bool composes(Form form) { return form == Form::nfc || form == Form::nfkc; }

bool is_hangul_syllable(char32_t c) { return c >= 0xAC00 && c <= 0xD7A3; }

/// Combining class, 0 for marks that the crate does not know.
int combining_class(char32_t c) {
  if (c < 0x300) return 0;
  const int value = utf8proc_get_property(static_cast<utf8proc_int32_t>(c))->combining_class;
  return value <= 1 || find(reordered_marks(), c) != nullptr ? value : 0;
}

void decompose(char32_t c, Form form, std::vector<utf8proc_int32_t>& out) {
  if (c < 0xA0 || (!is_hangul_syllable(c) && find(decomposed(), c) == nullptr)) {
    out.push_back(static_cast<utf8proc_int32_t>(c));
    return;
  }
  const auto options = static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_DECOMPOSE |
                                                      (compatibility(form) ? UTF8PROC_COMPAT : 0));
  std::array<utf8proc_int32_t, 32> buffer;  // the longest decomposition has 18 code points
  int boundary = 0;
  const utf8proc_ssize_t n =
      utf8proc_decompose_char(static_cast<utf8proc_int32_t>(c), buffer.data(), buffer.size(), options, &boundary);
  if (n <= 0 || n > static_cast<utf8proc_ssize_t>(buffer.size())) {
    out.push_back(static_cast<utf8proc_int32_t>(c));
  } else {
    out.insert(out.end(), buffer.data(), buffer.data() + n);
  }
}

/// Starters that a composition may join to the character before them.
const std::vector<char32_t>& joining_starters() {
  static const std::vector<char32_t> table = [] {
    std::vector<char32_t> out;
    std::vector<utf8proc_int32_t> parts;
    for (char32_t c = 0xA0; c < 0x30000; ++c) {
      if (is_hangul_syllable(c)) continue;
      parts.clear();
      decompose(c, Form::nfd, parts);
      if (parts.size() > 1 && combining_class(static_cast<char32_t>(parts.back())) == 0) {
        out.push_back(static_cast<char32_t>(parts.back()));
      }
    }
    std::sort(out.begin(), out.end());
    out.erase(std::unique(out.begin(), out.end()), out.end());
    return out;
  }();
  return table;
}

bool joins_to_the_left(char32_t c) {
  if (c < 0x300) return false;
  if ((c >= 0x1161 && c <= 0x1175) || (c >= 0x11A8 && c <= 0x11C2)) return true;  // Hangul vowels and finals
  return std::binary_search(joining_starters().begin(), joining_starters().end(), c);
}

}  // namespace

bool is_whitespace(char32_t c) {
  if (c < 0x80) return c == ' ' || (c >= 9 && c <= 13);
  return c == 0x85 || c == 0xA0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 ||
         c == 0x202F || c == 0x205F || c == 0x3000;
}

bool is_numeric(char32_t c) { return c < 0x80 ? c >= '0' && c <= '9' : find(numeric(), c) != nullptr; }

bool is_punctuation(char32_t c) {
  if (c < 0x80)
    return (c >= '!' && c <= '/') || (c >= ':' && c <= '@') || (c >= '[' && c <= '`') || (c >= '{' && c <= '~');
  return find(punctuation(), c) != nullptr;
}

bool is_combining_mark(char32_t c) { return c >= 0x300 && find(combining_marks(), c) != nullptr; }

bool is_nonspacing_mark(char32_t c) { return c >= 0x300 && category(c) == UTF8PROC_CATEGORY_MN; }

bool is_other(char32_t c) {
  switch (category(c)) {
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_CO:
      return true;
    default:
      return false;
  }
}

char32_t to_lower(char32_t c) {
  if (c < 0x80) return c >= 'A' && c <= 'Z' ? c + 32 : c;
  if (const StandIn* late = find(late_lowercase(), c)) return late->value;
  return static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(c)));
}

char32_t last_char(std::string_view text) {
  std::size_t at = text.size() - 1;
  while (at > 0 && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80) --at;
  return utf8::next(text, at);
}

Chunk next_chunk(std::string_view text, std::size_t at, Form form) {
  std::size_t ascii = at;
  while (ascii < text.size() && static_cast<unsigned char>(text[ascii]) < 0x80) ++ascii;
  // The last ASCII character may take the marks that follow it.
  if (ascii == text.size() || ascii > at + 1) return {ascii == text.size() ? ascii : ascii - 1, false};
  std::vector<utf8proc_int32_t> parts;
  bool may_change = false;
  bool first = true;
  while (at < text.size()) {
    std::size_t next = at;
    const char32_t c = utf8::next(text, next);
    parts.clear();
    decompose(c, form, parts);
    const auto lead = static_cast<char32_t>(parts.front());
    const bool starts = combining_class(lead) == 0 && !joins_to_the_left(lead);
    if (!first && starts) break;
    may_change |= !starts || parts.size() > 1 || lead != c;
    first = false;
    at = next;
  }
  return {at, may_change};
}

std::string normalize(std::string_view chunk, Form form) {
  std::vector<utf8proc_int32_t> points;
  for (std::size_t at = 0; at < chunk.size();) decompose(utf8::next(chunk, at), form, points);
  const auto rank = [](utf8proc_int32_t c) { return combining_class(static_cast<char32_t>(c)); };
  for (auto it = points.begin(); it != points.end();) {  // canonical ordering: sort each run of marks by class
    if (rank(*it) == 0) {
      ++it;
      continue;
    }
    auto end = std::find_if(it, points.end(), [&](utf8proc_int32_t c) { return rank(c) == 0; });
    std::stable_sort(it, end, [&](utf8proc_int32_t a, utf8proc_int32_t b) { return rank(a) < rank(b); });
    it = end;
  }
  std::size_t count = points.size();
  if (composes(form)) {
    const auto options = static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE);
    const utf8proc_ssize_t n = utf8proc_normalize_utf32(points.data(), static_cast<utf8proc_ssize_t>(count), options);
    if (n >= 0) count = static_cast<std::size_t>(n);
  }
  std::string out;
  for (std::size_t i = 0; i < count; ++i) utf8::append(out, static_cast<char32_t>(points[i]));
  return out;
}

std::string_view with_known_code_points(std::string_view text, std::string& storage) {
  bool copied = false;
  for (std::size_t at = 0; at < text.size();) {
    if (static_cast<unsigned char>(text[at]) < 0xE0) {  // all of the table takes three bytes or four
      ++at;
      continue;
    }
    const std::size_t begin = at;
    const StandIn* stand_in = find(stand_ins(), utf8::next(text, at));
    if (stand_in == nullptr) continue;
    if (!copied) storage.assign(text);
    copied = true;
    std::string bytes;
    utf8::append(bytes, stand_in->value);
    storage.replace(begin, at - begin, bytes);
  }
  return copied ? std::string_view(storage) : text;
}

}  // namespace lmm::tokenizer::unicode
