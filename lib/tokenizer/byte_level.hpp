#pragma once

#include <optional>
#include <string_view>

namespace lmm::tokenizer {

/// The printable character that GPT-2's byte-level vocabularies write for a byte (encoder.py, bytes_to_unicode).
std::string_view byte_level_character(unsigned char byte);

/// The byte that a character stands for, if any.
std::optional<unsigned char> byte_level_byte(char32_t character);

}  // namespace lmm::tokenizer
