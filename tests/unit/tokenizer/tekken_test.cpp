// tekken.json: ids and texts of a small vocabulary, which file a folder's tokenizer is, and files that lie.

#include "lib/tokenizer/auto_class.hpp"
#include "tests/unit/tokenizer/support.hpp"

using lmm::ErrorCode;
using lmm::Json;
using lmm::tokenizer::EncodeOptions;
using support::caught;
using support::Folder;
using support::has;
using support::Ids;
using support::tokenizer_json;

namespace {

constexpr const char* kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

std::string base64(std::string_view bytes) {
  std::string out;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t bits = 0;
    for (std::size_t k = 0; k < 3; ++k) {
      bits = bits << 8 | (i + k < bytes.size() ? static_cast<unsigned char>(bytes[i + k]) : 0u);
    }
    for (std::size_t k = 0; k < 4; ++k) out += i + k <= bytes.size() ? kLetters[bits >> (18 - 6 * k) & 63] : '=';
  }
  return out;
}

/// 5 special tokens, of which the file names 4, the bytes, and these tokens from id 261 on.
Json tekken_json(const std::vector<std::string>& tokens) {
  Json vocab = Json::array();
  const auto add = [&](std::string_view bytes) {
    vocab.push_back({{"rank", vocab.size()}, {"token_bytes", base64(bytes)}, {"token_str", nullptr}});
  };
  for (int byte = 0; byte < 256; ++byte) add(std::string(1, static_cast<char>(byte)));
  for (const std::string& token : tokens) add(token);
  Json special = Json::array();
  for (const char* token : {"<unk>", "<s>", "</s>", "[INST]"}) {
    special.push_back({{"rank", special.size()}, {"token_str", token}, {"is_control", true}});
  }
  return {{"config",
           {{"pattern", R"( ?\p{L}+|\s+|[^\s\p{L}]+)"},
            {"default_vocab_size", vocab.size() + 5},
            {"default_num_special_tokens", 5},
            {"version", "v7"}}},
          {"vocab", vocab},
          {"special_tokens", special}};
}

Ids ids_of(const Json& json, std::string_view text, bool parse_special = true) {
  Folder folder;
  folder.write_json("tekken.json", json);
  EncodeOptions options;
  options.parse_special = parse_special;
  return folder.load()->encode(text, options);
}

constexpr std::int32_t byte(char c) { return 5 + static_cast<unsigned char>(c); }

}  // namespace

TEST_CASE("tekken: words, bytes and special tokens") {
  const Json json = tekken_json({"ab", "abc", " abc"});
  CHECK(ids_of(json, "") == Ids{1});
  CHECK(ids_of(json, "abcab") == Ids{1, 262, 261});
  CHECK(ids_of(json, "ab abc") == Ids{1, 261, 263});
  CHECK(ids_of(json, "\xd0\xb4") == Ids{1, byte('\xd0'), byte('\xb4')});
  CHECK(ids_of(json, "[INST]ab<SPECIAL_4>") == Ids{1, 3, 261, 4});
  CHECK(ids_of(json, "</s>", false) == Ids{1, byte('<'), byte('/'), byte('s'), byte('>')});
}

TEST_CASE("tekken: the token that a merge makes tells its rank") {
  // "abc" comes of ab + c as of a + bc; bc is the earlier token, so it is made first in "xabc".
  CHECK(ids_of(tekken_json({"bc", "ab", "abc"}), "abcx") == Ids{1, 263, byte('x')});
  CHECK(ids_of(tekken_json({"bc", "ab"}), "abcx") == Ids{1, byte('a'), 261, byte('x')});
  CHECK(ids_of(tekken_json({"ab", "bc"}), "abcx") == Ids{1, 261, byte('c'), byte('x')});
  // A whole word that is a token is that token, whether or not merges lead to it.
  CHECK(ids_of(tekken_json({"qrst"}), "qrst") == Ids{1, 261});
  CHECK(ids_of(tekken_json({"qrst"}), "qrstu") == Ids{1, byte('q'), byte('r'), byte('s'), byte('t'), byte('u')});
}

TEST_CASE("tekken: decoding") {
  Folder folder;
  folder.write_json("tekken.json", tekken_json({"ab"}));
  const auto tokenizer = folder.load();
  const Ids ids = {1, 3, 261, byte('\xd0'), byte('\xb4'), 4, 2};
  CHECK(tokenizer->decode(ids, true) == "ab\xd0\xb4");
  CHECK(tokenizer->decode(ids, false) == "<s>[INST]ab\xd0\xb4<SPECIAL_4></s>");
  // A special token ends a text: the halves of a character on its sides do not meet.
  const Ids apart = {byte('\xd0'), 3, byte('\xb4')};
  CHECK(tokenizer->decode(apart, true) == "\xef\xbf\xbd\xef\xbf\xbd");
  CHECK(tokenizer->decode(apart, false) == "\xef\xbf\xbd[INST]\xef\xbf\xbd");
  lmm::tokenizer::StreamDecoder stream(tokenizer, true);
  CHECK(stream.push(byte('\xd0')).empty());
  CHECK(stream.push(3) == "\xef\xbf\xbd");
}

TEST_CASE("tekken.json beside tokenizer.json counts for Mistral's model types") {
  CHECK(lmm::tokenizer::reads_tekken_first("voxtral"));
  CHECK(!lmm::tokenizer::reads_tekken_first("vox"));
  CHECK(!lmm::tokenizer::reads_tekken_first("llama"));
  Folder folder;
  folder.write_json("tekken.json", tekken_json({"ab"})).write_json("tokenizer.json", tokenizer_json({"a", "b"}));
  CHECK(folder.load()->encode("a") == Ids{0});
  folder.write_json("config.json", {{"model_type", "llama"}});
  CHECK(folder.load()->encode("a") == Ids{0});
  folder.write_json("config.json", {{"model_type", "voxtral"}});
  CHECK(folder.load()->encode("a") == Ids{1, byte('a')});
}

TEST_CASE("tekken: files that lie") {
  const auto refused = [](const auto& change) {
    Json json = tekken_json({"ab", "abc"});
    change(json);
    Folder folder;
    folder.write_json("tekken.json", json);
    const auto error = caught([&] { folder.load(); });
    CHECK(error.code == ErrorCode::bad_file);
    CHECK(has(error.message, "tekken.json: "));
    return error.message;
  };
  CHECK(has(refused([](Json& j) { j["vocab"][256]["rank"] = 255; }), "vocab[256]: rank is 255, expected 256"));
  CHECK(has(refused([](Json& j) { j["vocab"][256]["rank"] = UINT64_MAX; }), "vocab[256]: rank is"));
  CHECK(has(refused([](Json& j) { j["vocab"][257]["token_bytes"] = "YWI="; }), "vocab[257] stands there twice"));
  CHECK(has(refused([](Json& j) { j["vocab"][257]["token_bytes"] = "YWI"; }), "no base64"));
  CHECK(has(refused([](Json& j) { j["vocab"][257]["token_bytes"] = "=WI="; }), "no base64"));
  CHECK(has(refused([](Json& j) { j["config"]["default_vocab_size"] = 1000; }), "vocab has 258 tokens"));
  CHECK(has(refused([](Json& j) {
              j["config"]["default_num_special_tokens"] = 3;
              j["config"]["default_vocab_size"] = 261;
            }),
            "4 special tokens, but default_num_special_tokens is 3"));
  CHECK(has(refused([](Json& j) { j["special_tokens"][2]["token_str"] = "<s>"; }), "\"<s>\" stands there twice"));
  CHECK(has(refused([](Json& j) { j["special_tokens"][2]["token_str"] = "</S>"; }), "no eos_token"));
  CHECK(has(refused([](Json& j) { j["special_tokens"] = "none"; }), "special_tokens is no list"));
}
