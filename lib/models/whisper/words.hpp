#pragma once

#include "lib/tokenizer/tokenizer.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace lmm::models::whisper {

/// A word and which of the tokens it is made of.
struct WordTokens {
  std::string text;
  std::vector<std::size_t> tokens;
};

/// The words of some tokens (no time stamps among them), punctuation with the word it belongs to:
/// _combine_tokens_into_words of transformers' tokenization_whisper.py. `spaced`: words begin at spaces, else at each
/// character. Tokens from `end` on are words of their own.
std::vector<WordTokens> words_of(const tokenizer::Tokenizer& tokenizer, std::span<const std::int32_t> tokens, bool spaced,
                                 std::int32_t end);

/// Whether a text is white space alone (str.isspace, or nothing).
bool blank(std::string_view text);

/// The text of some tokens: special ones and time stamps left out (WhisperTokenizer.decode).
std::string text_of(const tokenizer::Tokenizer& tokenizer, std::span<const std::int32_t> tokens);

}  // namespace lmm::models::whisper
