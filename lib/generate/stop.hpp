#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace lmm::generate {

/// Finds stop strings in streamed text, across the borders of pieces. What it finds does not depend on how the text is
/// cut into pieces: the stop string that is complete first ends the reply (of those that end at the same place, the one
/// that starts first). Text before it is given out, the stop string and what follows is not. Only text that may still
/// turn out to be the beginning of a stop string is held back; whole UTF-8 in, whole UTF-8 out.
class StopMatcher {
 public:
  /// Texts that are not empty (empty ones are left out).
  explicit StopMatcher(std::vector<std::string> stops);

  struct Fed {
    std::string text;      ///< may be given out now
    bool matched = false;  ///< a stop string is complete; whatever is fed after that gives nothing
  };

  Fed feed(std::string_view piece);

  /// What is held back, at the end of the reply; nothing after a match.
  std::string flush();

  bool matched() const noexcept { return matched_; }
  bool has_stops() const noexcept { return !patterns_.empty(); }

 private:
  /// One stop string as a Knuth-Morris-Pratt automaton over bytes.
  struct Pattern {
    std::string text;
    std::vector<std::size_t> border;  // of text[0..i]: longest proper prefix that is its suffix too
    std::size_t state = 0;            // bytes of `text` that the stream ends with
    void step(char byte) noexcept;
  };

  std::vector<Pattern> patterns_;
  std::string held_;
  bool matched_ = false;
};

}  // namespace lmm::generate
