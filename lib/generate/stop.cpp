#include "lib/generate/stop.hpp"

#include <algorithm>
#include <utility>

namespace lmm::generate {

void StopMatcher::Pattern::step(char byte) noexcept {
  while (state > 0 && text[state] != byte) state = border[state - 1];
  if (text[state] == byte) ++state;
}

StopMatcher::StopMatcher(std::vector<std::string> stops) {
  for (std::string& stop : stops) {
    if (stop.empty()) continue;
    Pattern pattern{std::move(stop), {0}, 0};
    for (std::size_t i = 1; i < pattern.text.size(); ++i) {
      pattern.step(pattern.text[i]);
      pattern.border.push_back(pattern.state);
    }
    pattern.state = 0;
    patterns_.push_back(std::move(pattern));
  }
}

StopMatcher::Fed StopMatcher::feed(std::string_view piece) {
  Fed fed;
  if (matched_) return fed;
  for (std::size_t i = 0; i < piece.size(); ++i) {
    std::size_t longest = 0;
    for (Pattern& pattern : patterns_) {
      pattern.step(piece[i]);
      if (pattern.state == pattern.text.size()) longest = std::max(longest, pattern.text.size());
    }
    if (longest == 0) continue;
    held_.append(piece.substr(0, i + 1));
    held_.resize(held_.size() - longest);
    matched_ = true;
    return {std::exchange(held_, {}), true};
  }
  held_.append(piece);
  std::size_t keep = 0;
  for (const Pattern& pattern : patterns_) keep = std::max(keep, pattern.state);
  fed.text = held_.substr(0, held_.size() - keep);
  held_.erase(0, held_.size() - keep);
  return fed;
}

std::string StopMatcher::flush() { return std::exchange(held_, {}); }

}  // namespace lmm::generate
