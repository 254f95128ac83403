#pragma once

#include "lib/core/error.hpp"
#include "lib/core/json.hpp"
#include "lib/core/utf8.hpp"
#include "lib/tokenizer/regex.hpp"

#include <string>
#include <string_view>

// How the parts of tokenizer.json are read: {"type": ..., options}.
namespace lmm::tokenizer {

constexpr int kMaxComponentDepth = 8;  // of sequences within sequences

/// Applies `visit` to each entry of the list `name`, with what errors begin with.
template <typename Visit>
void for_each_component(const Fields& fields, std::string_view name, int depth, const Visit& visit) {
  const Json& list = fields.at(name);
  if (!list.is_array()) fields.wrong(name, "a list");
  if (depth >= kMaxComponentDepth) {
    fail(ErrorCode::unsupported, "{}: sequences nested deeper than {}", fields.where(), kMaxComponentDepth);
  }
  for (std::size_t i = 0; i < list.size(); ++i) visit(list[i], fmt::format("{}[{}]", fields.where(), i));
}

/// Error unsupported that names a component which is not implemented, and its file.
[[noreturn]] inline void unknown_component(const Fields& fields, std::string_view kind) {
  fail(ErrorCode::unsupported, "{}: the {} \"{}\" is not supported", fields.where(), kind, fields.string("type"));
}

/// The one character that option `name` holds.
inline char32_t character(const Fields& fields, std::string_view name) {
  const std::string text = fields.string(name);
  std::size_t at = 0;
  const char32_t c = text.empty() ? 0 : utf8::next(text, at);
  if (text.empty() || at != text.size()) fields.wrong(name, "one character");
  return c;
}

/// {"String": ...} or {"Regex": ...}.
Regex parse_pattern(const Fields& fields, std::string_view name);

}  // namespace lmm::tokenizer
