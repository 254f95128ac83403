#include "lib/generate/settings.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <string>

#include <lmm/error.hpp>

using lmm::ErrorCode;
using lmm::GenerateOptions;
using lmm::generate::GenerationConfig;
using lmm::generate::Settings;
using lmm::generate::TokenIds;

namespace {

constexpr std::int64_t kVocab = 300;
constexpr std::int64_t kPrompt = 10;

/// One token a byte.
TokenIds encode(std::string_view text) {
  TokenIds ids;
  for (const char c : text) ids.push_back(static_cast<unsigned char>(c));
  return ids;
}

GenerationConfig config_of(const std::string& json) {
  return GenerationConfig::parse(lmm::parse_json(json, "test"), "generation_config.json");
}

Settings resolve(const GenerateOptions& options, const std::string& config = "{}") {
  return lmm::generate::resolve(options, config_of(config), kVocab, kPrompt, encode);
}

void check_refused(const GenerateOptions& options, const std::string& part, const std::string& config = "{}",
                   ErrorCode code = ErrorCode::invalid_argument) {
  try {
    resolve(options, config);
    FAIL_CHECK("nothing was thrown, expected: " << part);
  } catch (const lmm::Error& error) {
    const std::string text = error.what();
    CHECK_MESSAGE(error.code() == code, text);
    CHECK_MESSAGE(text.find(part) != std::string::npos, text << " does not hold " << part);
    CHECK_MESSAGE(text.find("expected") != std::string::npos, text);
    CHECK_MESSAGE(text.find('\n') == std::string::npos, text);
  }
}

template <typename Set>
GenerateOptions with(Set set) {
  GenerateOptions options;
  set(options);
  return options;
}

const double kNaN = std::numeric_limits<double>::quiet_NaN();
const double kInf = std::numeric_limits<double>::infinity();

}  // namespace

TEST_CASE("defaults are the reference's") {
  const Settings settings = resolve({});
  CHECK(settings.max_new_tokens == 512);
  CHECK(settings.min_new_tokens == 0);
  CHECK(!settings.sample);
  CHECK(settings.repetition_penalty == 1);
  CHECK(settings.eos.empty());
  const Settings sampling = resolve(with([](auto& o) { o.sample = true; }));
  CHECK(sampling.sample);
  CHECK(sampling.temperature == 1);
  CHECK(sampling.top_k == 50);
  CHECK(sampling.top_p == 1);
  CHECK(sampling.min_p == 0);
  CHECK(sampling.typical_p == 1);
  CHECK(sampling.top_h == 0);
}

TEST_CASE("options go before the checkpoint, the checkpoint before the defaults") {
  const std::string config = R"({"do_sample": true, "temperature": 0.5, "top_k": 7, "top_p": 0.8, "min_p": 0.1,
    "typical_p": 0.7, "top_h": 0.3, "epsilon_cutoff": 0.01, "eta_cutoff": 0.02, "repetition_penalty": 1.2,
    "no_repeat_ngram_size": 3, "max_new_tokens": 30, "min_new_tokens": 2, "eos_token_id": [2, 3], "suppress_tokens": [9]})";
  const Settings from_config = resolve({}, config);
  CHECK(from_config.sample);
  CHECK(from_config.temperature == 0.5);
  CHECK(from_config.top_k == 7);
  CHECK(from_config.top_p == 0.8);
  CHECK(from_config.min_p == 0.1);
  CHECK(from_config.typical_p == 0.7);
  CHECK(from_config.top_h == 0.3);
  CHECK(from_config.epsilon_cutoff == 0.01);
  CHECK(from_config.eta_cutoff == 0.02);
  CHECK(from_config.repetition_penalty == 1.2);
  CHECK(from_config.no_repeat_ngram == 3);
  CHECK(from_config.max_new_tokens == 30);
  CHECK(from_config.min_new_tokens == 2);
  CHECK(from_config.suppress_tokens == TokenIds{9});

  GenerateOptions options;
  options.temperature = 1.5;
  options.top_k = 0;
  options.top_p = 1;
  options.min_p = 0;
  options.typical_p = 1;
  options.repetition_penalty = 1;
  options.no_repeat_ngram = 0;
  options.max_tokens = 5;
  options.min_tokens = 0;
  options.seed = 77;
  const Settings overridden = resolve(options, config);
  CHECK(overridden.sample);
  CHECK(overridden.temperature == 1.5);
  CHECK(overridden.top_k == 0);
  CHECK(overridden.top_p == 1);
  CHECK(overridden.min_p == 0);
  CHECK(overridden.typical_p == 1);
  CHECK(overridden.repetition_penalty == 1);
  CHECK(overridden.no_repeat_ngram == 0);
  CHECK(overridden.max_new_tokens == 5);
  CHECK(overridden.min_new_tokens == 0);
  CHECK(overridden.seed == 77);
}

TEST_CASE("when a reply is sampled") {
  const auto sampled = [](std::optional<bool> sample, std::optional<double> temperature, const char* config) {
    GenerateOptions options;
    options.sample = sample;
    options.temperature = temperature;
    return resolve(options, config).sample;
  };
  const char* greedy = "{}";
  const char* sampling = R"({"do_sample": true, "temperature": 0.6, "top_p": 0.9})";
  CHECK(!sampled({}, {}, greedy));
  CHECK(sampled({}, {}, sampling));
  CHECK(sampled({}, 0.7, greedy));
  CHECK(!sampled({}, 0.0, sampling));
  CHECK(!sampled(false, {}, sampling));
  CHECK(!sampled(false, 0.0, sampling));
  CHECK(sampled(true, {}, greedy));
  CHECK(sampled(true, 0.7, greedy));
}

TEST_CASE("contradictions") {
  check_refused(with([](auto& o) {
                  o.sample = false;
                  o.temperature = 0.7;
                }),
                "temperature is 0.7");
  check_refused(with([](auto& o) {
                  o.sample = true;
                  o.temperature = 0;
                }),
                "temperature is 0,");
  check_refused(with([](auto& o) { o.top_p = 0.9; }), "top_p is 0.9");
  check_refused(with([](auto& o) { o.top_k = 5; }), "top_k is 5");
  check_refused(with([](auto& o) { o.min_p = 0.1; }), "min_p is 0.1");
  check_refused(with([](auto& o) {
                  o.sample = false;
                  o.typical_p = 0.5;
                }),
                "typical_p is 0.5");
  check_refused(with([](auto& o) {
                  o.min_tokens = 6;
                  o.max_tokens = 5;
                }),
                "min_tokens is 6");
  check_refused(with([](auto& o) { o.min_tokens = 6; }), "min_tokens is 6", R"({"max_new_tokens": 5})");
  // These are none: neutral values, and temperature 0 as the limit of sampling with any filter.
  CHECK_NOTHROW(resolve(with([](auto& o) {
    o.top_p = 1;
    o.top_k = 0;
    o.min_p = 0;
    o.typical_p = 1;
  })));
  CHECK(!resolve(with([](auto& o) {
           o.temperature = 0;
           o.top_p = 0.9;
           o.top_k = 40;
         })).sample);
  CHECK_NOTHROW(resolve(with([](auto& o) { o.top_p = 0.9; }), R"({"do_sample": true})"));
  CHECK(resolve(with([](auto& o) { o.max_tokens = 5; }), R"({"min_new_tokens": 9})").min_new_tokens ==
        9);  // the reference warns
}

TEST_CASE("options out of range, named with what is expected") {
  check_refused(with([](auto& o) { o.max_tokens = 0; }), "max_tokens is 0, expected 1 to");
  check_refused(with([](auto& o) { o.max_tokens = std::int64_t{1} << 40; }), "max_tokens is 1099511627776");
  check_refused(with([](auto& o) { o.min_tokens = -1; }), "min_tokens is -1");
  check_refused(with([](auto& o) { o.temperature = -0.1; }), "temperature is -0.1");
  check_refused(with([](auto& o) { o.temperature = kNaN; }), "temperature is nan");
  check_refused(with([](auto& o) { o.temperature = kInf; }), "temperature is inf");
  check_refused(with([](auto& o) { o.top_k = -1; }), "top_k is -1");
  check_refused(with([](auto& o) { o.top_p = 1.01; }), "top_p is 1.01");
  check_refused(with([](auto& o) { o.top_p = kNaN; }), "top_p is nan");
  check_refused(with([](auto& o) { o.min_p = -0.5; }), "min_p is -0.5");
  check_refused(with([](auto& o) { o.typical_p = 0; }), "typical_p is 0");
  check_refused(with([](auto& o) { o.typical_p = 1.5; }), "typical_p is 1.5");
  check_refused(with([](auto& o) { o.repetition_penalty = 0; }), "repetition_penalty is 0");
  check_refused(with([](auto& o) { o.repetition_penalty = kInf; }), "repetition_penalty is inf");
  check_refused(with([](auto& o) { o.presence_penalty = 2.5; }), "presence_penalty is 2.5");
  check_refused(with([](auto& o) { o.frequency_penalty = -3; }), "frequency_penalty is -3");
  check_refused(with([](auto& o) { o.frequency_penalty = kNaN; }), "frequency_penalty is nan");
  check_refused(with([](auto& o) { o.no_repeat_ngram = -1; }), "no_repeat_ngram is -1");
  check_refused(with([](auto& o) { o.logit_bias[4] = kNaN; }), "logit_bias of token 4 is nan");
  check_refused(with([](auto& o) { o.logit_bias[4] = kInf; }), "logit_bias of token 4 is inf");
  check_refused(with([](auto& o) { o.logit_bias[300] = 1; }), "logit_bias names token 300, expected 0 to 299");
  check_refused(with([](auto& o) { o.logit_bias[-1] = 1; }), "logit_bias names token -1");
  check_refused(with([](auto& o) { o.stop = {"a", ""}; }), "stop[1] is empty");
  check_refused(with([](auto& o) { o.stop = {"\xff"}; }), "stop[0] is not UTF-8");
  check_refused(with([](auto& o) { o.bad_words = {""}; }), "bad_words[0] is empty");
  check_refused(with([](auto& o) { o.bad_words = {"\xc3"}; }), "bad_words[0] is not UTF-8");
}

TEST_CASE("values of the checkpoint are checked where they are used") {
  const auto sample = with([](auto& o) { o.sample = true; });
  const ErrorCode bad = ErrorCode::bad_file;
  check_refused(sample, "generation_config.json: temperature is 0", R"({"temperature": 0.0})", bad);
  check_refused(sample, "generation_config.json: top_k is -1", R"({"top_k": -1})", bad);
  check_refused(sample, "generation_config.json: top_p is -0.1", R"({"top_p": -0.1})", bad);
  check_refused(sample, "generation_config.json: min_p is 2", R"({"min_p": 2})", bad);
  check_refused(sample, "generation_config.json: typical_p is 0", R"({"typical_p": 0.0})", bad);
  check_refused(sample, "generation_config.json: top_h is 2", R"({"top_h": 2})", bad);
  check_refused({}, "generation_config.json: repetition_penalty is -1", R"({"repetition_penalty": -1})", bad);
  check_refused({}, "generation_config.json: encoder_repetition_penalty is 0", R"({"encoder_repetition_penalty": 0})",
                bad);
  check_refused({}, "exponential_decay_length_penalty", R"({"exponential_decay_length_penalty": [1, 1.5]})", bad);
  check_refused({}, "bad_words_ids holds token 300", R"({"bad_words_ids": [[300]]})", bad);
  check_refused({}, "sequence_bias holds token 300", R"({"sequence_bias": [[[1, 300], 2.0]]})", bad);
  check_refused({}, "forced_bos_token_id holds token 300", R"({"forced_bos_token_id": 300})", bad);
  check_refused({}, "forced_eos_token_id holds token 300", R"({"forced_eos_token_id": [2, 300]})", bad);
  // Greedy replies use none of these.
  CHECK_NOTHROW(
      resolve({}, R"({"temperature": 0.0, "top_k": -1, "top_p": -0.1, "min_p": 2, "typical_p": 0.0, "top_h": 2})"));
  // An option takes the place of a bad value.
  CHECK(resolve(with([](auto& o) { o.temperature = 0.5; }), R"({"temperature": 0.0})").temperature == 0.5);
  CHECK(resolve(sample, R"({"top_p": 1.5, "epsilon_cutoff": 2.0})").top_p == 1);
}

TEST_CASE("lengths") {
  CHECK(resolve({}, R"({"max_length": 25})").max_new_tokens == 15);
  CHECK(resolve({}, R"({"max_length": 25, "max_new_tokens": 4})").max_new_tokens == 4);
  check_refused({}, "max_length is 10, expected more than the 10 tokens of the prompt", R"({"max_length": 10})");
  CHECK(resolve(with([](auto& o) { o.max_tokens = 3; }), R"({"max_length": 10})").max_new_tokens == 3);
  CHECK(resolve({}, R"({"min_length": 12})").min_length == 12);
  const Settings both = resolve({}, R"({"min_length": 12, "min_new_tokens": 1})");
  CHECK(both.min_length == 0);
  CHECK(both.min_new_tokens == 1);
}

TEST_CASE("bad words are banned with and without a blank before them, besides the checkpoint's own") {
  const Settings settings = resolve(with([](auto& o) { o.bad_words = {"ab", "c", "ab"}; }),
                                    R"({"bad_words_ids": [[7], [2], [99]], "eos_token_id": [2]})");
  // The end token alone is no bad word (NoBadWordsLogitsProcessor); "c" is what the checkpoint bans already.
  CHECK(settings.bad_words == std::vector<TokenIds>{{7}, {99}, {'a', 'b'}, {' ', 'a', 'b'}, {' ', 'c'}});
  const auto nothing = [](std::string_view) { return TokenIds{}; };
  CHECK_THROWS_AS(lmm::generate::resolve(with([](auto& o) { o.bad_words = {"x"}; }), {}, kVocab, kPrompt, nothing),
                  lmm::Error);
}

TEST_CASE("end tokens and stop strings") {
  const std::string config = R"({"eos_token_id": [2, 3], "stop_strings": ["END"]})";
  const Settings settings = resolve(with([](auto& o) { o.stop = {"\n\n"}; }), config);
  CHECK(settings.ends(2));
  CHECK(settings.ends(3));
  CHECK(!settings.ends(4));
  CHECK(settings.stop == std::vector<std::string>{"\n\n", "END"});
  CHECK(!resolve(with([](auto& o) { o.ignore_eos = true; }), config).ends(2));
}

TEST_CASE("a fresh seed differs from call to call") {
  CHECK(resolve({}).seed != resolve({}).seed);  // 64 bits: equal once in 10^19
  CHECK(resolve(with([](auto& o) { o.seed = 0; })).seed == 0);
}
