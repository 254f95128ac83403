// Qwen2-Audio without weights: what it makes of recordings, and what its config says and refuses.

#include "lib/models/qwen2_audio/config.hpp"
#include "lib/models/qwen2_audio/preprocess.hpp"
#include "tests/unit/models/audio_lmm.hpp"

using namespace lmm;
using audio_lmm::Length;
using audio_lmm::read;
using audio_lmm::refusal;
using support::caught;

TEST_CASE("Qwen2-Audio: positions and rows of a recording") {
  media::LogMelConfig config;
  const auto plan = [&](std::int64_t samples) {
    const auto plan = models::qwen2_audio::plan_sound(Length(samples), config);
    return std::pair(plan.positions, plan.rows);
  };
  CHECK(plan(321) == std::pair<std::int64_t, std::int64_t>(2, 1));  // 3 frames
  CHECK(plan(640) == std::pair<std::int64_t, std::int64_t>(2, 1));
  CHECK(plan(641) == std::pair<std::int64_t, std::int64_t>(3, 1));  // 5 frames
  CHECK(plan(961) == std::pair<std::int64_t, std::int64_t>(4, 2));  // 7 frames
  CHECK(plan(480000) == std::pair<std::int64_t, std::int64_t>(1500, 750));
  CHECK(caught([&] { plan(480001); }).message ==
        "recording of 30.00006 seconds, this model hears at most 30: give a part of it");
  CHECK(caught([&] { plan(320); }).message == "recording of 320 samples at 16000 Hz, expected at least 321");
}

TEST_CASE("Qwen2-Audio's config") {
  using models::qwen2_audio::Config;
  const Config published = read(Config::parse, "{}");
  CHECK(published.audio_token_id == 151646);
  CHECK(published.text.vocab_size == 151936);
  CHECK(published.text.hidden_size == 4096);
  CHECK(published.text.kv_heads == 32);
  CHECK(published.text.qkv_bias);
  CHECK(read(Config::parse, R"({"audio_token_id": 6, "audio_token_index": 5})").audio_token_id == 6);
  CHECK(refusal(ErrorCode::bad_file, Config::parse, R"({"audio_token_index": 151936})") ==
        "test: audio_token_index is 151936, the vocabulary has 151936 entries");
  CHECK(refusal(ErrorCode::unsupported, Config::parse, R"({"text_config": {"model_type": "llama"}})") ==
        "test: text_config: model_type is \"llama\", only \"qwen2\" is supported");
  CHECK(refusal(ErrorCode::unsupported, models::qwen2_audio::audio_fields,
                R"({"audio_config": {"model_type": "whisper"}})") ==
        "test: audio_config: model_type is \"whisper\", only \"qwen2_audio_encoder\" is supported");
}

TEST_CASE("Qwen2-Audio's placeholder") {
  support::Folder folder;
  const auto token = [&] { return models::qwen2_audio::audio_token(folder.path()); };
  CHECK(token() == "<|AUDIO|>");
  folder.write_json("processor_config.json", {{"audio_token", "<p>"}});
  CHECK(token() == "<p>");
  folder.write_json("tokenizer_config.json", {{"extra_special_tokens", {{"audio_token", {{"content", "<e>"}}}}}});
  CHECK(token() == "<e>");
  folder.write_json("tokenizer_config.json", {{"audio_token", "<t>"}});
  CHECK(token() == "<t>");
  folder.write_json("tokenizer_config.json", {{"audio_token", 3}});
  CHECK(caught([&] { token(); }).code == ErrorCode::bad_file);
}
