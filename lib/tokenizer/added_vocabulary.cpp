#include "lib/tokenizer/added_vocabulary.hpp"

#include "lib/core/error.hpp"
#include "lib/core/utf8.hpp"
#include "lib/tokenizer/regex.hpp"
#include "lib/tokenizer/unicode.hpp"

#include <algorithm>

namespace lmm::tokenizer {
namespace {

constexpr std::size_t kLongestToken = 1024;  // bytes; bounds the search at each place

bool is_word(char32_t c) {
  static const Regex word(R"([\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\u200C\u200D])", "added_tokens");
  std::string text;
  utf8::append(text, c);
  Regex::Finder finder(word);
  return !finder.find_all(text).empty();
}

bool is_single_word(std::string_view text, TextSpan span) {
  std::size_t after = span.end;
  if (span.begin > 0 && is_word(unicode::last_char(text.substr(0, span.begin)))) return false;
  return span.end == text.size() || !is_word(utf8::next(text, after));
}

std::size_t blanks_before(std::string_view text, std::size_t end) {
  while (end > 0) {
    const char32_t c = unicode::last_char(text.substr(0, end));
    if (!unicode::is_whitespace(c)) break;
    --end;
    while ((static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  }
  return end;
}

std::size_t blanks_after(std::string_view text, std::size_t begin) {
  for (std::size_t at = begin; at < text.size() && unicode::is_whitespace(utf8::next(text, at)); begin = at) {
  }
  return begin;
}

/// Whether [begin, end) shares a byte with one of the sorted spans.
bool overlaps(std::span<const TextSpan> spans, std::size_t begin, std::size_t end) {
  const auto it = std::partition_point(spans.begin(), spans.end(), [&](const TextSpan& s) { return s.end <= begin; });
  return it != spans.end() && it->begin < end;
}

}  // namespace

void Trie::add(std::string_view text, std::int32_t value, const std::string& where) {
  if (text.empty()) fail(ErrorCode::bad_file, "{}: the added token with id {} is normalised to nothing", where, value);
  if (text.size() > kLongestToken) {
    fail(ErrorCode::bad_file, "{}: the added token with id {} has {} bytes, expected at most {}", where, value,
         text.size(), kLongestToken);
  }
  std::size_t node = 0;
  for (const char byte : text) {
    const auto [it, fresh] = nodes_[node].next.emplace(byte, nodes_.size());
    node = it->second;
    if (fresh) nodes_.emplace_back();
  }
  if (nodes_[node].value >= 0) {
    fail(ErrorCode::bad_file, "{}: the added tokens with ids {} and {} are both written \"{}\"", where,
         nodes_[node].value, value, text);
  }
  nodes_[node].value = value;
  begins_[static_cast<unsigned char>(text[0])] = true;
}

void AddedVocabulary::add(const std::vector<AddedToken>& tokens, const Vocabulary& model) {
  auto next = static_cast<std::int32_t>(model.size());
  if (!by_id_.empty()) {
    const std::int32_t highest = by_id_.rbegin()->first;
    if (highest >= next || next == 0) next = highest + 1;
  }
  for (const AddedToken& token : tokens) {
    if (token.content.empty()) continue;
    auto id = find(token.content);
    if (!id) id = model.find(token.content);
    if (!id) id = next++;
    ids_[token.content] = *id;
    if (token.special) special_.insert(token.content);
    by_id_[*id] = token;
  }
}

void AddedVocabulary::place(std::int32_t id, const AddedToken& token) {
  ids_[token.content] = id;
  if (token.special) special_.insert(token.content);
  by_id_[id] = token;
}

void AddedVocabulary::build(const Normalizer& normalizer, const std::string& where) {
  for (const auto& [id, token] : by_id_) {
    if (token.special) special_ids_.insert(id);
    if (!token.normalized) {
      raw_trie_.add(token.content, id, where);
      continue;
    }
    Text text{token.content, false, {}};
    if (normalizer) normalizer(text);
    if (text.bytes != token.content) normalized_[id] = text.bytes;
    normalized_trie_.add(text.bytes, id, where);
  }
}

std::optional<std::int32_t> AddedVocabulary::find(std::string_view content) const {
  const auto it = ids_.find(std::string(content));
  return it == ids_.end() ? std::nullopt : std::optional(it->second);
}

const AddedToken* AddedVocabulary::token(std::int32_t id) const {
  const auto it = by_id_.find(id);
  return it == by_id_.end() ? nullptr : &it->second;
}

const std::string* AddedVocabulary::decoded(std::int32_t id) const {
  if (const auto it = normalized_.find(id); it != normalized_.end()) return &it->second;
  const AddedToken* found = token(id);
  return found == nullptr ? nullptr : &found->content;
}

template <typename Allowed>
std::vector<AddedVocabulary::Match> AddedVocabulary::find_matches(std::string_view text, const Trie& trie,
                                                                  bool skip_special, const Allowed& allowed) const {
  std::vector<Match> out;
  std::size_t done = 0;
  for (std::size_t at = 0; at < text.size() && !trie.empty();) {
    if (!trie.may_begin(text[at])) {
      ++at;
      continue;
    }
    TextSpan span{at, at};
    std::int32_t id = -1;
    trie.at(text, at, [&](std::size_t end, std::int32_t value) {
      if (!allowed(at, end)) return;
      span.end = end;
      id = value;
    });
    if (id < 0) {
      ++at;
      continue;
    }
    at = span.end;  // a match that is turned down below is not searched for shorter ones, as in the reference
    const AddedToken& token = by_id_.at(id);
    if (skip_special && special_.contains(token.content)) continue;
    if (token.single_word && !is_single_word(text, span)) continue;
    if (token.lstrip) span.begin = std::max(blanks_before(text, span.begin), done);
    if (token.rstrip) span.end = blanks_after(text, span.end);
    if (span.begin >= span.end) continue;  // blanks that the token before has taken
    if (done < span.begin) out.push_back({{done, span.begin}, {}});
    out.push_back({span, id});
    done = span.end;
  }
  if (done != text.size()) out.push_back({{done, text.size()}, {}});
  return out;
}

std::vector<AddedVocabulary::Part> AddedVocabulary::split(std::string_view input, const Normalizer& normalizer,
                                                          const Guard& guard, bool tracked) const {
  std::vector<Part> parts;
  const bool guarded = !guard.literal.empty();
  const auto raw_allowed = [&](std::size_t begin, std::size_t end) {
    return !guarded || !overlaps(guard.literal, begin, end);
  };
  for (const Match& raw : find_matches(input, raw_trie_, guard.skip_special, raw_allowed)) {
    if (raw.id) {
      parts.push_back({raw.id, {}, false});
      continue;
    }
    Text text{std::string(input.substr(raw.span.begin, raw.span.end - raw.span.begin)), tracked || guarded, {}};
    if (text.tracked) {
      for (std::size_t at = raw.span.begin; at < raw.span.end;) {
        const std::size_t begin = at;
        utf8::next(input, at);
        text.origins.insert(text.origins.end(), at - begin, {begin, at});
      }
    }
    if (normalizer) normalizer(text);
    const auto allowed = [&](std::size_t begin, std::size_t end) {
      return !guarded || std::none_of(text.origins.begin() + begin, text.origins.begin() + end,
                                      [&](const TextSpan& o) { return overlaps(guard.literal, o.begin, o.end); });
    };
    const bool literal = guarded && overlaps(guard.literal, raw.span.begin, raw.span.end);
    for (const Match& match : find_matches(text.bytes, normalized_trie_, guard.skip_special, allowed)) {
      if (match.id) {
        parts.push_back({match.id, {}, false});
        continue;
      }
      Rewrite part(text);
      part.keep(match.span.begin, match.span.end);
      parts.push_back({{}, part.take(), literal});
    }
  }
  return parts;
}

}  // namespace lmm::tokenizer
