#pragma once

#include <string>
#include <string_view>

// Sets of characters as Oniguruma has them, written as the inside of a PCRE2 class.
namespace lmm::tokenizer {

/// \w, with the Latin-1 numbers that Oniguruma's table has besides.
inline constexpr std::string_view kWordCharacters = R"(\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\x{B2}\x{B3}\x{B9}\x{BC}-\x{BE})";
inline constexpr std::string_view kSpaceCharacters = R"(\p{White_Space})";
inline constexpr std::string_view kDecimalDigits = R"(\p{Nd})";
inline constexpr std::string_view kHexDigits = "0-9A-Fa-f";

/// The set of \p{name} or [:name:]; empty where the name is malformed. Whether there is a script of an unknown name is
/// left to PCRE2.
std::string named_characters(std::string_view name);

}  // namespace lmm::tokenizer
