#pragma once

#include "lib/core/json.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace lmm::tokenizer {

/// Puts special tokens around the ids of one text (tokenizers/src/processors). Usable from many threads at once.
using PostProcessor = std::function<void(std::vector<std::int32_t>& ids, bool add_special_tokens)>;

/// Whether an id names a token.
using KnownId = std::function<bool(std::int32_t)>;

/// Throws Error: unsupported for one that is not implemented, bad_file for wrong options or ids without token.
PostProcessor parse_post_processor(const Json& json, const std::string& where, const KnownId& known, int depth = 0);

}  // namespace lmm::tokenizer
