#include "lib/tokenizer/added_vocabulary.hpp"
#include "tests/unit/tokenizer/support.hpp"

using lmm::ErrorCode;
using lmm::Json;
using lmm::tokenizer::AddedToken;
using lmm::tokenizer::AddedVocabulary;
using lmm::tokenizer::Normalizer;
using lmm::tokenizer::parse_normalizer;
using lmm::tokenizer::TextSpan;
using lmm::tokenizer::Vocabulary;
using support::caught;
using support::has;

namespace {

/// The parts of a text: "<id>" for tokens, the text otherwise, joined with "|".
std::string parts(const std::vector<AddedToken>& tokens, std::string_view text, const Normalizer& normalizer = {},
                  const AddedVocabulary::Guard& guard = {}) {
  AddedVocabulary added;
  added.add(tokens, Vocabulary());
  added.build(normalizer, "added_tokens");
  std::string out;
  for (const auto& part : added.split(text, normalizer, guard, false)) {
    if (!out.empty()) out += '|';
    out += part.id ? fmt::format("<{}>", *part.id) : part.text.bytes;
  }
  return out;
}

AddedToken token(std::string content) {
  AddedToken out;
  out.content = std::move(content);
  out.normalized = false;
  return out;
}

}  // namespace

TEST_CASE("the leftmost, then the longest token") {
  const std::vector<AddedToken> tokens = {token("<a>"), token("<a>b"), token("b")};
  CHECK(parts(tokens, "x<a>bb<a>c") == "x|<1>|<2>|<0>|c");
  CHECK(parts(tokens, "") == "");
}

TEST_CASE("blanks on either side") {
  AddedToken left = token("L"), right = token("R"), both = token("B");
  left.lstrip = right.rstrip = both.lstrip = both.rstrip = true;
  const std::vector<AddedToken> tokens = {left, right, both};
  CHECK(parts(tokens, "a  L  b") == "a|<0>|  b");
  CHECK(parts(tokens, "a  R  b") == "a  |<1>|b");
  CHECK(parts(tokens, "a\u3000\nB \tb") == "a|<2>|b");
  CHECK(parts(tokens, "R  L") == "<1>|<0>");
  AddedToken blank = token("\n\n");
  blank.lstrip = blank.rstrip = true;
  CHECK(parts({blank}, "a\n\n\n\nb") == "a|<0>|b");  // the first takes the second
}

TEST_CASE("single words") {
  AddedToken word = token("day");
  word.single_word = true;
  CHECK(parts({word}, "day today day, days day_ éday day") == "<0>| today |<0>|, days day_ éday |<0>");
}

TEST_CASE("normalised tokens are looked for in the normalised text") {
  AddedToken day = token("Day");
  day.normalized = true;
  const Normalizer lower = parse_normalizer(Json::parse(R"({"type":"Lowercase"})"), "n");
  CHECK(parts({day, token("Raw")}, "A DAY raw Raw", lower) == "a |<0>| raw |<1>");
}

TEST_CASE("special tokens as text") {
  AddedToken special = token("<s>");
  special.special = true;
  AddedVocabulary::Guard guard;
  guard.skip_special = true;
  CHECK(parts({special, token("<t>")}, "<s><t>", {}, guard) == "<s>|<1>");
}

TEST_CASE("literal text makes no token, the text around it still does") {
  const std::string text = "<a><a>b<a>";  // the middle from a user
  const std::vector<AddedToken> tokens = {token("<a>"), token("a><"), token("<a>b")};
  const auto guarded = [&](std::vector<TextSpan> spans) { return parts(tokens, text, {}, {false, spans}); };
  CHECK(guarded({}) == "<0>|<2>|<0>");
  CHECK(guarded({{3, 7}}) == "<0>|<a>b|<0>");
  CHECK(guarded({{6, 7}}) == "<0>|<0>|b|<0>");  // a shorter token in front of the span
  CHECK(guarded({{2, 3}}) == "<a>|<2>|<0>");
  CHECK(guarded({{0, 10}}) == "<a><a>b<a>");
  CHECK(guarded({{0, 1}, {9, 10}}) == "<|<1>|a>b<a>");
}

TEST_CASE("literal spans hold through normalisation") {
  AddedToken day = token("ab");
  day.normalized = true;
  const Normalizer form =
      parse_normalizer(Json::parse(R"({"type":"Sequence","normalizers":[{"type":"NFKC"},{"type":"Lowercase"}]})"), "n");
  const std::string text = "\uFF21B \uFF21\uFF22";  // fullwidth, 3 bytes each
  const std::vector<TextSpan> second = {{5, 11}};
  CHECK(parts({day}, text, form) == "<0>| |<0>");
  CHECK(parts({day}, text, form, {false, second}) == "<0>| ab");
  const std::vector<TextSpan> border = {{8, 11}};
  CHECK(parts({day}, text, form, {false, border}) == "<0>| ab");
}

TEST_CASE("ids of added tokens") {
  const Vocabulary model({{"a", 0}, {"b", 1}}, "v");
  AddedVocabulary added;
  added.add({token("b"), token("c"), token("")}, model);
  added.add({token("d"), token("c")}, model);
  CHECK(added.find("b") == 1);
  CHECK(added.find("c") == 2);
  CHECK(added.find("d") == 3);
  CHECK(!added.find("a"));
  CHECK(!added.find(""));
}

TEST_CASE("tokens that cannot be told apart, or cannot be found") {
  AddedToken upper = token("DAY"), lower = token("day");
  upper.normalized = lower.normalized = true;
  const Normalizer lowercase = parse_normalizer(Json::parse(R"({"type":"Lowercase"})"), "n");
  CHECK(has(caught([&] { parts({upper, lower}, "", lowercase); }).message, "ids 0 and 1 are both written \"day\""));
  AddedToken blank = token(" ");
  blank.normalized = true;
  CHECK(has(caught([&] { parts({blank}, "", parse_normalizer(Json::parse(R"({"type":"Strip"})"), "n")); }).message,
            "id 0 is normalised to nothing"));
  CHECK(caught([&] { parts({token(std::string(5000, 'x'))}, ""); }).code == ErrorCode::bad_file);
}
