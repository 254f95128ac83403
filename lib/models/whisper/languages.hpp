#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace lmm::models::whisper {

/// The code of a language by its code or English name, in any case; nothing for one that Whisper was not made for.
std::optional<std::string> language_code(std::string_view language);

/// Whether its words are not set apart by spaces.
bool written_without_spaces(std::string_view code);

}  // namespace lmm::models::whisper
