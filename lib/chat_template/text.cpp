#include "lib/chat_template/text.hpp"

#include "lib/chat_template/unicode.hpp"

namespace lmm::chat_template {
namespace {

std::size_t count_code_points(std::string_view bytes) noexcept {
  return static_cast<std::size_t>(
      std::count_if(bytes.begin(), bytes.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

char32_t previous(const std::string& bytes, std::size_t& at) {
  do {
    --at;
  } while (at > 0 && (static_cast<unsigned char>(bytes[at]) & 0xC0) == 0x80);
  std::size_t end = at;
  return utf8::next(bytes, end);
}

bool contains(const Text& set, char32_t c) {
  bool found = false;
  set.each([&](char32_t other, std::string_view, bool) { found = found || other == c; });
  return found;
}

}  // namespace

void Text::reserve_more(std::size_t bytes) {
  if (bytes > kMaxBytes - bytes_.size()) raise("string longer than the limit of {} bytes", kMaxBytes);
}

void Text::mark(std::size_t begin, std::size_t end) {
  if (begin == end) return;
  if (!input_.empty() && input_.back().end == begin) {
    input_.back().end = end;
  } else {
    input_.push_back({begin, end});
  }
}

void Text::append(std::string_view bytes, bool input) {
  reserve_more(bytes.size());
  if (input) mark(bytes_.size(), bytes_.size() + bytes.size());
  bytes_ += bytes;
  length_ += count_code_points(bytes);
}

void Text::append(const Text& text, std::size_t begin, std::size_t end) {
  if (&text == this) return append(Text(text), begin, end);
  const std::string_view piece = std::string_view(text.bytes_).substr(begin, end - begin);
  reserve_more(piece.size());
  auto span = std::upper_bound(text.input_.begin(), text.input_.end(), begin,
                               [](std::size_t value, const Span& s) { return value < s.end; });
  const std::size_t base = bytes_.size();
  for (; span != text.input_.end() && span->begin < end; ++span) {
    mark(base + std::max(span->begin, begin) - begin, base + std::min(span->end, end) - begin);
  }
  bytes_ += piece;
  length_ += piece.size() == text.size() ? text.length_ : count_code_points(piece);
}

void Text::append_fill(std::string_view piece, std::size_t count) {
  if (!piece.empty() && count > kMaxBytes / piece.size()) raise("string longer than the limit of {} bytes", kMaxBytes);
  reserve_more(piece.size() * count);
  for (std::size_t i = 0; i < count; ++i) bytes_ += piece;
  length_ += count * count_code_points(piece);
}

Text Text::part(std::size_t begin, std::size_t end) const {
  Text result;
  if (begin < end) result.append(*this, begin, end);
  result.markup = markup;
  return result;
}

std::size_t Text::offset(std::size_t code_point) const {
  if (ascii()) return code_point;
  if (code_point >= length_) return size();
  std::size_t at = 0;
  for (std::size_t i = 0; i < code_point; ++i) utf8::next(bytes_, at);
  return at;
}

std::size_t Text::code_points(std::size_t begin, std::size_t end) const {
  return ascii() ? end - begin : count_code_points(std::string_view(bytes_).substr(begin, end - begin));
}

std::pair<std::size_t, std::size_t> stripped(const Text& text, const Text* characters, bool left, bool right) {
  const auto drops = [&](char32_t c) { return characters != nullptr ? contains(*characters, c) : unicode::is_space(c); };
  std::size_t begin = 0;
  std::size_t end = text.size();
  while (left && begin < end) {
    std::size_t at = begin;
    if (!drops(utf8::next(text.bytes(), at))) break;
    begin = at;
  }
  while (right && begin < end) {
    std::size_t at = end;
    if (!drops(previous(text.bytes(), at))) break;
    end = at;
  }
  return {begin, end};
}

std::vector<Span> split_lines(const Text& text, bool keep_ends) {
  std::vector<Span> lines;
  const std::string& bytes = text.bytes();
  std::size_t begin = 0;
  for (std::size_t at = 0; at < bytes.size();) {
    const std::size_t end = at;
    const char32_t c = utf8::next(bytes, at);
    if (!unicode::is_line_break(c)) continue;
    if (c == '\r' && at < bytes.size() && bytes[at] == '\n') ++at;
    lines.push_back({begin, keep_ends ? at : end});
    begin = at;
  }
  if (begin < bytes.size()) lines.push_back({begin, bytes.size()});
  return lines;
}

namespace {

std::vector<Span> split_space(const Text& text, std::int64_t limit) {
  std::vector<Span> words;
  std::size_t at = 0;
  const std::string& bytes = text.bytes();
  while (true) {
    std::size_t begin = at;
    while (at < bytes.size() && unicode::is_space(utf8::next(bytes, at))) begin = at;
    if (begin == bytes.size()) return words;
    if (limit >= 0 && static_cast<std::int64_t>(words.size()) == limit) {
      words.push_back({begin, bytes.size()});
      return words;
    }
    std::size_t end = begin;
    std::size_t next = begin;
    while (next < bytes.size()) {
      const char32_t c = utf8::next(bytes, next);
      if (unicode::is_space(c)) break;
      end = next;
    }
    words.push_back({begin, end});
    at = end;
  }
}

std::vector<Span> split_space_right(const Text& text, std::int64_t limit) {
  std::vector<Span> words;
  const std::string& bytes = text.bytes();
  std::size_t end = text.size();
  while (true) {
    while (end > 0) {
      std::size_t at = end;
      if (!unicode::is_space(previous(bytes, at))) break;
      end = at;
    }
    if (end == 0) break;
    if (limit >= 0 && static_cast<std::int64_t>(words.size()) == limit) {
      words.push_back({0, end});
      break;
    }
    std::size_t begin = end;
    while (begin > 0) {
      std::size_t at = begin;
      if (unicode::is_space(previous(bytes, at))) break;
      begin = at;
    }
    words.push_back({begin, end});
    end = begin;
  }
  std::reverse(words.begin(), words.end());
  return words;
}

}  // namespace

std::vector<Span> split(const Text& text, const Text* separator, std::int64_t limit) {
  if (separator == nullptr) return split_space(text, limit);
  if (separator->empty()) raise("empty separator");
  std::vector<Span> pieces;
  std::size_t begin = 0;
  while (limit < 0 || static_cast<std::int64_t>(pieces.size()) < limit) {
    const std::size_t found = text.bytes().find(separator->bytes(), begin);
    if (found == std::string::npos) break;
    pieces.push_back({begin, found});
    begin = found + separator->size();
  }
  pieces.push_back({begin, text.size()});
  return pieces;
}

std::vector<Span> split_right(const Text& text, const Text* separator, std::int64_t limit) {
  if (separator == nullptr) return split_space_right(text, limit);
  if (separator->empty()) raise("empty separator");
  std::vector<Span> pieces;
  std::size_t end = text.size();
  while ((limit < 0 || static_cast<std::int64_t>(pieces.size()) < limit) && end >= separator->size()) {
    const std::size_t found = text.bytes().rfind(separator->bytes(), end - separator->size());
    if (found == std::string::npos) break;
    pieces.push_back({found + separator->size(), end});
    end = found;
  }
  pieces.push_back({0, end});
  std::reverse(pieces.begin(), pieces.end());
  return pieces;
}

Text replace(const Text& text, const Text& old, const Text& with, std::int64_t limit) {
  Text result;
  result.markup = text.markup;
  std::size_t begin = 0;
  std::int64_t count = 0;
  if (old.empty()) {  // Python puts `with` before each character and at the end
    std::size_t at = 0;
    for (; (limit < 0 || count < limit) && at <= text.size(); ++count) {
      result.append(with);
      if (at == text.size()) return result;
      utf8::next(text.bytes(), at);
      result.append(text, begin, at);
      begin = at;
    }
  } else {
    for (; limit < 0 || count < limit; ++count) {
      const std::size_t found = text.bytes().find(old.bytes(), begin);
      if (found == std::string::npos) break;
      result.append(text, begin, found);
      result.append(with);
      begin = found + old.size();
    }
  }
  result.append(text, begin, text.size());
  return result;
}

}  // namespace lmm::chat_template
