// Voxtral without weights: what it makes of recordings, and what its config says and refuses.

#include "lib/models/voxtral/config.hpp"
#include "lib/models/voxtral/preprocess.hpp"
#include "tests/unit/models/audio_lmm.hpp"

using namespace lmm;
using audio_lmm::Length;
using audio_lmm::read;
using audio_lmm::refusal;
using support::caught;
using support::has;

TEST_CASE("Voxtral: windows of a recording") {
  const media::LogMelConfig config;
  const auto windows = [&](std::int64_t samples, std::int64_t rate = 16000) {
    return models::voxtral::windows_of(Length(samples, rate), config);
  };
  CHECK(windows(1) == 1);
  CHECK(windows(480000) == 1);
  CHECK(windows(480001) == 2);
  CHECK(windows(960001) == 3);
  CHECK(windows(240001, 8000) == 2);  // counted at the extractor's rate
  CHECK(models::voxtral::windows_of(Length((INT64_C(30) << 20) * 16000), config) == 1 << 20);
  const auto error = caught([&] { models::voxtral::windows_of(Length((INT64_C(30) << 20) * 16000 + 16000), config); });
  CHECK(error.code == ErrorCode::invalid_argument);
  CHECK(error.message == "recording of 31457281 seconds, this model hears at most 31457280");
}

TEST_CASE("Voxtral's config") {
  using models::voxtral::Config;
  const Config published = read(Config::parse, R"({"audio_token_id": 24})");
  CHECK(published.audio_token_id == 24);
  CHECK(published.projector_activation == "gelu");
  CHECK(published.text.vocab_size == 131072);
  CHECK(published.text.hidden_size == 3072);
  CHECK(published.text.layers == 30);
  CHECK(published.text.head_dim == 128);
  CHECK(published.text.context_length == 131072);
  CHECK(!published.text.qkv_bias);
  CHECK(read(Config::parse, R"({"audio_token_id": 24, "text_config": {"num_hidden_layers": 4}})").text.layers == 4);
  CHECK(has(refusal(ErrorCode::bad_file, Config::parse, "{}"), "audio_token_id"));
  CHECK(has(refusal(ErrorCode::bad_file, Config::parse, R"({"audio_token_id": 131072})"), "audio_token_id is 131072"));
  CHECK(
      refusal(ErrorCode::unsupported, Config::parse, R"({"audio_token_id": 1, "text_config": {"model_type": "x"}})") ==
      "test: text_config: model_type is \"x\", only \"llama\" is supported");
}
