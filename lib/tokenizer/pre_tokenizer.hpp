#pragma once

#include "lib/core/json.hpp"
#include "lib/tokenizer/text.hpp"

#include <functional>
#include <string>

namespace lmm::tokenizer {

/// Splits the pieces further, and may rewrite their text (tokenizers/src/pre_tokenizers). Usable from many threads.
struct PreTokenizer {
  std::function<void(Pieces&)> apply;
  bool needs_origins = false;  ///< asks where in the input a piece begins (Metaspace with prepend_scheme "first")
};

/// Throws Error: unsupported for one that is not implemented, bad_file for wrong options.
PreTokenizer parse_pre_tokenizer(const Json& json, const std::string& where, int depth = 0);

}  // namespace lmm::tokenizer
