#include "lib/tokenizer/model.hpp"
#include "tests/unit/tokenizer/support.hpp"

#include <chrono>

using lmm::ErrorCode;
using lmm::Fields;
using lmm::Json;
using lmm::SortedJson;
using lmm::tokenizer::Forbidden;
using lmm::tokenizer::make_model;
using lmm::tokenizer::Merge;
using lmm::tokenizer::parse_merges;
using lmm::tokenizer::parse_merges_text;
using lmm::tokenizer::parse_vocabulary;
using lmm::tokenizer::Scratch;
using lmm::tokenizer::Vocabulary;
using support::caught;
using support::has;

namespace {

using Strings = std::vector<std::string>;

struct Bpe {
  Json options;
  Strings tokens;
  std::vector<Merge> merges;

  Strings operator()(std::string_view piece, const Forbidden* forbidden = nullptr) const {
    Json all = options;
    all["type"] = "BPE";
    Vocabulary::Entries entries;
    for (std::size_t i = 0; i < tokens.size(); ++i) entries.emplace_back(tokens[i], i);
    const auto model = make_model(Fields(all, "model"), Vocabulary(entries, "model"), merges);
    Scratch scratch;
    support::Ids ids;
    model->tokenize(piece, forbidden, scratch, ids);
    support::Ids again;
    model->tokenize(piece, forbidden, scratch, again);  // a word met before
    CHECK(again == ids);
    Strings out;
    for (const auto id : ids) out.push_back(tokens[static_cast<std::size_t>(id)]);
    return out;
  }
};

}  // namespace

TEST_CASE("merges go by rank, then from the left") {
  const Bpe bpe{Json::object(),
                {"a", "b", "c", "ab", "bc", "abc", "aa", "aaaa"},
                {{"b", "c"}, {"a", "b"}, {"a", "bc"}, {"a", "a"}, {"aa", "aa"}}};
  CHECK(bpe("abc") == Strings{"abc"});
  CHECK(bpe("ab") == Strings{"ab"});
  CHECK(bpe("aaaaa") == Strings{"aaaa", "a"});
  CHECK(bpe("aaab") == Strings{"aa", "ab"});
  CHECK(bpe("") == Strings{});
}

TEST_CASE("unknown characters") {
  const Strings tokens = {"<unk>", "a", "<0xC3>", "<0xA9>"};
  CHECK(Bpe{Json::object(), tokens, {}}("axa") == Strings{"a", "a"});  // no unk_token: dropped
  CHECK(Bpe{{{"unk_token", "<unk>"}}, tokens, {}}("xxa") == Strings{"<unk>", "<unk>", "a"});
  CHECK(Bpe{{{"unk_token", "<unk>"}, {"fuse_unk", true}}, tokens, {}}("xxax") == Strings{"<unk>", "a", "<unk>"});
  CHECK(Bpe{{{"unk_token", "<unk>"}, {"byte_fallback", true}}, tokens, {}}("aéx") ==
        Strings{"a", "<0xC3>", "<0xA9>", "<unk>"});
  CHECK(Bpe{{{"unk_token", "<unk>"}, {"byte_fallback", true}}, tokens, {}}("€") ==
        Strings{"<unk>"});  // not all bytes are there
  const auto error = caught([&] { Bpe{{{"unk_token", "[U]"}}, tokens, {}}("x"); });
  CHECK(error.code == ErrorCode::bad_file);
  CHECK(has(error.message, "unk_token \"[U]\" is not in the vocabulary"));
}

TEST_CASE("prefix and suffix of subwords") {
  const Bpe bpe{{{"continuing_subword_prefix", "##"}, {"end_of_word_suffix", "</w>"}},
                {"a", "##b", "##b</w>", "a</w>", "ab</w>"},
                {{"a", "##b</w>"}}};
  CHECK(bpe("a") == Strings{"a</w>"});
  CHECK(bpe("ab") == Strings{"ab</w>"});
  CHECK(bpe("abb") == Strings{"a", "##b", "##b</w>"});
}

TEST_CASE("ignore_merges takes whole words, but no forbidden ones") {
  const Bpe bpe{{{"ignore_merges", true}}, {"a", "b", "ab", "ba"}, {{"b", "a"}}};
  CHECK(bpe("ab") == Strings{"ab"});
  const Forbidden words = {2, 3};
  CHECK(bpe("ab", &words) == Strings{"a", "b"});
  CHECK(bpe("ba", &words) == Strings{"b", "a"});  // nor by a merge
}

TEST_CASE("WordLevel") {
  const auto model = make_model(Fields(Json{{"type", "WordLevel"}, {"unk_token", "?"}}, "m"),
                                Vocabulary({{"?", 0}, {"hey", 1}}, "m"), {});
  Scratch scratch;
  support::Ids ids;
  model->tokenize("hey", nullptr, scratch, ids);
  model->tokenize("you", nullptr, scratch, ids);
  CHECK(ids == support::Ids{1, 0});
  const auto bare = make_model(Fields(Json{{"type", "WordLevel"}}, "m"), Vocabulary({{"hey", 1}}, "m"), {});
  CHECK(caught([&] { bare->tokenize("you", nullptr, scratch, ids); }).code == ErrorCode::bad_file);
}

TEST_CASE("a megabyte without a blank is no quadratic work") {
  Strings tokens;
  std::vector<Merge> merges;
  for (char c = 'a'; c <= 'z'; ++c) tokens.emplace_back(1, c);
  for (char a = 'a'; a <= 'z'; ++a) {
    for (char b = 'a'; b <= 'z'; ++b) {
      tokens.push_back({a, b});
      merges.push_back({std::string(1, a), std::string(1, b)});
    }
  }
  std::string text;
  for (std::uint32_t i = 0, state = 1; i < 1'000'000; ++i)
    text += static_cast<char>('a' + ((state = state * 1664525 + 1013904223) >> 24) % 26);
  CHECK(Bpe{Json::object(), tokens, merges}(text).size() > 400'000);  // would take hours
}

TEST_CASE("models that are not there, and broken ones") {
  const auto build = [](const Json& options, const std::vector<Merge>& merges = {}) {
    return caught([&] { make_model(Fields(options, "t.json: model"), Vocabulary({{"a", 0}, {"b", 1}}, "v"), merges); });
  };
  CHECK(build({{"type", "Unigram"}}).code == ErrorCode::unsupported);
  CHECK(has(build({{"type", "Unigram"}}).message, "t.json: model: the model \"Unigram\" is not supported"));
  CHECK(build({{"type", "BPE"}, {"dropout", 0.1}}).code == ErrorCode::unsupported);
  const auto merge = build({{"type", "BPE"}}, {{"a", "c"}});
  CHECK(merge.code == ErrorCode::bad_file);
  CHECK(has(merge.message, "merges[0] needs the token \"c\""));
  CHECK(has(build({{"type", "BPE"}}, {{"a", "b"}}).message, "needs the token \"ab\""));
  CHECK(build({{"type", "BPE"}, {"continuing_subword_prefix", "####"}}, {{"a", "b"}}).code == ErrorCode::bad_file);
  CHECK(build({{"type", "BPE"}, {"fuse_unk", "yes"}}).code == ErrorCode::bad_file);
}

TEST_CASE("vocabularies with impossible ids") {
  const auto vocabulary = [](const char* json) {
    return caught([&] { Vocabulary(parse_vocabulary(SortedJson::parse(json), "v.json"), "v.json"); });
  };
  CHECK(has(vocabulary(R"({"a":-1})").message, "id of \"a\" is -1"));
  CHECK(has(vocabulary(R"({"a":2000000000})").message, "id of \"a\" is 2000000000"));
  CHECK(has(vocabulary(R"({"a":99999999999})").message, "expected an integer of 31 bits"));
  CHECK(has(vocabulary(R"({"a":18446744073709551615})").message, "expected an integer of 31 bits"));
  CHECK(has(vocabulary(R"({"a":1.5})").message, "expected an integer of 31 bits"));
  CHECK(has(vocabulary(R"({"a":1,"b":1})").message, "both \"a\" and \"b\" have the id 1"));
  CHECK(vocabulary(R"(["a"])").code == ErrorCode::bad_file);
}

TEST_CASE("merges in both spellings") {
  const std::vector<Merge> merges = {{"a", "b"}, {"ab", "c"}};
  CHECK(parse_merges(SortedJson::parse(R"(["#version: 0.2","a b","ab c"])"), "m") == merges);
  CHECK(parse_merges(SortedJson::parse(R"([["a","b"],["ab","c"]])"), "m") == merges);
  CHECK(parse_merges_text("#version: 0.2\na b\r\nab c\n", "m") == merges);
  CHECK(
      has(caught([] { parse_merges(SortedJson::parse(R"(["a b","abc"])"), "m"); }).message, "m: merges[1] is no pair"));
  CHECK(has(caught([] { parse_merges(SortedJson::parse(R"([["a"]])"), "m"); }).message, "m: merges[0] is no pair"));
  CHECK(has(caught([] { parse_merges_text("a b\n\nb c\n", "merges.txt"); }).message, "merges.txt: line 2 is no pair"));
}
