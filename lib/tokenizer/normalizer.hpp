#pragma once

#include "lib/core/json.hpp"
#include "lib/tokenizer/text.hpp"

#include <functional>
#include <string>

namespace lmm::tokenizer {

/// Rewrites a part of the input before it is split (tokenizers/src/normalizers). Usable from many threads at once.
using Normalizer = std::function<void(Text&)>;

/// Throws Error: unsupported for one that is not implemented, bad_file for wrong options.
Normalizer parse_normalizer(const Json& json, const std::string& where, int depth = 0);

/// Each byte of UTF-8 as the printable character that byte-level vocabularies write for it.
void to_byte_level(Text& text);

}  // namespace lmm::tokenizer
