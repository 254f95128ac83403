#include "lib/tokenizer/tokenizer.hpp"
#include "lib/core/utf8.hpp"
#include "tests/unit/tokenizer/support.hpp"

#include <thread>

using lmm::ErrorCode;
using lmm::Json;
using lmm::tokenizer::EncodeOptions;
using lmm::tokenizer::StreamDecoder;
using lmm::tokenizer::TextSpan;
using lmm::tokenizer::Tokenizer;
using support::added_token;
using support::caught;
using support::Folder;
using support::has;
using support::Ids;
using support::tokenizer_json;

namespace {

Json chat_json() {  // ids: a 0, b 1, ab 2, <|im_start|> 3, <|im_end|> 4, <tool> 5
  Json json = tokenizer_json({"a", "b", "ab", "<|im_start|>"}, {"a b"});
  json["added_tokens"] = Json::array(
      {added_token(3, "<|im_start|>", true), added_token(4, "<|im_end|>", true), added_token(5, "<tool>", false)});
  json["post_processor"] =
      Json::parse(R"({"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"x","type_id":0}},
      {"Sequence":{"id":"A","type_id":0}}],"pair":[],
      "special_tokens":{"x":{"id":"x","ids":[3,4],"tokens":["<|im_start|>","<|im_end|>"]}}})");
  return json;
}

Ids encode(const Tokenizer& tokenizer, std::string_view text, std::vector<TextSpan> literal = {},
           bool parse_special = true) {
  EncodeOptions options;
  options.add_special_tokens = false;
  options.parse_special = parse_special;
  options.literal = literal;
  return tokenizer.encode(text, options);
}

ErrorCode load_error(const Json& json, std::string_view part) {
  Folder folder;
  folder.write_json("tokenizer.json", json);
  const auto error = caught([&] { folder.load(); });
  CHECK(has(error.message, part));
  CHECK(has(error.message, "tokenizer.json"));
  return error.code;
}

}  // namespace

TEST_CASE("encode and decode") {
  Folder folder;
  folder.write_json("tokenizer.json", chat_json())
      .write_json("tokenizer_config.json", Json{{"bos_token", "<|im_start|>"}, {"eos_token", "<|im_end|>"}});
  const auto tokenizer = folder.load();
  CHECK(tokenizer->encode("ab") == Ids{3, 4, 2});
  CHECK(encode(*tokenizer, "ab<|im_end|>a<tool>") == Ids{2, 4, 0, 5});
  CHECK(encode(*tokenizer, "a<|im_end|>b", {}, false) == Ids{2});  // its letters, which are unknown, are dropped
  CHECK(tokenizer->decode(Ids{3, 2, 5, 4}, false) == "<|im_start|>ab<tool><|im_end|>");
  CHECK(tokenizer->decode(Ids{3, 2, 5, 4}, true) == "ab<tool>");
  CHECK(tokenizer->vocab_size() == 6);
  CHECK(tokenizer->piece(2) == "ab");
  CHECK(tokenizer->id_of("<tool>") == 5);
  CHECK(!tokenizer->id_of("zz"));
  CHECK(tokenizer->is_special(4));
  CHECK(!tokenizer->is_special(5));
  CHECK(!tokenizer->is_special(99));
  CHECK(tokenizer->bos_id() == 3);
  CHECK(tokenizer->eos_id() == 4);
  CHECK(!tokenizer->pad_id());
  CHECK(tokenizer->special_token("eos_token") == "<|im_end|>");
}

TEST_CASE("ids outside of the vocabulary") {
  Folder folder;
  folder.write_json("tokenizer.json", chat_json());
  const auto tokenizer = folder.load();
  for (const std::int32_t id : {-1, 6, 2147483647}) {
    CAPTURE(id);
    CHECK(caught([&] { tokenizer->decode(Ids{0, id}, false); }).code == ErrorCode::invalid_argument);
    CHECK(caught([&] { tokenizer->piece(id); }).code == ErrorCode::invalid_argument);
    CHECK(!tokenizer->has_token(id));
    StreamDecoder stream(tokenizer, false);
    CHECK(stream.push(id).empty());
  }
}

TEST_CASE("text of a user is text") {
  Folder folder;
  Json json = chat_json();
  json["model"]["ignore_merges"] = true;  // the model would know the special token as a word
  folder.write_json("tokenizer.json", json);
  const auto tokenizer = folder.load();
  const std::string text = "<|im_start|>ab<|im_start|>b<|im_end|>";
  CHECK(encode(*tokenizer, text) == Ids{3, 2, 3, 1, 4});
  CHECK(encode(*tokenizer, text, {{12, 26}}) == Ids{3, 2, 2, 4});  // of "<|im_start|>" the model knows the a
  CHECK(encode(*tokenizer, "<|im_start|>", {{0, 12}}) == Ids{0});
  CHECK(encode(*tokenizer, "<|im_start|>", {{5, 5}}) == Ids{3});  // an empty span is none
  CHECK(encode(*tokenizer, "ab", {{0, 2}}) == Ids{2});
}

TEST_CASE("literal spans must fit the text") {
  Folder folder;
  folder.write_json("tokenizer.json", chat_json());
  const auto tokenizer = folder.load();
  for (const std::vector<TextSpan>& spans :
       std::vector<std::vector<TextSpan>>{{{0, 3}}, {{1, 0}}, {{1, 2}, {0, 1}}, {{0, 2}, {1, 2}}}) {
    CHECK(caught([&] { encode(*tokenizer, "ab", spans); }).code == ErrorCode::invalid_argument);
  }
}

TEST_CASE("ill-formed UTF-8 reads as U+FFFD, and literal spans move along") {
  Folder folder;
  Json json = tokenizer_json({"a", "\uFFFD", "<x>"});
  json["added_tokens"] = Json::array({added_token(2, "<x>", true)});
  folder.write_json("tokenizer.json", json);
  const auto tokenizer = folder.load();
  CHECK(encode(*tokenizer,
               "a\xFF"
               "a\xE2\x82") == Ids{0, 1, 0, 1});
  const std::string text = "\xFF\xFF<x>\xFF<x>";
  CHECK(encode(*tokenizer, text) == Ids{1, 1, 2, 1, 2});
  CHECK(encode(*tokenizer, text, {{2, 5}}) == Ids{1, 1, 1, 2});
  CHECK(encode(*tokenizer, text, {{0, 3}}) == Ids{1, 1, 1, 2});
  CHECK(encode(*tokenizer, text, {{5, 6}}) == Ids{1, 1, 2, 1, 2});
  CHECK(encode(*tokenizer, text, {{6, 9}}) == Ids{1, 1, 2, 1});
}

TEST_CASE("special tokens of tokenizer_config.json") {
  Folder folder;
  folder.write_json("tokenizer.json", tokenizer_json({"a", "b", "ab"}, {"a b"}));
  folder.write_json(
      "tokenizer_config.json",
      Json::parse(R"({"bos_token":{"__type":"AddedToken","content":"<s>","lstrip":true,"normalized":false},
      "eos_token":"</s>","image_token":"<image>","extra_special_tokens":{"end_token":"<end>"},"pad_token":null,
      "additional_special_tokens":["<more>"],"add_bos_token":true,
      "added_tokens_decoder":{"4":{"content":"<p>","special":false,"normalized":false},
                              "3":{"content":"</s>","special":false}}})"));
  const auto tokenizer = folder.load();
  CHECK(tokenizer->id_of("</s>") == 3);
  CHECK(tokenizer->id_of("<p>") == 4);
  CHECK(tokenizer->id_of("<s>") == 5);
  CHECK(tokenizer->id_of("<image>") == 6);
  CHECK(tokenizer->id_of("<end>") == 7);
  CHECK(tokenizer->id_of("<more>") == 8);
  CHECK(tokenizer->is_special(3));  // since it is eos_token
  CHECK(!tokenizer->is_special(4));
  CHECK(tokenizer->encode("a  <s>b") == Ids{0, 5, 1});  // with tokenizer.json, its post-processor counts: there is none
  using Named = std::vector<std::pair<std::string, std::string>>;
  CHECK(tokenizer->special_tokens() ==
        Named{{"bos_token", "<s>"}, {"eos_token", "</s>"}, {"image_token", "<image>"}, {"end_token", "<end>"}});
}

TEST_CASE("vocab.json and merges.txt") {
  Folder folder;
  folder.write_json("vocab.json", Json{{"a", 0}, {"b", 1}, {"ab", 2}}).write("merges.txt", "#version: 0.2\na b\n");
  folder.write_json("tokenizer_config.json",
                    Json{{"tokenizer_class", "GPT2Tokenizer"}, {"add_bos_token", true}, {"pad_token", "<pad>"}});
  const auto tokenizer = folder.load();
  CHECK(tokenizer->encode("ab") == Ids{3, 2});  // <|endoftext|>, the class's default
  CHECK(tokenizer->eos_id() == 3);
  CHECK(tokenizer->pad_id() == 4);
  CHECK(tokenizer->decode(Ids{3, 2}, true) == "ab");
}

TEST_CASE("streamed pieces join to the decoded text") {
  Folder folder;
  Json json = tokenizer_json({"Ã", "©", "a", "ð", "Ł", "ĺ", "Ģ", "Ġ"});
  json["decoder"] = {{"type", "ByteLevel"}};
  folder.write_json("tokenizer.json", json);
  const auto tokenizer = folder.load();
  std::uint32_t state = 7;
  for (int round = 0; round < 500; ++round) {
    Ids ids;
    for (int i = 0; i < 20; ++i)
      ids.push_back(static_cast<std::int32_t>(((state = state * 1664525 + 1013904223) >> 24) % 8));
    StreamDecoder stream(tokenizer, false);
    std::string joined;
    for (const auto id : ids) {
      const std::string piece = stream.push(id);
      CHECK(lmm::utf8::valid(piece));
      joined += piece;
    }
    joined += stream.finish();
    CHECK(joined == tokenizer->decode(ids, false));
  }
}

TEST_CASE("one tokenizer serves many threads") {
  Folder folder;
  Json json = chat_json();
  json["pre_tokenizer"] =
      Json::parse(R"({"type":"Split","pattern":{"Regex":"\\s+|\\S+"},"behavior":"Isolated","invert":false})");
  json["normalizer"] = {{"type", "NFC"}};
  folder.write_json("tokenizer.json", json);
  const auto tokenizer = folder.load();
  std::string text;
  for (int i = 0; i < 2000; ++i) text += "ab a\u0301 <tool> b ";
  const Ids expected = tokenizer->encode(text);
  std::vector<std::thread> threads;
  std::atomic<int> same{0};
  for (int i = 0; i < 8; ++i)
    threads.emplace_back(
        [&] { same += tokenizer->encode(text) == expected && tokenizer->decode(expected, true).size() > 0; });
  for (std::thread& thread : threads) thread.join();
  CHECK(same == 8);
}

TEST_CASE("folders without a tokenizer") {
  Folder folder;
  CHECK(caught([&] { Tokenizer::load(folder.path() / "no"); }).code == ErrorCode::not_found);
  CHECK(caught([&] { folder.load(); }).code == ErrorCode::not_found);
  folder.write_json("vocab.json", Json{{"a", 0}}).write("merges.txt", "");
  CHECK(has(caught([&] { folder.load(); }).message, "TokenizersBackend is not built from vocab.json"));
  Folder sentencepiece;
  sentencepiece.write("tokenizer.model", "x")
      .write_json("tokenizer_config.json", Json{{"tokenizer_class", "LlamaTokenizer"}});
  const auto error = caught([&] { sentencepiece.load(); });
  CHECK(error.code == ErrorCode::unsupported);
  CHECK(has(error.message, "tokenizer.model"));
  Folder half;
  half.write_json("vocab.json", Json{{"a", 0}})
      .write_json("tokenizer_config.json", Json{{"tokenizer_class", "GPT2Tokenizer"}});
  CHECK(has(caught([&] { half.load(); }).message, "merges.txt"));
}

TEST_CASE("broken files are one clear line each") {
  Folder broken;
  broken.write("tokenizer.json", "{\"version\": \"1.0\",\n  \"model\": }");
  const auto error = caught([&] { broken.load(); });
  CHECK(error.code == ErrorCode::bad_file);
  CHECK(has(error.message, "line 2, column 12"));

  Json json = chat_json();
  json["version"] = "2.0";
  CHECK(load_error(json, "version") == ErrorCode::unsupported);
  json = chat_json();
  json["model"]["type"] = "WordPiece";
  CHECK(load_error(json, "\"WordPiece\" is not supported") == ErrorCode::unsupported);
  json = chat_json();
  json["model"]["merges"] = Json::array({"a z"});
  CHECK(load_error(json, "\"z\", which is not in the vocabulary") == ErrorCode::bad_file);
  json = chat_json();
  json["model"]["vocab"]["b"] = 0;
  CHECK(load_error(json, "have the id 0") == ErrorCode::bad_file);
  json = chat_json();
  json["model"].erase("vocab");
  CHECK(load_error(json, "vocab is no JSON object") == ErrorCode::bad_file);
  json = chat_json();
  json["added_tokens"][0]["id"] = -3;
  CHECK(load_error(json, "id is -3") == ErrorCode::bad_file);
  json = chat_json();
  json["added_tokens"][0].erase("content");
  CHECK(load_error(json, "content is missing") == ErrorCode::bad_file);
  json = chat_json();
  json["post_processor"]["special_tokens"]["x"]["ids"] = Json::array({77});
  CHECK(load_error(json, "the id 77, which is no token") == ErrorCode::bad_file);
  json = chat_json();
  json["post_processor"]["special_tokens"] = Json::object();
  CHECK(load_error(json, "x is missing") == ErrorCode::bad_file);
  json = chat_json();
  json["post_processor"] = {{"type", "Mystery"}};
  CHECK(load_error(json, "the post-processor \"Mystery\" is not supported") == ErrorCode::unsupported);
  json = chat_json();
  json["pre_tokenizer"] =
      Json::parse(R"({"type":"Split","pattern":{"Regex":"(a"},"behavior":"Isolated","invert":false})");
  CHECK(load_error(json, "malformed regular expression") == ErrorCode::bad_file);
  json = chat_json();
  for (int i = 0; i < 120; ++i)
    json["normalizer"] = Json{{"type", "Sequence"}, {"normalizers", Json::array({json["normalizer"]})}};
  CHECK(load_error(json, "deeper than") != ErrorCode::internal);
  CHECK(load_error(Json::array(), "is no JSON object") == ErrorCode::bad_file);

  Folder config;
  config.write_json("tokenizer.json", chat_json())
      .write_json("tokenizer_config.json", Json::parse(R"({"added_tokens_decoder":{"-1":{"content":"x"}}})"));
  CHECK(has(caught([&] { config.load(); }).message, "the key \"-1\" is no id"));
  Folder bad_class;
  bad_class.write_json("tokenizer.json", chat_json())
      .write_json("tokenizer_config.json", Json{{"tokenizer_class", "T5Tokenizer"}});
  CHECK(caught([&] { bad_class.load(); }).code == ErrorCode::unsupported);
}

TEST_CASE("a regular expression that runs away on a text") {
  Folder folder;
  Json json = chat_json();
  json["pre_tokenizer"] =
      Json::parse(R"({"type":"Split","pattern":{"Regex":"^(a|aa|aaa)+c?$"},"behavior":"Isolated","invert":false})");
  folder.write_json("tokenizer.json", json);
  const auto tokenizer = folder.load();
  CHECK(tokenizer->encode("aaaa").size() == 6);
  CHECK(caught([&] { tokenizer->encode(std::string(80, 'a') + "b"); }).code == ErrorCode::bad_file);
}

TEST_CASE("truncation and padding sections have no effect") {
  Folder folder;
  Json json = chat_json();
  json["truncation"] = Json::parse(R"({"direction":"Right","max_length":1,"strategy":"LongestFirst","stride":0})");
  json["padding"] =
      Json::parse(R"({"strategy":{"Fixed":9},"direction":"Right","pad_to_multiple_of":null,"pad_id":4,"pad_type_id":0,
                                    "pad_token":"<|im_end|>"})");
  folder.write_json("tokenizer.json", json);
  CHECK(folder.load()->encode("ab") == Ids{3, 4, 2});
  CHECK(folder.load()->pad_id() == 4);  // but the padding token is named by it, as in the reference
}
