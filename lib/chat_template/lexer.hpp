#pragma once

#include "lib/core/error.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lmm::chat_template {

/// Line and column (in bytes) of a template's text, from 1.
struct Place {
  int line = 1;
  int column = 1;
};

template <typename... Args>
[[noreturn]] void syntax_error(std::string_view where, Place place, fmt::format_string<Args...> format, Args&&... args) {
  fail(ErrorCode::bad_template, "{}: line {}, column {}: {}", where, place.line, place.column,
       fmt::format(format, std::forward<Args>(args)...));
}

struct Token {
  enum class Kind { data, variable_begin, variable_end, block_begin, block_end, name, string, integer, number, op, end };
  Kind kind = Kind::end;
  std::string text;           ///< data, a name, a string unescaped, an operator
  Place place;
  std::int64_t integer = 0;
  double number = 0;

  bool is_op(std::string_view op) const { return kind == Kind::op && text == op; }
  bool is_name(std::string_view name) const { return kind == Kind::name && text == name; }
  std::string described() const;  ///< for errors
};

/// The tokens of a template, an `end` last, as jinja2.lexer finds them with trim_blocks and lstrip_blocks on.
/// Error bad_template.
std::vector<Token> tokenize(std::string_view source, std::string_view where);

}  // namespace lmm::chat_template
