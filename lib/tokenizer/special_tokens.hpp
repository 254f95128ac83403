#pragma once

#include "lib/core/json.hpp"
#include "lib/tokenizer/added_vocabulary.hpp"
#include "lib/tokenizer/auto_class.hpp"
#include "lib/tokenizer/checkpoint.hpp"

#include <filesystem>
#include <vector>

namespace lmm::tokenizer {

/// {"content": ..., flags}; the reference's defaults for flags that are absent. Throws Error bad_file.
AddedToken parse_added_token(const Json& json, const std::string& where);

/// Adds to `blueprint` what the tokenizer's files say about added and special tokens, in the reference's order
/// (tokenization_utils_base.py _from_pretrained and __init__, tokenization_utils_tokenizers.py __init__).
/// config: tokenizer_config.json, an empty object where there is none. json_tokens: the added tokens of tokenizer.json
/// with their ids. padding: its section, null for none. parts: nullptr where tokenizer.json is used as it stands.
void resolve_special_tokens(const std::filesystem::path& folder, const Json& config, bool has_tokenizer_json,
                            const std::vector<std::pair<std::int64_t, AddedToken>>& json_tokens, const Json& padding,
                            const ClassParts* parts, Blueprint& blueprint);

}  // namespace lmm::tokenizer
