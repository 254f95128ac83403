#pragma once

#include <string>
#include <string_view>

/// Character classes and case mappings as Python's str has them.
namespace lmm::chat_template::unicode {

bool is_space(char32_t c) noexcept;        ///< str.isspace, \s of re
bool is_line_break(char32_t c) noexcept;   ///< what str.splitlines splits at
bool is_alpha(char32_t c) noexcept;
bool is_decimal(char32_t c) noexcept;
int decimal_value(char32_t c) noexcept;   ///< of a decimal digit
bool is_digit(char32_t c) noexcept;
bool is_numeric(char32_t c) noexcept;
bool is_alnum(char32_t c) noexcept;
bool is_lower(char32_t c) noexcept;
bool is_upper(char32_t c) noexcept;
bool is_title(char32_t c) noexcept;
bool is_cased(char32_t c) noexcept;
bool is_case_ignorable(char32_t c) noexcept;
bool is_printable(char32_t c) noexcept;
bool is_identifier(char32_t c) noexcept;   ///< may stand within an identifier

/// Full mappings (SpecialCasing included, language-specific rules not). Lower case leaves the final sigma to the caller.
void append_upper(std::string& out, char32_t c);
void append_title(std::string& out, char32_t c);
void append_lower(std::string& out, char32_t c);

}  // namespace lmm::chat_template::unicode
