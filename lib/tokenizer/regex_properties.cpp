#include "lib/tokenizer/regex_properties.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace lmm::tokenizer {

std::string named_characters(std::string_view name) {
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 37> kSets = {{
      {"alpha", R"(\p{Alphabetic})"},
      {"alphabetic", R"(\p{Alphabetic})"},
      {"alnum", R"(\p{Alphabetic}\p{Nd})"},
      {"digit", R"(\p{Nd})"},
      {"space", kSpaceCharacters},
      {"whitespace", kSpaceCharacters},
      {"upper", R"(\p{Uppercase})"},
      {"uppercase", R"(\p{Uppercase})"},
      {"lower", R"(\p{Lowercase})"},
      {"lowercase", R"(\p{Lowercase})"},
      {"word", kWordCharacters},
      {"xdigit", kHexDigits},
      {"blank", R"(\t\p{Zs})"},
      {"cntrl", R"(\p{Cc})"},
      {"punct", R"(\p{P}\p{S})"},
      {"any", R"(\x{0}-\x{10FFFF})"},
      {"ascii", R"(\x{0}-\x{7F})"},
      {"letter", R"(\p{L})"},
      {"mark", R"(\p{M})"},
      {"number", R"(\p{N})"},
      {"punctuation", R"(\p{P})"},
      {"symbol", R"(\p{S})"},
      {"separator", R"(\p{Z})"},
      {"other", R"(\p{C})"},
      {"uppercaseletter", R"(\p{Lu})"},
      {"lowercaseletter", R"(\p{Ll})"},
      {"titlecaseletter", R"(\p{Lt})"},
      {"modifierletter", R"(\p{Lm})"},
      {"otherletter", R"(\p{Lo})"},
      {"nonspacingmark", R"(\p{Mn})"},
      {"spacingmark", R"(\p{Mc})"},
      {"enclosingmark", R"(\p{Me})"},
      {"decimalnumber", R"(\p{Nd})"},
      {"emoji", R"(\p{Emoji})"},
      {"extendedpictographic", R"(\p{Extended_Pictographic})"},
      {"idstart", R"(\p{ID_Start})"},
      {"idcontinue", R"(\p{ID_Continue})"},
  }};
  const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  std::string key;
  for (const char c : name) {
    if (c == ' ' || c == '_' || c == '-') continue;
    if (!is_letter(c) && !(c >= '0' && c <= '9')) return {};
    key += static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
  }
  if (key.empty() || !is_letter(key[0])) return {};
  const auto known = std::find_if(kSets.begin(), kSets.end(), [&](const auto& row) { return row.first == key; });
  if (known != kSets.end()) return std::string(known->second);
  // A general category, else a script.
  if (key.size() <= 2) return fmt::format("\\p{{{}{}}}", static_cast<char>(key[0] - 32), key.substr(1));
  return fmt::format("\\p{{sc:{}}}", name);
}

}  // namespace lmm::tokenizer
