#pragma once

#include "lib/tokenizer/text.hpp"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace lmm::tokenizer {

/// An Oniguruma regular expression (Ruby syntax, as the `tokenizers` package compiles it) in PCRE2's spelling.
/// Throws Error: bad_file (malformed), unsupported (a construct without counterpart). `where` begins the message.
std::string pcre2_from_oniguruma(std::string_view pattern, std::string_view where);

/// A compiled regular expression. Immutable; any number of threads may search with it.
class Regex {
 public:
  /// From Oniguruma's syntax. Throws as pcre2_from_oniguruma, and bad_file where PCRE2 does not compile it.
  Regex(std::string_view oniguruma, std::string where);

  /// Searches with one expression; holds scratch memory. For one thread.
  class Finder {
   public:
    explicit Finder(const Regex& regex);
    ~Finder();
    Finder(const Finder&) = delete;
    Finder& operator=(const Finder&) = delete;

    /// All matches in `text` (well-formed UTF-8), in order, as the reference's find_iter gives them: an empty match
    /// directly after a match is left out. Valid until the next call. Throws Error bad_file where a search takes more
    /// steps than the limit.
    const std::vector<TextSpan>& find_all(std::string_view text);

   private:
    struct Scratch;
    bool next(std::string_view text, std::size_t from, TextSpan& found);

    const Regex& regex_;
    std::unique_ptr<Scratch> scratch_;
    std::vector<TextSpan> matches_;
  };

 private:
  std::shared_ptr<const void> code_;  // pcre2_code
  std::string pattern_;
  std::string where_;
};

}  // namespace lmm::tokenizer
