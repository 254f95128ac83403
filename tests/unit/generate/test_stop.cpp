#include "lib/generate/stop.hpp"

#include "lib/core/utf8.hpp"
#include "lib/generate/random.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

using lmm::generate::StopMatcher;

namespace {

struct Streamed {
  std::string text;
  bool matched = false;
  std::vector<std::string> pieces;
};

Streamed stream(const std::vector<std::string>& stops, const std::vector<std::string>& pieces) {
  StopMatcher matcher(stops);
  Streamed out;
  for (const std::string& piece : pieces) {
    const StopMatcher::Fed fed = matcher.feed(piece);
    out.pieces.push_back(fed.text);
    out.text += fed.text;
    if (fed.matched) {
      out.matched = true;
      break;
    }
  }
  out.text += matcher.flush();
  return out;
}

/// What the header promises, the slow way: the stop string that ends first, the longest of those.
Streamed by_definition(const std::vector<std::string>& stops, const std::string& text) {
  for (std::size_t end = 1; end <= text.size(); ++end) {
    std::size_t longest = 0;
    for (const std::string& stop : stops) {
      if (end >= stop.size() && text.compare(end - stop.size(), stop.size(), stop) == 0)
        longest = std::max(longest, stop.size());
    }
    if (longest > 0) return {text.substr(0, end - longest), true, {}};
  }
  return {text, false, {}};
}

}  // namespace

TEST_CASE("a stop string ends the text, across pieces too") {
  CHECK(stream({"stop"}, {"go on", " and stop here"}).text == "go on and ");
  const Streamed split = stream({"stop"}, {"a s", "t", "o", "pper"});
  CHECK(split.text == "a ");
  CHECK(split.matched);
  CHECK(split.pieces == std::vector<std::string>{"a ", "", "", ""});
}

TEST_CASE("only what may begin a stop string is held back, and comes when it does not") {
  CHECK(stream({"stop"}, {"st", "ay"}).pieces == std::vector<std::string>{"", "stay"});
  CHECK(stream({"\n\n"}, {"a\n", "b\n"}).pieces == std::vector<std::string>{"a", "\nb"});
  const Streamed held = stream({"stop"}, {"a sto"});
  CHECK(held.pieces == std::vector<std::string>{"a "});
  CHECK(held.text == "a sto");  // flushed at the end
  CHECK(!held.matched);
  CHECK(stream({}, {"a", "b"}).pieces == std::vector<std::string>{"a", "b"});
  CHECK(stream({""}, {"a"}).pieces == std::vector<std::string>{"a"});
}

TEST_CASE("overlapping beginnings") {
  CHECK(stream({"aab"}, {"aaa", "b!"}).text == "a");
  CHECK(stream({"abab"}, {"aba", "cabab"}).text == "abac");
  CHECK(stream({"ana", "nan"}, {"ba", "nana"}).text == "b");
  // The one that is complete first wins; of two that end together the one that starts first.
  CHECK(stream({"abcd", "bc"}, {"abcd"}).text == "a");
  CHECK(stream({"c", "abc"}, {"xabc"}).text == "x");
}

TEST_CASE("after a match nothing more comes") {
  StopMatcher matcher({"x"});
  CHECK(matcher.feed("axb").text == "a");
  CHECK(matcher.matched());
  CHECK(matcher.feed("c").text.empty());
  CHECK(!matcher.feed("c").matched);
  CHECK(matcher.flush().empty());
}

TEST_CASE("characters stay whole") {
  // é is C3 A9, è C3 A8: the stop string and the text share a first byte.
  const Streamed streamed = stream({"é!", "日本"}, {"caf", "é", " è", "日", "木", "日本"});
  CHECK(streamed.text == "café è日木");
  for (const std::string& piece : streamed.pieces) CHECK(lmm::utf8::valid(piece));
}

TEST_CASE("the result does not depend on how the text is cut") {
  std::uint64_t step = 0;
  const auto below = [&](std::size_t n) {
    return static_cast<std::size_t>(lmm::generate::uniform(5, step++) * static_cast<double>(n));
  };
  int matches = 0;
  for (int round = 0; round < 3000; ++round) {
    const auto word = [&](std::size_t length) {
      std::string out;
      for (std::size_t i = 0; i < length; ++i) out += "abc"[below(3)];
      return out;
    };
    std::vector<std::string> stops;
    for (std::size_t i = 0; i <= below(4); ++i) stops.push_back(word(1 + below(6)));
    const std::string text = word(below(25));
    std::vector<std::string> pieces;
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t length = 1 + below(5);
      pieces.push_back(text.substr(at, length));
      at += length;
    }
    const Streamed expected = by_definition(stops, text);
    const Streamed actual = stream(stops, pieces);
    CHECK(actual.text == expected.text);
    CHECK(actual.matched == expected.matched);
    matches += expected.matched;
  }
  CHECK(matches > 500);
  CHECK(matches < 2900);
}
