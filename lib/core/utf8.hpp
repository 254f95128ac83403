#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace lmm::utf8 {

/// Appends a code point; surrogates and values above U+10FFFF become U+FFFD.
void append(std::string& out, char32_t code_point);

/// Decodes one code point at text[at] and advances `at`. An ill-formed sequence gives U+FFFD and skips its maximal
/// well-formed prefix, as the Unicode standard (and Python's errors="replace") does.
char32_t next(std::string_view text, std::size_t& at);

/// Ill-formed parts replaced by U+FFFD; text that is well-formed comes back unchanged.
std::string sanitize(std::string_view text);

bool valid(std::string_view text);

/// Length of the longest prefix that does not end within a multi-byte sequence; what follows may still become a
/// character. Ill-formed bytes count as complete.
std::size_t complete_prefix(std::string_view text);

}  // namespace lmm::utf8
