#include "lib/generate/config.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include <unistd.h>

#include <lmm/error.hpp>

using lmm::ErrorCode;
using lmm::generate::GenerationConfig;
using lmm::generate::TokenIds;

namespace {

GenerationConfig parse(const std::string& json) {
  return GenerationConfig::parse(lmm::parse_json(json, "test"), "generation_config.json");
}

/// Code and text of the error that parsing gives.
std::pair<ErrorCode, std::string> refusal(const std::string& json) {
  try {
    parse(json);
  } catch (const lmm::Error& error) {
    return {error.code(), error.what()};
  }
  return {ErrorCode::internal, "nothing was thrown for " + json};
}

bool contains(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

struct Folder {
  std::filesystem::path path =
      std::filesystem::temp_directory_path() / ("lmm_generation_config_" + std::to_string(::getpid()));
  Folder() { std::filesystem::create_directories(path); }
  ~Folder() { std::filesystem::remove_all(path); }
  void write(const char* name, const char* text) const { std::ofstream(path / name) << text; }
};

}  // namespace

TEST_CASE("every field of a generation config is read") {
  const GenerationConfig config = parse(R"({
    "max_length": 100, "max_new_tokens": 40, "min_length": 3, "min_new_tokens": 2, "stop_strings": ["###", "END"],
    "do_sample": true, "temperature": 0.7, "top_k": 20, "top_p": 0.8, "min_p": 0.05, "top_h": 0.4, "typical_p": 0.9,
    "epsilon_cutoff": 0.001, "eta_cutoff": 0.002, "repetition_penalty": 1.1, "encoder_repetition_penalty": 1.2,
    "no_repeat_ngram_size": 3, "encoder_no_repeat_ngram_size": 4, "bad_words_ids": [[5], [6, 7]],
    "sequence_bias": [[[8], 1.5], [[8, 9], -2], [[8], 2.5]], "renormalize_logits": true, "remove_invalid_values": true,
    "forced_bos_token_id": 1, "forced_eos_token_id": [2, 3], "exponential_decay_length_penalty": [4, 1.5],
    "suppress_tokens": [10, 11, 10, -1], "begin_suppress_tokens": [12], "bos_token_id": 1, "pad_token_id": 0,
    "eos_token_id": [2, 3, 2], "transformers_version": "5.23.0", "_from_model_config": true, "something_new": {}})");
  CHECK(config.max_length == 100);
  CHECK(config.max_new_tokens == 40);
  CHECK(config.min_length == 3);
  CHECK(config.min_new_tokens == 2);
  CHECK(config.stop_strings == std::vector<std::string>{"###", "END"});
  CHECK(config.do_sample);
  CHECK(config.temperature == 0.7);
  CHECK(config.top_k == 20);
  CHECK(config.top_p == 0.8);
  CHECK(config.min_p == 0.05);
  CHECK(config.top_h == 0.4);
  CHECK(config.typical_p == 0.9);
  CHECK(config.epsilon_cutoff == 0.001);
  CHECK(config.eta_cutoff == 0.002);
  CHECK(config.repetition_penalty == 1.1);
  CHECK(config.encoder_repetition_penalty == 1.2);
  CHECK(config.no_repeat_ngram_size == 3);
  CHECK(config.encoder_no_repeat_ngram_size == 4);
  CHECK(config.bad_words_ids == std::vector<TokenIds>{{5}, {6, 7}});
  REQUIRE(config.sequence_bias.size() == 2);  // given twice, the last bias counts
  CHECK(config.sequence_bias[0].ids == TokenIds{8});
  CHECK(config.sequence_bias[0].bias == 2.5);
  CHECK(config.sequence_bias[1].ids == TokenIds{8, 9});
  CHECK(config.sequence_bias[1].bias == -2);
  CHECK(config.renormalize_logits);
  CHECK(config.remove_invalid_values);
  CHECK(config.forced_bos_token_id == 1);
  CHECK(config.forced_eos_token_id == TokenIds{2, 3});
  CHECK(config.exponential_decay_length_penalty == std::pair<std::int64_t, double>(4, 1.5));
  CHECK(config.suppress_tokens == TokenIds{10, 11});
  CHECK(config.begin_suppress_tokens == TokenIds{12});
  CHECK(config.bos_token_id == 1);
  CHECK(config.pad_token_id == 0);
  CHECK(config.eos_token_id == TokenIds{2, 3});
}

TEST_CASE("single values, nulls and an empty object") {
  CHECK(parse(R"({"eos_token_id": 7})").eos_token_id == TokenIds{7});
  CHECK(parse(R"({"eos_token_id": null})").eos_token_id.empty());
  CHECK(parse(R"({"eos_token_id": -1, "pad_token_id": -1})").eos_token_id.empty());
  CHECK(!parse(R"({"pad_token_id": -1})").pad_token_id);
  CHECK(parse(R"({"forced_eos_token_id": 7})").forced_eos_token_id == TokenIds{7});
  CHECK(parse(R"({"stop_strings": "x"})").stop_strings == std::vector<std::string>{"x"});
  CHECK(parse(R"({"bad_words_ids": [[], [3]]})").bad_words_ids == std::vector<TokenIds>{{3}});
  const GenerationConfig empty = parse("{}");
  CHECK(!empty.do_sample);
  CHECK(!empty.temperature);
  CHECK(!empty.max_new_tokens);
}

TEST_CASE("what would change the output and is not implemented is refused by name") {
  for (const char* json :
       {R"({"num_beams": 4})", R"({"num_beam_groups": 2})", R"({"num_return_sequences": 2})",
        R"({"penalty_alpha": 0.6})", R"({"dola_layers": "high"})", R"({"constraints": [1]})",
        R"({"force_words_ids": [[1]]})", R"({"guidance_scale": 1.5})", R"({"watermarking_config": {"bias": 2.5}})",
        R"({"token_healing": true})", R"({"max_time": 10.0})", R"({"use_mtp": true})", R"({"is_assistant": true})",
        R"({"prompt_lookup_num_tokens": 3})", R"({"assistant_early_exit": 4})",
        R"({"cache_implementation": "quantized"})"}) {
    const auto [code, text] = refusal(json);
    const std::string name = lmm::parse_json(json, "test").begin().key();
    CHECK_MESSAGE(code == ErrorCode::unsupported, text);
    CHECK_MESSAGE(contains(text, name + " is "), text);
    CHECK_MESSAGE(contains(text, "generation_config.json"), text);
  }
}

TEST_CASE("the same fields with values that change nothing are taken") {
  CHECK_NOTHROW(parse(R"({"num_beams": 1, "num_beam_groups": 1, "num_return_sequences": 1, "penalty_alpha": 0.0,
    "dola_layers": null, "constraints": null, "force_words_ids": null, "guidance_scale": 1.0, "watermarking_config": null,
    "token_healing": false, "max_time": null, "use_mtp": false, "is_assistant": false, "cache_implementation": "static",
    "early_stopping": "never", "length_penalty": 2.0, "diversity_penalty": 0.5, "use_cache": false, "output_scores": true,
    "num_assistant_tokens": 20, "assistant_confidence_threshold": 0.4, "decoder_start_token_id": 3})"));
}

TEST_CASE("wrong values are bad_file and named") {
  for (const char* json : {R"({"temperature": "hot"})",
                           R"({"top_k": 1.5})",
                           R"({"do_sample": "yes"})",
                           R"({"max_new_tokens": 0})",
                           R"({"max_length": -3})",
                           R"({"min_new_tokens": -1})",
                           R"({"eos_token_id": "end"})",
                           R"({"eos_token_id": 4294967296})",
                           R"({"eos_token_id": [1, 2.5]})",
                           R"({"forced_bos_token_id": -2})",
                           R"({"bad_words_ids": []})",
                           R"({"bad_words_ids": [5]})",
                           R"({"bad_words_ids": [[-5]]})",
                           R"({"bad_words_ids": "x"})",
                           R"({"sequence_bias": []})",
                           R"({"sequence_bias": [[[1], 2, 3]]})",
                           R"({"sequence_bias": [[[], 2]]})",
                           R"({"sequence_bias": {"1": 2}})",
                           R"({"stop_strings": [""]})",
                           R"({"stop_strings": [3]})",
                           R"({"stop_strings": 3})",
                           R"({"exponential_decay_length_penalty": [1]})",
                           R"({"exponential_decay_length_penalty": [-1, 1.5]})",
                           R"({"streamer": "x"})",
                           R"({"forced_eos_token_id": 5, "suppress_tokens": [5]})",
                           R"({"forced_bos_token_id": 5, "suppress_tokens": [5]})"}) {
    const auto [code, text] = refusal(json);
    const std::string name = lmm::parse_json(json, "test").begin().key();
    CHECK_MESSAGE(code == ErrorCode::bad_file, text);
    CHECK_MESSAGE(contains(text, "generation_config.json: " + name + " is "), text);
    CHECK_MESSAGE(contains(text, "expected"), text);
    CHECK_MESSAGE(!contains(text, "\n"), text);
  }
  CHECK(refusal("[1]").first == ErrorCode::bad_file);
}

TEST_CASE("fallback to the model config") {
  const auto from = [](const char* json) {
    return GenerationConfig::from_model_config(lmm::parse_json(json, "test"), "config.json");
  };
  SUBCASE("the outer value goes before that of the text model") {
    const GenerationConfig config =
        from(R"({"pad_token_id": 3, "top_p": 0.9, "text_config": {"top_p": 0.5, "top_k": 4, "eos_token_id": [7, 8]}})");
    CHECK(config.pad_token_id == 3);
    CHECK(config.top_p == 0.9);
    CHECK(config.top_k == 4);
    CHECK(config.eos_token_id == TokenIds{7, 8});
    CHECK(config.where == "config.json");
  }
  SUBCASE("the old default of max_length is taken as unset, any other value as meant") {
    CHECK(!from(R"({"max_length": 20})").max_length);
    CHECK(from(R"({"max_length": 21})").max_length == 21);
  }
  SUBCASE("fields of the model that generation does not know are left alone") {
    CHECK_NOTHROW(from(R"({"hidden_size": "many", "text_config": {"streamer": 1}})"));
  }
  SUBCASE("an unsupported value there is refused too") {
    CHECK_THROWS_AS(from(R"({"text_config": {"num_beams": 5}})"), lmm::Error);
  }
}

TEST_CASE("where a thinker answers, its own config tells how, and the whole model's file nothing") {
  const Folder folder;
  folder.write("config.json", R"({"eos_token_id": 5, "thinker_config": {"eos_token_id": 7, "text_config": {"pad_token_id": 8}}})");
  folder.write("generation_config.json", R"({"eos_token_id": 6, "do_sample": true})");
  const GenerationConfig config = GenerationConfig::load(folder.path);
  CHECK(config.eos_token_id == TokenIds{7});
  CHECK(config.pad_token_id == 8);
  CHECK(!config.do_sample);
  folder.write("config.json", R"({"thinker_config": {"eos_token_id": "seven"}})");
  CHECK_THROWS_WITH_AS(GenerationConfig::load(folder.path), doctest::Contains("thinker_config: eos_token_id"), lmm::Error);
}

TEST_CASE("loading from a folder") {
  const Folder folder;
  CHECK(GenerationConfig::load(folder.path).eos_token_id.empty());
  folder.write("config.json", R"({"eos_token_id": 5})");
  CHECK(GenerationConfig::load(folder.path).eos_token_id == TokenIds{5});
  folder.write("generation_config.json", R"({"eos_token_id": 6})");
  const GenerationConfig config = GenerationConfig::load(folder.path);
  CHECK(config.eos_token_id == TokenIds{6});
  CHECK(contains(config.where, "generation_config.json"));
  folder.write("generation_config.json", "{\n \"eos_token_id\": }");
  try {
    GenerationConfig::load(folder.path);
    FAIL("broken JSON was taken");
  } catch (const lmm::Error& error) {
    CHECK(error.code() == ErrorCode::bad_file);
    CHECK_MESSAGE(contains(error.what(), "line 2"), error.what());
  }
}
