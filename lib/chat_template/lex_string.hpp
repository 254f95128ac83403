#pragma once

#include "lib/chat_template/lexer.hpp"

namespace lmm::chat_template {

/// The escapes of a string literal resolved as Python's unicode-escape codec does; `\N{...}` is refused.
/// Surrogates become U+FFFD. Error bad_template.
std::string unescape(std::string_view body, std::string_view where, Place place);

}  // namespace lmm::chat_template
