#include "lib/tokenizer/pre_tokenizer.hpp"

#include "lib/tokenizer/byte_level.hpp"
#include "lib/tokenizer/component.hpp"
#include "lib/tokenizer/unicode.hpp"

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

namespace lmm::tokenizer {
namespace {

/// A stretch of a piece, and whether it matched the delimiter. Stretches cover the piece.
struct Stretch {
  TextSpan span;
  bool match;
};
using Stretches = std::vector<Stretch>;

enum class Behavior { removed, isolated, merged_with_previous, merged_with_next, contiguous };

Behavior parse_behavior(const Fields& fields, Behavior otherwise) {
  const std::string name = fields.string("behavior", "");
  if (name.empty() && !fields.has("behavior")) return otherwise;
  if (name == "Removed") return Behavior::removed;
  if (name == "Isolated") return Behavior::isolated;
  if (name == "MergedWithPrevious") return Behavior::merged_with_previous;
  if (name == "MergedWithNext") return Behavior::merged_with_next;
  if (name == "Contiguous") return Behavior::contiguous;
  fields.wrong("behavior", "Removed, Isolated, MergedWithPrevious, MergedWithNext or Contiguous");
}

/// NormalizedString::split of the reference: which stretches become pieces, some of them joined.
void arrange(Stretches& stretches, Behavior behavior) {
  Stretches out;
  bool previous = false;
  switch (behavior) {
    case Behavior::isolated:
      return;
    case Behavior::removed:
      std::erase_if(stretches, [](const Stretch& s) { return s.match; });
      return;
    case Behavior::contiguous:
    case Behavior::merged_with_previous:
      for (const Stretch& s : stretches) {
        const bool joins = behavior == Behavior::contiguous ? s.match == previous : s.match && !previous;
        if (joins && !out.empty())
          out.back().span.end = s.span.end;
        else
          out.push_back(s);
        previous = s.match;
      }
      break;
    case Behavior::merged_with_next:
      for (auto s = stretches.rbegin(); s != stretches.rend(); ++s) {
        if (s->match && !previous && !out.empty())
          out.back().span.begin = s->span.begin;
        else
          out.push_back(*s);
        previous = s->match;
      }
      std::reverse(out.begin(), out.end());
      break;
  }
  stretches = std::move(out);
}

/// Splits every piece by what `find` (piece, stretches) sees in it.
template <typename Find>
void split(Pieces& pieces, Behavior behavior, const Find& find) {
  std::vector<TextSpan> out;
  out.reserve(pieces.spans.size());
  Stretches stretches;
  for (const TextSpan span : pieces.spans) {
    stretches.clear();
    find(pieces.piece(span), stretches);
    arrange(stretches, behavior);
    for (const Stretch& s : stretches) {
      if (s.span.end > s.span.begin) out.push_back({span.begin + s.span.begin, span.begin + s.span.end});
    }
  }
  pieces.spans = std::move(out);
}

template <typename Is>
PreTokenizer split_characters(Is is_delimiter, Behavior behavior) {
  return {[is_delimiter, behavior](Pieces& pieces) {
    split(pieces, behavior, [&](std::string_view piece, Stretches& out) {
      std::size_t done = 0;
      for (std::size_t at = 0; at < piece.size();) {
        const std::size_t begin = at;
        if (!is_delimiter(utf8::next(piece, at))) continue;
        if (done < begin) out.push_back({{done, begin}, false});
        out.push_back({{begin, at}, true});
        done = at;
      }
      if (done < piece.size()) out.push_back({{done, piece.size()}, false});
    });
  }};
}

PreTokenizer split_regex(Regex regex, Behavior behavior, bool invert) {
  return {[regex = std::move(regex), behavior, invert](Pieces& pieces) {
    Regex::Finder finder(regex);
    split(pieces, behavior, [&](std::string_view piece, Stretches& out) {
      std::size_t done = 0;
      for (const TextSpan match : finder.find_all(piece)) {
        if (done != match.begin) out.push_back({{done, match.begin}, invert});
        out.push_back({match, !invert});
        done = match.end;
      }
      if (done != piece.size()) out.push_back({{done, piece.size()}, invert});
    });
  }};
}

/// Rewrites every piece on its own: `write` (piece, its span, the new text).
template <typename Write>
void rewrite(Pieces& pieces, const Write& write) {
  Rewrite out(pieces.text);
  for (TextSpan& span : pieces.spans) {
    const std::size_t begin = out.size();
    write(pieces.piece(span), span, out);
    span = {begin, out.size()};
  }
  pieces.text = out.take();
}

PreTokenizer byte_level(const Fields& fields) {
  const bool prefix = fields.boolean("add_prefix_space", true);
  PreTokenizer words;
  if (fields.boolean("use_regex", true)) {
    words = split_regex(
        Regex(R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)", fields.where()),
        Behavior::isolated, false);
  }
  return {[prefix, words](Pieces& pieces) {
    if (prefix) {
      rewrite(pieces, [](std::string_view piece, TextSpan span, Rewrite& out) {
        if (piece[0] != ' ') out.put(" ", span.begin, span.begin + 1);
        out.keep(span.begin, span.end);
      });
    }
    if (words.apply) words.apply(pieces);
    rewrite(pieces, [](std::string_view piece, TextSpan span, Rewrite& out) {
      for (std::size_t i = 0; i < piece.size(); ++i) {
        out.put(byte_level_character(static_cast<unsigned char>(piece[i])), span.begin + i, span.begin + i + 1);
      }
    });
  }};
}

enum class Prepend { always, first, never };

Prepend parse_prepend_scheme(const Fields& fields) {
  const std::string name = fields.string("prepend_scheme", "always");
  Prepend scheme = Prepend::always;
  if (name == "first")
    scheme = Prepend::first;
  else if (name == "never")
    scheme = Prepend::never;
  else if (name != "always")
    fields.wrong("prepend_scheme", "always, first or never");
  if (!fields.boolean("add_prefix_space", true) && scheme != Prepend::never) {
    fail(ErrorCode::bad_file, "{}: add_prefix_space is false, but prepend_scheme is {}, expected never", fields.where(),
         name);
  }
  return scheme;
}

PreTokenizer metaspace(const Fields& fields) {
  std::string mark;
  const char32_t replacement = character(fields, "replacement");
  utf8::append(mark, replacement);
  const Prepend scheme = parse_prepend_scheme(fields);
  PreTokenizer words;
  if (fields.boolean("split", true)) {
    words = split_characters([replacement](char32_t c) { return c == replacement; }, Behavior::merged_with_next);
  }
  return {[mark, scheme, words](Pieces& pieces) {
            rewrite(pieces, [&](std::string_view piece, TextSpan span, Rewrite& out) {
              const bool marked = piece[0] == ' ' || piece.substr(0, mark.size()) == mark;
              const bool wanted =
                  scheme == Prepend::always || (scheme == Prepend::first && pieces.text.origins[span.begin].begin == 0);
              if (wanted && !marked) {
                std::size_t first = 0;
                utf8::next(piece, first);
                out.put(mark, span.begin, span.begin + first);
              }
              for (std::size_t at = 0; at < piece.size();) {
                const std::size_t blank = std::min(piece.find(' ', at), piece.size());
                out.keep(span.begin + at, span.begin + blank);
                if (blank < piece.size()) out.put(mark, span.begin + blank, span.begin + blank + 1);
                at = blank + 1;
              }
            });
            if (words.apply) words.apply(pieces);
          },
          scheme == Prepend::first};
}

PreTokenizer fixed_length(const Fields& fields) {
  const auto length = fields.integer_in("length", 1, 1 << 30, 5);
  return {[length](Pieces& pieces) {
    split(pieces, Behavior::isolated, [&](std::string_view piece, Stretches& out) {
      std::size_t begin = 0;
      std::int64_t count = 0;
      for (std::size_t at = 0; at < piece.size();) {
        utf8::next(piece, at);
        if (++count < length && at < piece.size()) continue;
        out.push_back({{begin, at}, false});
        begin = at;
        count = 0;
      }
    });
  }};
}

PreTokenizer sequence(std::vector<PreTokenizer> parts) {
  const bool needs_origins =
      std::any_of(parts.begin(), parts.end(), [](const PreTokenizer& part) { return part.needs_origins; });
  return {[parts = std::move(parts)](Pieces& pieces) {
            for (const PreTokenizer& part : parts) part.apply(pieces);
          },
          needs_origins};
}

}  // namespace

PreTokenizer parse_pre_tokenizer(const Json& json, const std::string& where, int depth) {
  const Fields fields(json, where);
  const std::string type = fields.string("type");
  if (type == "Sequence") {
    std::vector<PreTokenizer> parts;
    for_each_component(fields, "pretokenizers", depth, [&](const Json& part, const std::string& part_where) {
      parts.push_back(parse_pre_tokenizer(part, part_where, depth + 1));
    });
    return sequence(std::move(parts));
  }
  if (type == "ByteLevel") return byte_level(fields);
  if (type == "Split") {
    return split_regex(parse_pattern(fields, "pattern"), parse_behavior(fields, Behavior::isolated),
                       fields.boolean("invert", false));
  }
  if (type == "Digits") {
    return split_characters(unicode::is_numeric,
                            fields.boolean("individual_digits", false) ? Behavior::isolated : Behavior::contiguous);
  }
  if (type == "Punctuation")
    return split_characters(unicode::is_punctuation, parse_behavior(fields, Behavior::isolated));
  if (type == "Whitespace") {  // the words of Rust's regex crate, whose \w has joiners besides
    return split_regex(
        Regex(R"([\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\u200C\u200D]+|[^\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\u200C\u200D\s]+)",
              fields.where()),
        Behavior::removed, true);
  }
  if (type == "WhitespaceSplit") return split_characters(unicode::is_whitespace, Behavior::removed);
  if (type == "BertPreTokenizer") {
    return sequence({split_characters(unicode::is_whitespace, Behavior::removed),
                     split_characters(unicode::is_punctuation, Behavior::isolated)});
  }
  if (type == "Metaspace") return metaspace(fields);
  if (type == "CharDelimiterSplit") {
    const char32_t delimiter = character(fields, "delimiter");
    return split_characters([delimiter](char32_t c) { return c == delimiter; }, Behavior::removed);
  }
  if (type == "FixedLength") return fixed_length(fields);
  unknown_component(fields, "pre-tokenizer");
}

}  // namespace lmm::tokenizer
