#include "lib/tokenizer/decoder.hpp"
#include "lib/core/utf8.hpp"
#include "tests/unit/tokenizer/support.hpp"

using lmm::ErrorCode;
using lmm::Json;
using lmm::tokenizer::Decoder;
using lmm::tokenizer::DecodeRun;
using lmm::tokenizer::parse_decoder;
using support::caught;
using support::has;

namespace {

using Strings = std::vector<std::string>;

/// What comes out after each token, and at the end.
Strings stream(const Decoder& decoder, const Strings& tokens) {
  DecodeRun run(decoder);
  Strings out;
  for (const std::string& token : tokens) run.feed(token, out.emplace_back());
  run.finish(out.emplace_back());
  for (const std::string& piece : out) CHECK(lmm::utf8::valid(piece));
  return out;
}

Strings stream(const char* json, const Strings& tokens) {
  return stream(parse_decoder(Json::parse(json), "decoder"), tokens);
}

std::string joined(const Strings& pieces) {
  std::string out;
  for (const std::string& piece : pieces) out += piece;
  return out;
}

constexpr const char* kLlama =
    R"({"type":"Sequence","decoders":[{"type":"Replace","pattern":{"String":"▁"},"content":" "},
    {"type":"ByteFallback"},{"type":"Fuse"},{"type":"Strip","content":" ","start":1,"stop":0}]})";

}  // namespace

TEST_CASE("ByteLevel gives whole characters") {
  CHECK(stream(R"({"type":"ByteLevel"})", {"ĠHi", "Ã", "©", "â", "Ĥ", "a", "ð", "Ł"}) == Strings{" Hi", "", "é", "", "",
                                                                                                 "\uFFFD"
                                                                                                 "a",
                                                                                                 "", "", "\uFFFD"});
  CHECK(stream(R"({"type":"ByteLevel"})", {"日本", "é"}) == Strings{"日本", "", "\uFFFD"});  // é is the byte E9 there
}

TEST_CASE("Llama's sequence") {
  CHECK(stream(kLlama, {"▁Hi", "▁", "you"}) == Strings{"Hi", " ", "you", ""});
  CHECK(stream(kLlama, {"▁▁a"}) == Strings{" a", ""});
  CHECK(stream(kLlama, {"<0xC3>", "<0xA9>", "b"}) == Strings{"", "", "éb", ""});
  CHECK(joined(stream(kLlama, {"<0xC3>", "<0xA9>", "<0xFF>"})) == "\uFFFD\uFFFD\uFFFD");  // the run as a whole is none
  CHECK(joined(stream(kLlama, {"<0xZZ>", "a"})) == "<0xZZ>a");
  CHECK(joined(stream(kLlama, {})) == "");
}

TEST_CASE("Strip of both ends of the text, as it comes") {
  const char* strip =
      R"({"type":"Sequence","decoders":[{"type":"Fuse"},{"type":"Strip","content":"é","start":2,"stop":1}]})";
  CHECK(stream(strip, {"é", "éé", "a", "é"}) == Strings{"", "", "éa", "", ""});
  CHECK(stream(strip, {"a", "é", "b", "éé"}) == Strings{"a", "", "éb", "é", ""});
  const char* each = R"({"type":"Strip","content":"_","start":1,"stop":1})";
  CHECK(stream(each, {"_a_", "__", "b"}) == Strings{"a", "", "b", ""});
}

TEST_CASE("the other decoders") {
  CHECK(joined(stream(R"({"type":"Metaspace","replacement":"▁","prepend_scheme":"always"})", {"▁Hi", "▁you"})) ==
        "Hi you");
  CHECK(joined(stream(R"({"type":"Metaspace","replacement":"▁","prepend_scheme":"never"})", {"▁Hi", "▁you"})) ==
        " Hi you");
  CHECK(stream(R"({"type":"BPEDecoder","suffix":"</w>"})", {"He", "y</w>", "you</w>"}) ==
        Strings{"", "He", "y ", "you"});
  CHECK(joined(stream(R"({"type":"WordPiece","prefix":"##","cleanup":true})", {"He", "##y", ",", "you"})) ==
        "Hey, you");
  CHECK(joined(stream(R"({"type":"Replace","pattern":{"Regex":"[_]+"},"content":" "})", {"a__b", "_"})) == "a b ");
  CHECK(joined(stream("null", {"a", "b"})) == "a b");
  // A step that needs tokens after one that makes a single token gets the whole text.
  CHECK(joined(stream(
            R"({"type":"Sequence","decoders":[{"type":"Fuse"},
                         {"type":"Replace","pattern":{"String":"ab"},"content":"-"}]})",
            {"a", "b"})) == "-");
}

TEST_CASE("clean-up of spaces") {
  Decoder decoder = parse_decoder(Json(), "decoder");
  lmm::tokenizer::add_clean_up(decoder);
  CHECK(joined(stream(decoder, {"do", "n't", "go", ",", "it", "'s", "late", "."})) == "don't go, it's late.");
}

TEST_CASE("decoders that are not there are named") {
  const auto error =
      caught([] { parse_decoder(Json::parse(R"({"type":"CTC","pad_token":"<pad>"})"), "t.json: decoder"); });
  CHECK(error.code == ErrorCode::unsupported);
  CHECK(has(error.message, "t.json: decoder: the decoder \"CTC\" is not supported"));
  CHECK(caught([] { parse_decoder(Json::parse(R"({"type":"Strip","content":"","start":0,"stop":0})"), "d"); }).code ==
        ErrorCode::bad_file);
  CHECK(caught([] { parse_decoder(Json::parse(R"({"type":"Strip","content":"a","start":-1,"stop":0})"), "d"); }).code ==
        ErrorCode::bad_file);
}
