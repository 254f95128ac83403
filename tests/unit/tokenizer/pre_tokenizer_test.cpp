#include "lib/tokenizer/pre_tokenizer.hpp"
#include "tests/unit/tokenizer/support.hpp"

using lmm::ErrorCode;
using lmm::Json;
using lmm::tokenizer::parse_pre_tokenizer;
using lmm::tokenizer::Pieces;
using support::caught;
using support::has;

namespace {

using Strings = std::vector<std::string>;

Strings pieces(const std::string& json, const std::string& text) {
  Pieces out{{text, true, {}}, {{0, text.size()}}};
  for (std::size_t i = 0; i < text.size(); ++i) out.text.origins.push_back({i, i + 1});
  parse_pre_tokenizer(Json::parse(json), "pre").apply(out);
  Strings strings;
  for (const auto& span : out.spans) strings.emplace_back(out.piece(span));
  CHECK(out.text.origins.size() == out.text.bytes.size());
  return strings;
}

std::string split(const char* behavior, bool invert = false) {
  return fmt::format(R"({{"type":"Split","pattern":{{"String":"-"}},"behavior":"{}","invert":{}}})", behavior, invert);
}

}  // namespace

TEST_CASE("Split, every behaviour") {  // the example of the reference's documentation
  const std::string text = "the-final--countdown";
  CHECK(pieces(split("Removed"), text) == Strings{"the", "final", "countdown"});
  CHECK(pieces(split("Isolated"), text) == Strings{"the", "-", "final", "-", "-", "countdown"});
  CHECK(pieces(split("MergedWithPrevious"), text) == Strings{"the-", "final-", "-", "countdown"});
  CHECK(pieces(split("MergedWithNext"), text) == Strings{"the", "-final", "-", "-countdown"});
  CHECK(pieces(split("Contiguous"), text) == Strings{"the", "-", "final", "--", "countdown"});
  CHECK(pieces(split("Removed", true), text) == Strings{"-", "-", "-"});
  CHECK(pieces(split("MergedWithNext", true), "a-b") == Strings{"a-", "b"});
  CHECK(pieces(R"({"type":"Split","pattern":{"Regex":"\\d"},"behavior":"Isolated","invert":false})", "a12") ==
        Strings{"a", "1", "2"});
}

TEST_CASE("ByteLevel") {
  CHECK(pieces(R"({"type":"ByteLevel","add_prefix_space":true})", "Hi  you're é") ==
        Strings{"ĠHi", "Ġ", "Ġyou", "'re", "ĠÃ©"});
  CHECK(pieces(R"({"type":"ByteLevel","add_prefix_space":false,"use_regex":false})", "a b") == Strings{"aĠb"});
}

TEST_CASE("Metaspace, every scheme") {
  const auto metaspace = [](const char* scheme, bool splits) {
    return fmt::format(R"({{"type":"Metaspace","replacement":"▁","prepend_scheme":"{}","split":{}}})", scheme, splits);
  };
  CHECK(pieces(metaspace("always", true), "Hey  you") == Strings{"▁Hey", "▁", "▁you"});
  CHECK(pieces(metaspace("never", true), "Hey you") == Strings{"Hey", "▁you"});
  CHECK(pieces(metaspace("never", false), "Hey you") == Strings{"Hey▁you"});
  CHECK(pieces(metaspace("always", false), " a") == Strings{"▁a"});
  const std::string dashes =
      fmt::format(R"({{"type":"Sequence","pretokenizers":[{},{}]}})", split("Isolated"), metaspace("first", true));
  CHECK(pieces(dashes, "a-b") == Strings{"▁a", "-", "b"});
  CHECK(caught([] {
          parse_pre_tokenizer(Json::parse(R"({"type":"Metaspace","replacement":"▁","add_prefix_space":false})"), "p");
        }).code == ErrorCode::bad_file);
  CHECK(caught([] { parse_pre_tokenizer(Json::parse(R"({"type":"Metaspace","replacement":"ab"})"), "p"); }).code ==
        ErrorCode::bad_file);
}

TEST_CASE("the other pre-tokenisers") {
  CHECK(pieces(R"({"type":"Digits","individual_digits":true})", "a12²b") == Strings{"a", "1", "2", "²", "b"});
  CHECK(pieces(R"({"type":"Digits","individual_digits":false})", "a12b") == Strings{"a", "12", "b"});
  CHECK(pieces(R"({"type":"Punctuation","behavior":"Isolated"})", "a,b。$") == Strings{"a", ",", "b", "。", "$"});
  CHECK(pieces(R"({"type":"Whitespace"})", "Hey, you_1 !") == Strings{"Hey", ",", "you_1", "!"});
  CHECK(pieces(R"({"type":"WhitespaceSplit"})", " a,\u3000b\n") == Strings{"a,", "b"});
  CHECK(pieces(R"({"type":"BertPreTokenizer"})", "a, b") == Strings{"a", ",", "b"});
  CHECK(pieces(R"({"type":"CharDelimiterSplit","delimiter":"|"})", "a||b") == Strings{"a", "b"});
  CHECK(pieces(R"({"type":"FixedLength","length":2})", "éabcd") == Strings{"éa", "bc", "d"});
  CHECK(pieces(R"({"type":"Sequence","pretokenizers":[{"type":"Digits","individual_digits":true},
                   {"type":"ByteLevel","add_prefix_space":false}]})",
               "a 12") == Strings{"a", "Ġ", "1", "2"});
}

TEST_CASE("pre-tokenisers that are not there are named") {
  const auto error =
      caught([] { parse_pre_tokenizer(Json::parse(R"({"type":"UnicodeScripts"})"), "t.json: pre_tokenizer"); });
  CHECK(error.code == ErrorCode::unsupported);
  CHECK(has(error.message, "t.json: pre_tokenizer: the pre-tokenizer \"UnicodeScripts\" is not supported"));
  CHECK(caught([] { parse_pre_tokenizer(Json::parse(split("Sideways")), "p"); }).code == ErrorCode::bad_file);
  CHECK(caught([] { parse_pre_tokenizer(Json::parse(R"({"type":"FixedLength","length":0})"), "p"); }).code ==
        ErrorCode::bad_file);
}
