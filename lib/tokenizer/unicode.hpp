#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace lmm::tokenizer::unicode {

// Character classes as the reference's pre-tokenisers and normalisers see them.
bool is_whitespace(char32_t c);       ///< White_Space (Rust char::is_whitespace)
bool is_numeric(char32_t c);          ///< general category N (Rust char::is_numeric)
bool is_punctuation(char32_t c);      ///< ASCII punctuation, or P in the crate unicode_categories
bool is_combining_mark(char32_t c);   ///< as the normaliser StripAccents removes it
bool is_nonspacing_mark(char32_t c);  ///< general category Mn
bool is_other(char32_t c);            ///< control, format or private use: general category C without what is unassigned
char32_t to_lower(char32_t c);        ///< simple lower case; U+0130 is the caller's

/// The code point before text[end]; text is well-formed and end > 0.
char32_t last_char(std::string_view text);

enum class Form { nfc, nfd, nfkc, nfkd };

/// First byte at or after `at`, on a character boundary, where a chunk ends that can be normalised on its own; and
/// whether that chunk may change at all.
struct Chunk {
  std::size_t end;
  bool may_change;
};
Chunk next_chunk(std::string_view text, std::size_t at, Form form);

/// Normal form of a chunk, as the crate unicode-normalization-alignments makes it.
std::string normalize(std::string_view chunk, Form form);

/// The text with code points that PCRE2's tables may not know yet replaced by older ones of the same category and
/// length, so that a regular expression finds the same offsets. Gives `text` itself where nothing has to be replaced,
/// else `storage`.
std::string_view with_known_code_points(std::string_view text, std::string& storage);

}  // namespace lmm::tokenizer::unicode
