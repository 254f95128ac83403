#pragma once

#include "lib/tokenizer/checkpoint.hpp"

#include <filesystem>

namespace lmm::tokenizer {

/// Reads tekken.json, Mistral's own format, as mistral-common's Tekkenizer does (tokens/tokenizers/tekken.py): a base64
/// vocabulary whose ranks are the order of merges, special tokens before it, a pattern that cuts words. Special tokens
/// in a text are recognised, as chat templates need it; mistral-common itself has no text with them. Throws Error:
/// not_found, io, bad_file, unsupported (another version).
Blueprint read_tekken(const std::filesystem::path& file);

}  // namespace lmm::tokenizer
