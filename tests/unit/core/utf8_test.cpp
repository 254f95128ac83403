#include "lib/core/utf8.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace utf8 = lmm::utf8;
using namespace std::string_literals;

namespace {

const std::string kReplacement = "\xEF\xBF\xBD";

std::vector<char32_t> decode(const std::string& text) {
  std::vector<char32_t> out;
  for (std::size_t at = 0; at < text.size();) out.push_back(utf8::next(text, at));
  return out;
}

std::string times(int count) {
  std::string out;
  for (int i = 0; i < count; ++i) out += kReplacement;
  return out;
}

}  // namespace

TEST_CASE("every code point goes there and back") {
  int wrong = 0;
  for (char32_t c = 0; c <= 0x10FFFF; ++c) {
    if (c >= 0xD800 && c <= 0xDFFF) continue;
    std::string text;
    utf8::append(text, c);
    const std::size_t length = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    std::size_t at = 0;
    wrong += text.size() != length || !utf8::valid(text) || utf8::next(text, at) != c || at != length;
    for (std::size_t cut = 0; cut < length; ++cut) wrong += utf8::complete_prefix(text.substr(0, cut)) != 0;
    wrong += utf8::complete_prefix(text) != length;
  }
  CHECK(wrong == 0);
}

TEST_CASE("what is no code point becomes U+FFFD") {
  for (const char32_t c : {0xD800u, 0xDBFFu, 0xDC00u, 0xDFFFu, 0x110000u, 0xFFFFFFFFu}) {
    std::string text;
    utf8::append(text, c);
    CHECK(text == kReplacement);
  }
}

TEST_CASE("known texts") {
  CHECK(decode("a\0é€𝄞"s) == std::vector<char32_t>{'a', 0, 0xE9, 0x20AC, 0x1D11E});
  CHECK(utf8::sanitize("a\0é€𝄞"s) == "a\0é€𝄞"s);
  CHECK(utf8::valid(""));
  CHECK(utf8::sanitize("").empty());
  CHECK(utf8::complete_prefix("") == 0);
}

// Each ill-formed kind, with as many U+FFFD as Python's bytes.decode("utf-8", "replace") gives.
TEST_CASE("ill-formed sequences") {
  const std::pair<std::string, int> kCases[] = {
      {"\x80", 1},  // continuation bytes alone
      {"\xBF", 1},
      {"\x80\xBF", 2},
      {"\xC0\x80", 2},  // overlong
      {"\xC1\xBF", 2},
      {"\xE0\x80\x80", 3},
      {"\xE0\x9F\xBF", 3},
      {"\xF0\x80\x80\x80", 4},
      {"\xF0\x8F\xBF\xBF", 4},
      {"\xED\xA0\x80", 3},  // surrogates
      {"\xED\xBF\xBF", 3},
      {"\xED\xA0\xBD\xED\xB8\x80", 6},  // CESU-8
      {"\xF4\x90\x80\x80", 4},          // beyond U+10FFFF
      {"\xF5\x80\x80\x80", 4},
      {"\xF8\x88\x80\x80\x80", 5},  // five and six bytes
      {"\xFC\x84\x80\x80\x80\x80", 6},
      {"\xFE", 1},
      {"\xFF", 1},
      {"\xC2", 1},  // cut short: one for the well-formed prefix
      {"\xE2\x82", 1},
      {"\xE2", 1},
      {"\xF0\x9D\x84", 1},
      {"\xF0\x9D", 1},
      {"\xF0", 1},
      {"\xE2\x82\xE2\x82", 2},
      {"\xF0\x9D\x84\xF0\x9D", 2},
      {"\xC2\xC2", 2},
  };
  for (const auto& [bytes, count] : kCases) {
    CAPTURE(bytes);
    CHECK(!utf8::valid(bytes));
    CHECK(utf8::sanitize(bytes) == times(count));
    CHECK(utf8::sanitize("a"s.append(bytes).append("z")) == "a"s.append(times(count)).append("z"));
    CHECK(utf8::sanitize("é"s.append(bytes).append("€")) == "é"s.append(times(count)).append("€"));
    CHECK(utf8::valid(utf8::sanitize(bytes)));
  }
}

TEST_CASE("complete_prefix holds back what may still become a character") {
  CHECK(utf8::complete_prefix("ab\xE2\x82") == 2);
  CHECK(utf8::complete_prefix("ab\xF0\x9D\x84") == 2);
  CHECK(utf8::complete_prefix("€\xC3") == 3);
  CHECK(utf8::complete_prefix("\xC3\xA9\xC3") == 2);
  // What can no longer become one is complete.
  CHECK(utf8::complete_prefix("ab\x80") == 3);
  CHECK(utf8::complete_prefix("\x80\x80\x80") == 3);
  CHECK(utf8::complete_prefix("ab\xE2\x28") == 4);
  CHECK(utf8::complete_prefix("ab\xC0") == 3);
  CHECK(utf8::complete_prefix("ab\xED\xA0") == 4);
  CHECK(utf8::complete_prefix("ab\xF0\x80") == 4);
  CHECK(utf8::complete_prefix("ab\xF4\x90") == 4);
  CHECK(utf8::complete_prefix("ab\xF5") == 3);
  CHECK(utf8::complete_prefix("\xE2\x82\xE2") == 2);
}

TEST_CASE("pieces cut anywhere join to the text that was replaced as a whole") {
  const std::string text =
      "aé€𝄞\x80z\xE2\x82"
      "b\xF0\x9D\x84\xED\xA0\x80ü\xC3";
  for (std::size_t first = 0; first <= text.size(); ++first) {
    for (std::size_t second = first; second <= text.size(); ++second) {
      std::string held;
      std::string out;
      for (const std::string& piece :
           {text.substr(0, first), text.substr(first, second - first), text.substr(second)}) {
        held += piece;
        const std::size_t whole = utf8::complete_prefix(held);
        out += utf8::sanitize(held.substr(0, whole));
        held.erase(0, whole);
      }
      CHECK(out + utf8::sanitize(held) == utf8::sanitize(text));
    }
  }
}
