#include "lib/tokenizer/normalizer.hpp"
#include "tests/unit/tokenizer/support.hpp"

using lmm::ErrorCode;
using lmm::Json;
using lmm::tokenizer::parse_normalizer;
using lmm::tokenizer::Text;
using support::caught;
using support::has;

namespace {

std::string normalized(const char* json, const std::string& text) {
  Text out{text, false, {}};
  parse_normalizer(Json::parse(json), "normalizer")(out);
  return out.bytes;
}

}  // namespace

TEST_CASE("normal forms") {
  CHECK(normalized(R"({"type":"NFC"})", "e\u0301 \uAC00 \u1100\u1161 \u0344") == "\u00e9 \uAC00 \uAC00 \u0308\u0301");
  CHECK(normalized(R"({"type":"NFD"})", "\u00e9\uAC01") == "e\u0301\u1100\u1161\u11a8");
  CHECK(normalized(R"({"type":"NFKC"})", "\uFB01\u00B2\uFF21\uFF76\uFF9E") == "fi2A\u30AC");
  CHECK(normalized(R"({"type":"NFKD"})", "\u00BD\u1E9B\u0323") == "1\u20442s\u0323\u0307");
  CHECK(normalized(R"({"type":"NFC"})", "a\u0323\u0307\u0301") == "\u1EA1\u0307\u0301");
  CHECK(normalized(R"({"type":"NFD"})", "a\u0307\u0323") == "a\u0323\u0307");  // marks in canonical order
}

TEST_CASE("the other normalisers") {
  CHECK(normalized(R"({"type":"Lowercase"})", "AÉΣİ") == "aéσi\u0307");
  CHECK(normalized(R"({"type":"Strip","strip_left":true,"strip_right":true})", " \u3000a b\n") == "a b");
  CHECK(normalized(R"({"type":"Strip","strip_left":false,"strip_right":true})", " a ") == " a");
  CHECK(normalized(R"({"type":"Strip","strip_left":true,"strip_right":true})", " \n ") == "");
  CHECK(normalized(R"({"type":"StripAccents"})", "e\u0301a\u0323") == "ea");
  CHECK(normalized(R"({"type":"Replace","pattern":{"String":"a."},"content":"b"})", "a.aa.") == "bab");
  CHECK(normalized(R"({"type":"Replace","pattern":{"Regex":"\\s+"},"content":" "})", "a \n b") == "a b");
  CHECK(normalized(R"({"type":"Prepend","prepend":"▁"})", "a") == "▁a");
  CHECK(normalized(R"({"type":"Prepend","prepend":"▁"})", "") == "");
  CHECK(normalized(R"({"type":"ByteLevel"})", " \u00e9\n") == "ĠÃ©Ċ");
  CHECK(normalized(R"({"type":"Nmt"})", "a\x01\tb\u200bc") == "a b c");
  CHECK(normalized(R"({"type":"BertNormalizer","clean_text":true,"handle_chinese_chars":true,"lowercase":true})",
                   "A\u00c9\x01\t\u4e2d\u0378") == "ae  \u4e2d \u0378");  // the last one is unassigned
  CHECK(normalized(R"({"type":"Sequence","normalizers":[{"type":"NFD"},{"type":"StripAccents"},{"type":"Lowercase"}]})",
                   "É") == "e");
}

TEST_CASE("origins follow the text") {
  Text text{"\u00e9 x", true, {{0, 2}, {0, 2}, {2, 3}, {3, 4}}};
  parse_normalizer(Json::parse(R"({"type":"Sequence","normalizers":[{"type":"NFD"},{"type":"Prepend","prepend":"__"},
                                   {"type":"Replace","pattern":{"String":" "},"content":"▁"}]})"),
                   "n")(text);
  CHECK(text.bytes == "__e\u0301▁x");
  REQUIRE(text.origins.size() == text.bytes.size());
  CHECK(text.origins[0].end == 2);
  CHECK(text.origins[4].begin == 0);
  CHECK(text.origins[5].begin == 2);
  CHECK(text.origins.back().begin == 3);
}

TEST_CASE("normalisers that are not there are named") {
  const auto error = caught([] {
    parse_normalizer(Json::parse(R"({"type":"Precompiled","precompiled_charsmap":""})"), "t.json: normalizer");
  });
  CHECK(error.code == ErrorCode::unsupported);
  CHECK(has(error.message, "t.json: normalizer: the normalizer \"Precompiled\" is not supported"));
  Json nested = Json::parse(R"({"type":"NFC"})");
  for (int i = 0; i < 30; ++i) nested = Json{{"type", "Sequence"}, {"normalizers", Json::array({nested})}};
  CHECK(caught([&] { parse_normalizer(nested, "n"); }).code == ErrorCode::unsupported);
  CHECK(caught([] { parse_normalizer(Json::parse("[]"), "n"); }).code == ErrorCode::bad_file);
  CHECK(caught([] { parse_normalizer(Json::parse(R"({"type":"Prepend"})"), "n"); }).code == ErrorCode::bad_file);
  CHECK(caught([] {
          parse_normalizer(Json::parse(R"({"type":"Replace","pattern":{"Regex":"("},"content":""})"), "n");
        }).code == ErrorCode::bad_file);
}
