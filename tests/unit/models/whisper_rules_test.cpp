// Whisper's rules one by one: which tokens may follow, how a window is cut, words, options.

#include "lib/models/whisper/languages.hpp"
#include "lib/models/whisper/segments.hpp"
#include "lib/models/whisper/words.hpp"
#include "tests/unit/models/whisper_fakes.hpp"

#include <cmath>

using namespace whisper_fakes;

namespace {

/// Ids that may follow, of equal scores but for those given.
Ids allowed(const GenerationRules& rules, const Ids& generated, std::map<std::int32_t, float> scores = {},
            bool timestamps = true) {
  std::vector<float> logits(kVocab, 0.0f);
  for (const auto& [id, score] : scores) logits[static_cast<std::size_t>(id)] = score;
  TokenRules(rules, timestamps).apply(generated, logits);
  Ids out;
  for (std::int32_t id = 0; id < kVocab; ++id) {
    if (logits[static_cast<std::size_t>(id)] != -std::numeric_limits<float>::infinity()) out.push_back(id);
  }
  return out;
}

Ids range(std::int32_t from, std::int32_t to) {
  Ids out;
  for (; from < to; ++from) out.push_back(from);
  return out;
}

const Ids kText = {0, 1, 2, 3, 4, 5, 6, 7, kSpace, kDot};

Ids text_and(std::initializer_list<std::int32_t> more) {
  Ids out = kText;
  out.insert(out.end(), more);
  return out;
}

const std::map<std::int32_t, float> kSureOfText = {{2, 50.0f}};

}  // namespace

TEST_CASE("a text begins with a time stamp, not later than the rules say") {
  GenerationRules own = rules();
  CHECK(allowed(own, {}) == range(kTime, kVocab));
  own.max_initial_timestamp = 4;
  CHECK(allowed(own, {}) == range(kTime, kTime + 5));
  CHECK(allowed(own, {}, {}, /*timestamps=*/false) ==
        Ids{0, 1, 2, 3, 4, 5, 6, 7, kDot, kEnglish, kGerman, kTranscribe, kTranslate, kNoTimes, 19, 20, 21, 22, 23, 24, 25, 26,
            27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 52, 53, 54,
            55, 56, 57, 58, 59, 60, 61, 62, 63, 64, 65, 66, 67, 68, 69});
}

TEST_CASE("time stamps come in pairs and do not go back") {
  const GenerationRules own = rules();
  // After the first one: text, or the end.
  CHECK(allowed(own, {kTime}) == text_and({kEnd, kEnglish, kGerman, kTranscribe, kTranslate}));
  // Within a pair: the same again or later, or the end.
  Ids later = range(kTime + 7, kVocab);
  Ids with_end = {kEnd, kEnglish, kGerman, kTranscribe, kTranslate};
  with_end.insert(with_end.end(), later.begin(), later.end());
  CHECK(allowed(own, {kTime, 2, kTime + 7}, {{kEnd, 50.0f}}) == with_end);
  // After text: none that was there already.
  Ids all = text_and({kEnd, kEnglish, kGerman, kTranscribe, kTranslate});
  later = range(kTime + 8, kVocab);
  all.insert(all.end(), later.begin(), later.end());
  CHECK(allowed(own, {kTime, 2, kTime + 7, kTime + 7, 3}, kSureOfText) == all);
}

TEST_CASE("where time stamps together are likelier than any text it is one of them") {
  const GenerationRules own = rules();
  // 50 of them with probability p each against one text with 40 p, then with 60 p.
  CHECK(allowed(own, {kTime, 2}, {{3, std::log(40.0f)}}) == range(kTime + 1, kVocab));
  CHECK(allowed(own, {kTime, 2}, {{3, std::log(60.0f)}}).size() > 50);
}

TEST_CASE("a window is cut at pairs of time stamps") {
  const auto cut = [](const Ids& tokens, std::int64_t frames = 3000, double offset = 0) {
    return split_window(tokens, kTime, frames, offset);
  };
  SUBCASE("pairs, the last of them the end") {
    const WindowSegments out = cut({kTime, 1, kTime + 10, kTime + 10, 2, 3, kTime + 30, kTime + 30}, 3000, 4.5);
    REQUIRE(out.stretches.size() == 2);
    CHECK(out.stretches[0].count == 3);
    CHECK(out.stretches[0].end == 4.5 + 10 * 0.02);
    CHECK(out.stretches[1].first == 3);
    CHECK(out.stretches[1].count == 5);
    CHECK(out.stretches[1].begin == 4.5 + 10 * 0.02);
    CHECK(out.stretches[1].end == 4.5 + 30 * 0.02);
    CHECK(out.advance == 60);
  }
  SUBCASE("what follows the last pair is heard again") {
    const WindowSegments out = cut({kTime, 1, kTime + 10, kTime + 10, 2, 3});
    REQUIRE(out.stretches.size() == 1);
    CHECK(out.stretches[0].count == 4);
    CHECK(out.advance == 20);
  }
  SUBCASE("one time stamp at the end: nothing is said after it") {
    const WindowSegments out = cut({kTime, 1, kTime + 10, kTime + 12, 2, kTime + 20});
    REQUIRE(out.stretches.size() == 2);
    CHECK(out.stretches[1].begin == 12 * 0.02);
    CHECK(out.stretches[1].end == 20 * 0.02);
    CHECK(out.advance == 3000);
  }
  SUBCASE("no pair: the window is one stretch") {
    CHECK(cut({kTime + 3, 1, kTime + 10}).stretches[0].begin == 0);
    CHECK(cut({kTime + 3, 1, kTime + 10}).stretches[0].end == 10 * 0.02);
    CHECK(cut({kTime, 1}, 3000).stretches[0].end == 30.0);
    CHECK(cut({kTime, 1}, 30).stretches[0].end == 14 * 0.02);  // 0.3 / 0.02 in float, cut off
    CHECK(cut({kTime, 1}, 101).stretches[0].end == 50 * 0.02);
    CHECK(cut({1, 2}, 100).stretches[0].end == 1.0);
    CHECK(cut({}, 100).stretches[0].count == 0);
    CHECK(cut({kTime, 1}, 77).advance == 77);
  }
}

TEST_CASE("how much a text repeats itself") {  // numbers of _retrieve_compression_ratio
  CHECK(compression_ratio(Ids{50364, 2425, 11, 577, 366, 291, 30, 50257}, 51865) == doctest::Approx(16.0 / 24.0));
  CHECK(compression_ratio(Ids(40, 1234), 51865) == doctest::Approx(80.0 / 13.0));
  CHECK(compression_ratio(Ids(40, 7), 70) == doctest::Approx(40.0 / 12.0));
}

TEST_CASE("words") {
  const auto letters = tokenizer_of_letters();
  const auto words = [&](const Ids& tokens, bool spaced = true) {
    std::vector<std::string> out;
    for (const WordTokens& word : words_of(*letters, tokens, spaced, kEnd)) out.push_back(word.text);
    return out;
  };
  using Texts = std::vector<std::string>;
  CHECK(words({0, 1, kSpace, 2, 3, kDot}) == Texts{"ab", " cd."});
  CHECK(words({kSpace, 0, kDot, kDot, kSpace, 1}) == Texts{" a..", " b"});
  CHECK(words({0, 1, kDot}, /*spaced=*/false) == Texts{"a", "b."});
  CHECK(words({}) == Texts{});
  CHECK(words_of(*letters, Ids{0, 1, kSpace, 2}, true, kEnd)[1].tokens == std::vector<std::size_t>{2, 3});
  CHECK(text_of(*letters, Ids{kTime, 0, 1, at_time(0.5), at_time(0.5), kSpace, 2, kEnd}) == "ab c");
}

TEST_CASE("a text may be blank") {
  CHECK(blank(""));
  CHECK(blank(" \x1f\u3000"));
  CHECK_FALSE(blank(" ."));
}

TEST_CASE("languages by code and by name") {
  CHECK(language_code("de") == "de");
  CHECK(language_code("German") == "de");
  CHECK(language_code("FLEMISH") == "nl");
  CHECK(language_code("yue") == "yue");
  CHECK(language_code("Haitian Creole") == "ht");
  CHECK_FALSE(language_code("tlh"));
  CHECK_FALSE(language_code(""));
}

TEST_CASE("options of answers are refused by name") {
  const auto letters = tokenizer_of_letters();
  const GenerationRules own = rules();
  const auto refused = [&](const GenerateOptions& options, const char* name) {
    const support::Caught caught = support::caught([&] { Settings::resolve(options, own, config(), *letters); });
    CHECK(caught.code == ErrorCode::unsupported);
    CHECK(support::has(caught.message, name));
  };
  refused({.sample = true}, "sample");
  refused({.temperature = 0.5}, "temperature");
  refused({.repetition_penalty = 1.1}, "repetition_penalty");
  refused({.stop = {"x"}}, "stop");
  refused({.ignore_eos = true}, "ignore_eos");
}

TEST_CASE("a checkpoint without what times need") {
  const auto letters = tokenizer_of_letters();
  GenerationRules own = rules();
  own.alignment_heads.clear();
  GenerateOptions options;
  options.speech.times = SpeechTimes::words;
  CHECK(support::caught([&] { Settings::resolve(options, own, config(), *letters); }).code == ErrorCode::unsupported);
  own.no_timestamps.reset();
  options.speech.times = SpeechTimes::segments;
  CHECK(support::caught([&] { Settings::resolve(options, own, config(), *letters); }).code == ErrorCode::unsupported);
  options.speech.times = SpeechTimes::none;
  CHECK_NOTHROW(Settings::resolve(options, own, config(), *letters));
}

TEST_CASE("generation_config.json is read with care") {
  const Json model = {{"vocab_size", 70}, {"eos_token_id", 10}, {"decoder_start_token_id", 11}};
  const auto parse = [&](const Json& json) { return GenerationRules::parse(json, "generation_config.json", model, config()); };
  CHECK(parse(Json::object()).end == 10);
  CHECK(parse({{"eos_token_id", Json::array({12})}}).end == 12);
  CHECK(parse({{"suppress_tokens", {-1}}}).suppress.empty());
  CHECK(parse({{"suppress_tokens", {3, 4, 5}}}).previous == 4);
  CHECK(parse({{"lang_to_id", {{"<|en|>", 12}}}}).languages.at("en") == 12);
  const auto refused = [&](const Json& json, ErrorCode code, const char* name) {
    const support::Caught caught = support::caught([&] { parse(json); });
    CHECK(caught.code == code);
    CHECK(support::has(caught.message, name));
  };
  refused({{"eos_token_id", {1, 2}}}, ErrorCode::bad_file, "eos_token_id");
  refused({{"eos_token_id", 70}}, ErrorCode::bad_file, "eos_token_id");
  refused({{"no_timestamps_token_id", -1}}, ErrorCode::bad_file, "no_timestamps_token_id");
  refused({{"lang_to_id", {{"<|en|>", 700}}}}, ErrorCode::bad_file, "<|en|>");
  refused({{"lang_to_id", {1, 2}}}, ErrorCode::bad_file, "lang_to_id");
  refused({{"alignment_heads", {{0, 1}}}}, ErrorCode::bad_file, "alignment_heads");
  refused({{"alignment_heads", {{0}}}}, ErrorCode::bad_file, "alignment_heads");
  refused({{"alignment_heads", {{0, 0}, {0, 0}}}}, ErrorCode::bad_file, "each once");  // what each costs is memory
  refused({{"forced_decoder_ids", {{2, 5}}}}, ErrorCode::bad_file, "forced_decoder_ids");
  refused({{"forced_decoder_ids", {{1, 5}, {2, nullptr}}}}, ErrorCode::bad_file, "forced_decoder_ids");
  refused({{"max_length", 0}}, ErrorCode::bad_file, "max_length");
  refused({{"early_stopping", "often"}}, ErrorCode::bad_file, "early_stopping");
  refused({{"repetition_penalty", 1.2}}, ErrorCode::unsupported, "repetition_penalty");
  refused({{"num_beams", 5}}, ErrorCode::unsupported, "num_beams");
}
