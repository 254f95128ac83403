#include "lib/chat_template/lexer.hpp"

#include "lib/chat_template/lex_string.hpp"
#include "lib/chat_template/unicode.hpp"
#include "lib/core/utf8.hpp"

#include <array>
#include <charconv>
#include <cmath>

namespace lmm::chat_template {
namespace {

using Kind = Token::Kind;

/// Line ends become \n, and one at the very end is dropped.
std::string normalized(std::string_view source) {
  std::string text;
  text.reserve(source.size());
  for (std::size_t i = 0; i < source.size(); ++i) {
    if (source[i] == '\r') {
      text += '\n';
      if (i + 1 < source.size() && source[i + 1] == '\n') ++i;
    } else {
      text += source[i];
    }
  }
  if (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

class Lexer {
 public:
  Lexer(std::string_view source, std::string_view where) : text_(normalized(source)), where_(where) {
    if (!utf8::valid(text_)) syntax_error(where_, {}, "not valid UTF-8");
  }

  std::vector<Token> run() {
    while (at_ < text_.size()) data();
    add(Kind::end, at_, {});
    return std::move(tokens_);
  }

 private:
  Place place(std::size_t offset) {
    for (; counted_ < offset; ++counted_) {
      if (text_[counted_] == '\n') {
        ++line_;
        line_begin_ = counted_ + 1;
      }
    }
    return {line_, static_cast<int>(offset - line_begin_) + 1};
  }

  Token& add(Kind kind, std::size_t offset, std::string text) {
    tokens_.push_back({kind, std::move(text), place(offset), 0, 0});
    return tokens_.back();
  }

  bool follows(std::size_t at, std::string_view piece) const { return text_.compare(at, piece.size(), piece) == 0; }

  std::size_t skip_space(std::size_t at) const {
    while (at < text_.size()) {
      std::size_t next = at;
      if (!unicode::is_space(utf8::next(text_, next))) break;
      at = next;
    }
    return at;
  }

  /// The end of `+%}`, `-%}` with the space after it, or `%}` with one line break: npos where none stands at `at`.
  std::size_t closing(std::size_t at, std::string_view mark, bool plus, bool trims) const {
    if (plus && follows(at, "+") && follows(at + 1, mark)) return at + 3;
    if (follows(at, "-") && follows(at + 1, mark)) return skip_space(at + 3);
    if (!follows(at, mark)) return std::string::npos;
    return at + 2 + (trims && follows(at + 2, "\n") ? 1 : 0);
  }

  /// `{%`, a sign, white space and `word`: where it ends, or npos.
  std::size_t directive(std::size_t at, std::string_view word) const {
    at += 2;
    if (follows(at, "-") || follows(at, "+")) ++at;
    at = skip_space(at);
    if (!follows(at, word)) return std::string::npos;
    return skip_space(at + word.size());
  }

  /// Text before a tag at `end` whose sign is `sign`, with the white space taken off that the tag eats.
  void emit_data(std::size_t begin, std::size_t end, char sign, bool variable) {
    std::size_t stop = end;
    if (sign == '-') {
      stop = last_solid(begin, end);
    } else if (sign != '+' && !variable) {
      const std::size_t newline = end > begin ? text_.rfind('\n', end - 1) : std::string::npos;
      const bool in_text = newline != std::string::npos && newline >= begin;
      const std::size_t line = in_text ? newline + 1 : begin;
      const bool line_starts = in_text || begin == 0 || text_[begin - 1] == '\n';
      if (line_starts && skip_space(line) >= end) stop = line;
    }
    if (stop > begin) add(Kind::data, begin, text_.substr(begin, stop - begin));
  }

  /// Behind the last character of [begin, end) that is no space.
  std::size_t last_solid(std::size_t begin, std::size_t end) const {
    std::size_t solid = begin;
    for (std::size_t at = begin; at < end;) {
      if (!unicode::is_space(utf8::next(text_, at))) solid = at;
    }
    return solid;
  }

  void data() {
    const std::size_t begin = at_;
    std::size_t open = begin;
    for (;; ++open) {
      open = text_.find('{', open);
      if (open == std::string::npos) {
        add(Kind::data, begin, text_.substr(begin));
        at_ = text_.size();
        return;
      }
      if (follows(open + 1, "{") || follows(open + 1, "%") || follows(open + 1, "#")) break;
    }
    const char sign = follows(open + 2, "-") ? '-' : follows(open + 2, "+") ? '+' : ' ';
    const char kind = text_[open + 1];
    emit_data(begin, open, sign, kind == '{');
    at_ = open + (sign == ' ' ? 2 : 3);
    if (kind == '#') {
      comment(open);
    } else if (kind == '{') {
      add(Kind::variable_begin, open, "{{");
      tag(Kind::variable_end, open);
    } else if (!raw(open)) {
      add(Kind::block_begin, open, "{%");
      tag(Kind::block_end, open);
    }
  }

  void comment(std::size_t open) {
    if (at_ == text_.size()) return;  // as jinja2: not closed, but nothing follows
    const std::size_t end = text_.find("#}", at_);
    if (end == std::string::npos) syntax_error(where_, place(open), "missing end of comment tag");
    const bool signed_end = end > at_ && (text_[end - 1] == '-' || text_[end - 1] == '+');
    at_ = closing(signed_end ? end - 1 : end, "#}", true, true);
  }

  bool raw(std::size_t open) {
    std::size_t begin = directive(open, "raw");
    if (begin == std::string::npos) return false;
    begin = closing(begin, "%}", false, false);
    if (begin == std::string::npos) return false;
    at_ = begin;
    if (begin == text_.size()) return true;  // as jinja2: what is not closed is an error only where something follows
    for (std::size_t at = text_.find("{%", begin); at != std::string::npos; at = text_.find("{%", at + 1)) {
      const std::size_t word_end = directive(at, "endraw");
      if (word_end == std::string::npos) continue;
      const std::size_t end = closing(word_end, "%}", true, true);
      if (end == std::string::npos) continue;
      emit_data(begin, at, text_[at + 2], false);
      at_ = end;
      return true;
    }
    syntax_error(where_, place(open), "missing end of raw directive");
  }

  void tag(Kind end_kind, std::size_t open) {
    const bool variable = end_kind == Kind::variable_end;
    std::string expected;  // closing brackets
    while (at_ < text_.size()) {
      if (expected.empty()) {
        const std::size_t end = closing(at_, variable ? "}}" : "%}", !variable, !variable);
        if (end != std::string::npos) {
          add(end_kind, at_, variable ? "}}" : "%}");
          at_ = end;
          return;
        }
      }
      const std::size_t after = skip_space(at_);
      if (after != at_) {
        at_ = after;
      } else if (!number() && !name() && !string()) {
        operation(expected);
      }
    }
    syntax_error(where_, place(open), "the tag opened here is not closed");
  }

  std::size_t digits(std::size_t at) const {
    const auto digit = [&](std::size_t i) { return i < text_.size() && text_[i] >= '0' && text_[i] <= '9'; };
    if (!digit(at)) return at;
    while (digit(at) || (follows(at, "_") && digit(at + 1))) ++at;
    return at;
  }

  bool number() {
    const std::size_t whole = digits(at_);
    if (whole == at_) return false;
    std::size_t end = whole;
    if (follows(whole, ".") && digits(whole + 1) != whole + 1) end = digits(whole + 1);
    if (end < text_.size() && (text_[end] == 'e' || text_[end] == 'E')) {
      const std::size_t sign = follows(end + 1, "+") || follows(end + 1, "-") ? end + 2 : end + 1;
      if (digits(sign) != sign) end = digits(sign);
    }
    if (end != whole && (at_ == 0 || text_[at_ - 1] != '.')) {
      std::string plain;
      for (const char c : text_.substr(at_, end - at_)) {
        if (c != '_') plain += c;
      }
      double value = 0;
      const auto result = std::from_chars(plain.data(), plain.data() + plain.size(), value);
      if (result.ec == std::errc::result_out_of_range) value = plain.find('-') == std::string::npos ? HUGE_VAL : 0.0;
      add(Kind::number, at_, plain).number = value;
      at_ = end;
    } else {
      integer();
    }
    return true;
  }

  void integer() {
    static constexpr std::array<std::pair<std::string_view, int>, 3> kBases = {{{"0b", 2}, {"0o", 8}, {"0x", 16}}};
    int base = 10;
    std::size_t end = at_;
    std::string plain;
    const auto take = [&](auto accepts) {
      for (std::size_t i = end; i < text_.size();) {
        const std::size_t digit = i + (text_[i] == '_' ? 1 : 0);
        if (digit >= text_.size() || !accepts(text_[digit])) break;
        plain += text_[digit];
        i = end = digit + 1;
      }
    };
    const auto value_of = [](char c) { return c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : 99; };
    for (const auto& [prefix, prefix_base] : kBases) {
      if (text_[at_] != '0' || at_ + 1 >= text_.size() || (text_[at_ + 1] | 32) != prefix[1]) continue;
      end = at_ + 2;
      take([&, limit = prefix_base](char c) { return value_of(c) < limit; });
      base = prefix_base;
      if (!plain.empty()) break;
      base = 10;
      end = at_;
    }
    if (plain.empty() && text_[at_] == '0') take([](char c) { return c == '0'; });
    if (plain.empty()) take([](char c) { return c >= '0' && c <= '9'; });
    std::int64_t value = 0;
    if (std::from_chars(plain.data(), plain.data() + plain.size(), value, base).ec != std::errc{}) {
      syntax_error(where_, place(at_), "the integer {} does not fit into 64 bits", plain);
    }
    add(Kind::integer, at_, plain).integer = value;
    at_ = end;
  }

  bool name() {
    std::size_t end = at_;
    while (end < text_.size()) {
      std::size_t next = end;
      const char32_t c = utf8::next(text_, next);
      if (!unicode::is_identifier(c)) break;
      end = next;
    }
    if (end == at_) return false;
    add(Kind::name, at_, text_.substr(at_, end - at_));
    at_ = end;
    return true;
  }

  bool string() {
    const char quote = text_[at_];
    if (quote != '"' && quote != '\'') return false;
    std::size_t end = at_ + 1;
    while (end < text_.size() && text_[end] != quote) end += text_[end] == '\\' ? 2 : 1;
    if (end >= text_.size()) syntax_error(where_, place(at_), "the string that begins here is not closed");
    const Place begin = place(at_);
    add(Kind::string, at_, unescape(std::string_view(text_).substr(at_ + 1, end - at_ - 1), where_, begin));
    at_ = end + 1;
    return true;
  }

  void operation(std::string& expected) {
    static constexpr std::array<std::string_view, 26> kOperators = {"//", "**", "==", "!=", ">=", "<=", "+", "-", "/",
                                                                    "*",  "%",  "~",  "[",  "]",  "(",  ")", "{", "}",
                                                                    ">",  "<",  "=",  ".",  ":",  "|",  ",", ";"};
    for (const std::string_view op : kOperators) {
      if (!follows(at_, op)) continue;
      if (op == "(" || op == "[" || op == "{") {
        expected += op == "(" ? ')' : op == "[" ? ']' : '}';
      } else if (op == ")" || op == "]" || op == "}") {
        if (expected.empty()) syntax_error(where_, place(at_), "unexpected '{}'", op);
        if (expected.back() != op[0]) syntax_error(where_, place(at_), "unexpected '{}', expected '{}'", op, expected.back());
        expected.pop_back();
      }
      add(Kind::op, at_, std::string(op));
      at_ += op.size();
      return;
    }
    std::size_t end = at_;
    utf8::next(text_, end);
    syntax_error(where_, place(at_), "unexpected character '{}'", text_.substr(at_, end - at_));
  }

  std::string text_;
  std::string_view where_;
  std::vector<Token> tokens_;
  std::size_t at_ = 0;
  std::size_t counted_ = 0;     ///< lines are counted up to here
  std::size_t line_begin_ = 0;
  int line_ = 1;
};

}  // namespace

std::string Token::described() const {
  switch (kind) {
    case Kind::data: return "template text";
    case Kind::variable_begin: return "begin of print statement";
    case Kind::variable_end: return "end of print statement";
    case Kind::block_begin: return "begin of statement block";
    case Kind::block_end: return "end of statement block";
    case Kind::end: return "end of template";
    case Kind::string: return "string";
    case Kind::integer: return "integer";
    case Kind::number: return "float";
    default: return text;
  }
}

std::vector<Token> tokenize(std::string_view source, std::string_view where) { return Lexer(source, where).run(); }

}  // namespace lmm::chat_template
