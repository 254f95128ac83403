#include "lib/models/whisper/words.hpp"

#include "lib/core/utf8.hpp"

#include <algorithm>

namespace lmm::models::whisper {
namespace {

constexpr std::string_view kPrepended = "\"'“¡¿([{-";
constexpr std::string_view kAppended = "\"'.。,，!！?？:：”)]}、";
constexpr std::string_view kPunctuation = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";
constexpr char32_t kReplacement = 0xFFFD;

/// Ids without a token have no text, as in the reference's decode.
std::string decode(const tokenizer::Tokenizer& tokenizer, std::span<const std::int32_t> tokens, bool skip_special) {
  std::vector<std::int32_t> known;
  std::copy_if(tokens.begin(), tokens.end(), std::back_inserter(known),
               [&](std::int32_t id) { return tokenizer.has_token(id); });
  return tokenizer.decode(known, skip_special);
}

std::vector<char32_t> code_points(std::string_view text) {
  std::vector<char32_t> out;
  for (std::size_t at = 0; at < text.size();) out.push_back(utf8::next(text, at));
  return out;
}

bool is_space(char32_t c) {  // str.isspace
  return (c >= 9 && c <= 13) || (c >= 0x1C && c <= 0x20) || c == 0x85 || c == 0xA0 || c == 0x1680 ||
         (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

std::string stripped(std::string_view text) {
  std::vector<char32_t> points = code_points(text);
  while (!points.empty() && is_space(points.back())) points.pop_back();
  const auto first = std::find_if_not(points.begin(), points.end(), is_space);
  std::string out;
  for (auto at = first; at != points.end(); ++at) utf8::append(out, *at);
  return out;
}

/// _split_tokens_on_unicode: pieces of whole characters.
std::vector<WordTokens> split_on_characters(const tokenizer::Tokenizer& tokenizer, std::span<const std::int32_t> tokens) {
  const std::vector<char32_t> full = code_points(decode(tokenizer, tokens, false));
  std::vector<WordTokens> words;
  std::vector<std::size_t> indices;
  std::size_t begin = 0, offset = 0;  // tokens, code points
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    indices.push_back(i);
    const std::string text = decode(tokenizer, tokens.subspan(begin, i + 1 - begin), false);
    const std::vector<char32_t> points = code_points(text);
    const auto broken = static_cast<std::size_t>(std::find(points.begin(), points.end(), kReplacement) - points.begin());
    const bool whole = broken == points.size() || offset + broken >= full.size() || full[offset + broken] == kReplacement;
    if (!whole) continue;
    words.push_back({text, std::move(indices)});
    indices.clear();
    begin = i + 1;
    offset += points.size();
  }
  return words;
}

void join(WordTokens& left, const WordTokens& right) {
  left.text += right.text;
  left.tokens.insert(left.tokens.end(), right.tokens.begin(), right.tokens.end());
}

/// _split_tokens_on_spaces.
std::vector<WordTokens> split_on_spaces(const tokenizer::Tokenizer& tokenizer, std::span<const std::int32_t> tokens,
                                        std::int32_t end) {
  std::vector<WordTokens> words;
  for (WordTokens& piece : split_on_characters(tokenizer, tokens)) {
    const bool special = tokens[piece.tokens.front()] >= end;
    const bool punctuation = kPunctuation.find(stripped(piece.text)) != std::string_view::npos;
    if (special || piece.text.starts_with(' ') || punctuation || words.empty()) {
      words.push_back(std::move(piece));
    } else {
      join(words.back(), piece);
    }
  }
  return words;
}

/// _merge_punctuations; what it empties is taken out.
void merge_punctuation(std::vector<WordTokens>& words) {
  if (words.empty()) return;
  for (std::size_t j = words.size() - 1, i = j; i-- > 0;) {
    if (words[i].text.starts_with(' ') && kPrepended.find(stripped(words[i].text)) != std::string_view::npos) {
      join(words[i], words[j]);
      std::swap(words[i], words[j]);
      words[i] = {};
    } else {
      j = i;
    }
  }
  for (std::size_t i = 0, j = 1; j < words.size(); ++j) {
    if (!words[i].text.ends_with(' ') && kAppended.find(words[j].text) != std::string_view::npos) {
      join(words[i], words[j]);
      words[j] = {};
    } else {
      i = j;
    }
  }
  std::erase_if(words, [](const WordTokens& word) { return word.text.empty(); });
}

}  // namespace

std::vector<WordTokens> words_of(const tokenizer::Tokenizer& tokenizer, std::span<const std::int32_t> tokens, bool spaced,
                                 std::int32_t end) {
  std::vector<WordTokens> words =
      spaced ? split_on_spaces(tokenizer, tokens, end) : split_on_characters(tokenizer, tokens);
  merge_punctuation(words);
  return words;
}

bool blank(std::string_view text) {
  const std::vector<char32_t> points = code_points(text);
  return std::all_of(points.begin(), points.end(), is_space);
}

std::string text_of(const tokenizer::Tokenizer& tokenizer, std::span<const std::int32_t> tokens) {
  const std::string text = decode(tokenizer, tokens, true);
  // Time stamps that the tokenizer knows are no special tokens: re.sub(r"<\|(\d+\.\d+)\|>", "", text).
  const auto digits = [&](std::size_t at) {
    while (at < text.size() && text[at] >= '0' && text[at] <= '9') ++at;
    return at;
  };
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    if (text.compare(at, 2, "<|") == 0) {
      const std::size_t dot = digits(at + 2);
      const bool whole = dot > at + 2 && dot < text.size() && text[dot] == '.';
      const std::size_t last = whole ? digits(dot + 1) : 0;
      if (whole && last > dot + 1 && text.compare(last, 2, "|>") == 0) {
        at = last + 2;
        continue;
      }
    }
    out += text[at++];
  }
  return out;
}

}  // namespace lmm::models::whisper
