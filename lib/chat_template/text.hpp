#pragma once

#include "lib/chat_template/chat_template.hpp"
#include "lib/core/utf8.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lmm::chat_template {

/// What goes wrong while a template runs, without its place; becomes Error bad_template with file and line.
struct Failure : std::exception {
  explicit Failure(std::string text) : message(std::move(text)) {}
  const char* what() const noexcept override { return message.c_str(); }
  std::string message;
};

template <typename... Args>
[[noreturn]] void raise(fmt::format_string<Args...> format, Args&&... args) {
  throw Failure(fmt::format(format, std::forward<Args>(args)...));
}

/// Valid UTF-8 that knows which of its bytes are the host's input, for Rendered::user. Never longer than max_bytes()
/// (a Failure). Positions are bytes unless said otherwise.
class Text {
 public:
  Text() = default;
  explicit Text(std::string_view bytes, bool input = false) { append(bytes, input); }

  const std::string& bytes() const noexcept { return bytes_; }
  std::size_t size() const noexcept { return bytes_.size(); }
  bool empty() const noexcept { return bytes_.empty(); }
  std::size_t length() const noexcept { return length_; }                        ///< code points
  bool ascii() const noexcept { return length_ == bytes_.size(); }
  const std::vector<Span>& input() const noexcept { return input_; }             ///< sorted, disjoint, not touching

  void append(std::string_view bytes, bool input = false);
  void append(const Text& text) { append(text, 0, text.size()); }
  void append(const Text& text, std::size_t begin, std::size_t end);
  void append_fill(std::string_view piece, std::size_t count);                   ///< `count` times, not input

  Text part(std::size_t begin, std::size_t end) const;
  /// Where the code point with that number begins; size() for length().
  std::size_t offset(std::size_t code_point) const;
  std::size_t code_points(std::size_t begin, std::size_t end) const;

  /// Calls f(code point, its bytes, whether it is input) for each character.
  template <typename F>
  void each(F&& f) const {
    auto span = input_.begin();
    for (std::size_t at = 0; at < bytes_.size();) {
      const std::size_t begin = at;
      const char32_t c = utf8::next(bytes_, at);
      while (span != input_.end() && span->end <= begin) ++span;
      f(c, std::string_view(bytes_).substr(begin, at - begin), span != input_.end() && span->begin <= begin);
    }
  }

  bool operator==(const Text& other) const noexcept { return bytes_ == other.bytes_; }

  /// From jinja2's escaping: the text is safe HTML (a markupsafe.Markup); concatenation escapes what is added to it.
  bool markup = false;

  static constexpr std::size_t kMaxBytes = 64u << 20;

 private:
  void reserve_more(std::size_t bytes);
  void mark(std::size_t begin, std::size_t end);

  std::string bytes_;
  std::vector<Span> input_;
  std::size_t length_ = 0;
};

/// Half-open ranges of bytes of the pieces between white space, or between line breaks, or around separators.
std::pair<std::size_t, std::size_t> stripped(const Text& text, const Text* characters, bool left, bool right);
std::vector<Span> split_lines(const Text& text, bool keep_ends);
std::vector<Span> split(const Text& text, const Text* separator, std::int64_t limit);
std::vector<Span> split_right(const Text& text, const Text* separator, std::int64_t limit);

Text upper(const Text& text);
Text lower(const Text& text);
Text title(const Text& text);        ///< str.title
Text capitalize(const Text& text);
Text swap_case(const Text& text);
Text replace(const Text& text, const Text& old, const Text& with, std::int64_t limit);
Text escape_html(const Text& text);  ///< markupsafe.escape; unchanged where it is markup
Text repr(const Text& text);         ///< Python's repr of a str
/// JSON string, as json.dumps writes it.
void append_json(Text& out, const Text& text, bool ensure_ascii);

}  // namespace lmm::chat_template
