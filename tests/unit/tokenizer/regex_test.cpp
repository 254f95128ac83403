#include "lib/tokenizer/regex.hpp"
#include "tests/unit/tokenizer/support.hpp"

using lmm::ErrorCode;
using lmm::tokenizer::Regex;
using support::caught;
using support::has;

namespace {

using Strings = std::vector<std::string>;

Strings found(std::string_view pattern, std::string_view text) {
  const Regex regex(pattern, "here");
  Regex::Finder finder(regex);
  Strings out;
  for (const auto& span : finder.find_all(text)) out.emplace_back(text.substr(span.begin, span.end - span.begin));
  return out;
}

}  // namespace

TEST_CASE("what Oniguruma's Ruby syntax means is what matches") {
  CHECK(found(R"((?i:'s|'t)|\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+)", "It'S 42 !?") == Strings{"It", "'S", "4", "2", " !?"});
  CHECK(found(R"(\h+)", "0xBEef g") == Strings{"0", "BEef"});  // a hexadecimal digit, no blank
  CHECK(found(R"(\s)",
              "a\xE1\xA0\x8E"
              "b\xC2\x85"
              "c") == Strings{"\xC2\x85"});  // U+180E is none, U+0085 is
  CHECK(found(R"(\w+)",
              "na\xC3\xAF"
              "ve \xC2\xB2_\xE0\xA4\x95\xE0\xA4\xBF-") == Strings{"na\xC3\xAFve", "\xC2\xB2_\xE0\xA4\x95\xE0\xA4\xBF"});
  CHECK(found(R"(^a$)", "a\nb\na") == Strings{"a", "a"});  // always by line
  CHECK(found(R"(a.b)", "a\nb") == Strings{});
  CHECK(found(R"((?m)a.b)", "a\nb") == Strings{"a\nb"});  // Ruby's m is the dot's
  CHECK(found(R"(a{,2}b)", "aaab") == Strings{"aab"});
  CHECK(found(R"(a{1,2}+)", "aaaaa") == Strings{"aaaaa"});   // not possessive
  CHECK(found(R"(xa{2}?)", "xaax") == Strings{"xaa", "x"});  // an optional pair
  CHECK(found(R"(a{b)", "a{b") == Strings{"a{b"});
  CHECK(found(R"(x(?i)a|b)", "xB xA B") == Strings{"xB", "xA"});  // takes the branches after it along
  CHECK(found(R"([a-z&&[^aeiou]]+)", "hello") == Strings{"h", "ll"});
  CHECK(found(R"([^a-z&&[aeiou]]+)", "hello") == Strings{"h", "ll"});
  CHECK(found(R"([a[bc]]+)", "xabcx") == Strings{"abc"});
  CHECK(found(R"([\W]+)", "a, b") == Strings{", "});
  CHECK(found(R"([^\W\d]+)", "a1, b") == Strings{"a", "b"});
  CHECK(found(R"([[:alpha:][:^ascii:]]+)", "ab1\xE2\x82\xAC") == Strings{"ab", "\xE2\x82\xAC"});
  CHECK(found(R"(\p{^L}+)", "ab12c") == Strings{"12"});
  CHECK(found(R"(\p{Han}+)", "a\xE4\xB8\xAD\xE6\x96\x87z") == Strings{"\xE4\xB8\xAD\xE6\x96\x87"});
  CHECK(found(R"(\u00e9|\x{20AC}|\x41)", "A\xC3\xA9\xE2\x82\xAC") == Strings{"A", "\xC3\xA9", "\xE2\x82\xAC"});
  CHECK(found(R"(\bfoo\b)", "foo food foo") == Strings{"foo", "foo"});
  CHECK(found(R"((?<q>['"]).*?\k<q>)", "'a' \"b'\"") == Strings{"'a'", "\"b'\""});
  CHECK(found(R"(\s+(?!\S)|\s+)", "  a   ") == Strings{" ", " ", "   "});
  CHECK(found("[a\\-z]+", "a-z b") == Strings{"a-z"});
  CHECK(found("[\\]\\[]+|[-+]+", "[]-+") == Strings{"[]", "-+"});
}

TEST_CASE("empty matches come as the reference's find_iter gives them") {
  CHECK(found("x*", "axb") == Strings{"", "x", ""});
  CHECK(found("", "ab") == Strings{"", "", ""});
}

TEST_CASE("code points that came after PCRE2's tables have their category") {
  CHECK(found(R"(\p{L}+)", "\xF0\xB1\x8D\x90") == Strings{"\xF0\xB1\x8D\x90"});  // U+31350, Unicode 15
  CHECK(found(R"(\p{S}+)", "\xF0\x9F\xAB\xA8") == Strings{"\xF0\x9F\xAB\xA8"});  // U+1FAE8, Unicode 15
  CHECK(found(R"(\p{Lu})", "\xE1\xB2\x89") == Strings{"\xE1\xB2\x89"});          // U+1C89, Unicode 16
}

TEST_CASE("malformed expressions are errors") {
  for (const std::string pattern :
       {"(",     "(?:a",    "a)",          "[a",   "[]",      "[z-a]", "*a",  "+",     "{2}",           "a\\",
        "\\p{L", "\\p",     "\\x{110000}", "\\x{", "\\ud800", "(?<n",  "(?#", "[a&&]", "\\p{Nonsense}", "\\p{a)b}",
        "(?i",   "(?<=a*)b"}) {
    CAPTURE(pattern);
    const auto error = caught([&] { Regex(pattern, "tokenizer.json: part"); });
    CHECK(error.code == ErrorCode::bad_file);
    CHECK(has(error.message, "tokenizer.json: part"));
  }
}

TEST_CASE("constructs without counterpart are refused by name") {
  for (const std::string pattern : {"a\\K", "\\g<1>", "(*FAIL)", "(?~abc)", "(?x) a b", "(?(1)a|b)", "\\xFF", "\\ca",
                                    "[[:graph:]]", "a{70000}", "\\y", "[\\R]"}) {
    CAPTURE(pattern);
    CHECK(caught([&] { Regex(pattern, "here"); }).code == ErrorCode::unsupported);
  }
  const std::string deep = std::string(150, '(') + std::string(150, ')');
  CHECK(caught([&] { Regex(deep, "here"); }).code == ErrorCode::unsupported);
  CHECK(caught([&] { Regex(std::string(200, '[') + "a" + std::string(200, ']'), "here"); }).code ==
        ErrorCode::unsupported);
  CHECK(caught([&] { Regex(std::string(40000, 'a'), "here"); }).code == ErrorCode::bad_file);
}

TEST_CASE("a runaway expression ends in an error, not in hours") {
  const std::string text = std::string(60, 'a') + "b";
  const auto error = caught([&] { found("^(a|aa|aaa)+c?$", text); });
  CHECK(error.code == ErrorCode::bad_file);
  CHECK(has(error.message, "gives up on a text of 61 bytes"));
}

TEST_CASE("long runs are searched without deep recursion") {
  const std::string text(2'000'000, ' ');
  CHECK(found(R"(\s*[\r\n]+|\s+(?!\S)|\s+)", text).size() == 1);
  CHECK(found(R"((?:a|b)+)", std::string(300'000, 'a')).size() == 1);
}
