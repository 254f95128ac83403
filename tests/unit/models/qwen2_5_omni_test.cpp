// What Qwen2.5-Omni makes of recordings before its encoder, and what its configs refuse.

#include "lib/core/error.hpp"
#include "lib/models/qwen2_5_omni/config.hpp"
#include "lib/models/qwen2_5_omni/preprocess.hpp"
#include "lib/towers/audio/qwen2_5_omni_encoder.hpp"

#include <lmm/message.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <string>
#include <vector>

using namespace lmm;
namespace omni = lmm::models::qwen2_5_omni;

namespace {

std::shared_ptr<const media::Sound> sound_of(std::int64_t samples, std::int64_t rate = 16000) {
  std::vector<float> wave(static_cast<std::size_t>(samples));
  for (std::size_t i = 0; i < wave.size(); ++i) wave[i] = 0.5f * std::sin(0.05f * static_cast<float>(i * i % 7919));
  return Audio::from_samples({wave.data(), wave.size() * sizeof(float), rate}).sound();
}

media::LogMelConfig mel_of(std::int64_t chunk, float padding = 0.0f) {
  media::LogMelConfig config;
  config.mels = 20;
  config.chunk = chunk;
  config.padding_value = padding;
  return config;
}

std::string refusal(ErrorCode code, const auto& call) {
  try {
    call();
  } catch (const Error& error) {
    CHECK(error.code() == code);
    return error.what();
  }
  return "none";
}

towers::OmniAudioConfig audio_of(const char* json) {
  const Json object = parse_json(json, "test");
  return towers::OmniAudioConfig::parse(Fields(object, "test"));
}

omni::Config config_of(const char* json) {
  const Json object = parse_json(json, "test");
  return omni::Config::parse(omni::thinker_fields(Fields(object, "test")));
}

}  // namespace

TEST_CASE("frames and rows of a recording") {
  const media::LogMelConfig config = mel_of(2);
  CHECK(omni::sound_frames(*sound_of(321), config) == 3);
  CHECK(omni::sound_frames(*sound_of(480), config) == 3);
  CHECK(omni::sound_frames(*sound_of(481), config) == 4);
  CHECK(omni::sound_frames(*sound_of(8000, 8000), config) == 100);  // at the extractor's rate
  CHECK(omni::sound_frames(*sound_of(32000), config) == 200);
  CHECK(refusal(ErrorCode::invalid_argument, [&] { omni::sound_frames(*sound_of(50000), config); }) ==
        "recording of 3.125 seconds, this model hears at most 2: give a part of it");
  CHECK(refusal(ErrorCode::invalid_argument, [&] { omni::sound_frames(*sound_of(320), config); }) ==
        "recording of 320 samples at 16000 Hz, expected at least 321");
  // _get_feat_extract_output_lengths
  for (const auto& [frames, rows] : {std::pair(1, 0), {2, 0}, {3, 1}, {4, 1}, {6, 1}, {7, 2}, {200, 50}, {201, 50}, {203, 51}}) {
    CHECK(towers::omni_audio_rows(frames) == rows);
  }
}

TEST_CASE("features are those of the recording padded to a whole chunk") {
  for (const float padding : {0.0f, 0.01f}) {
    for (const std::int64_t samples : {321, 1600, 15999, 16000, 31840, 32000}) {
      const auto sound = sound_of(samples);
      const media::LogMelConfig config = mel_of(2, padding);
      const std::int64_t frames = omni::sound_frames(*sound, config);
      media::LogMel whole(config, sound, config.chunk_samples());
      CHECK(whole.sound_frames() == frames);
      std::vector<float> expected(static_cast<std::size_t>(frames * config.mels));
      whole.features(0, frames, expected);
      CHECK(omni::sound_features(sound, config) == expected);
    }
  }
}

TEST_CASE("audio_config") {
  const towers::OmniAudioConfig published = audio_of("{}");
  CHECK(published.hidden_size == 1280);
  CHECK(published.layers == 32);
  CHECK(published.window == 100);
  CHECK(published.chunk_frames() == 200);
  CHECK(published.out_hidden_size == 3584);
  CHECK(audio_of(R"({"hidden_size": 64, "d_model": 32, "num_attention_heads": 4})").hidden_size == 64);
  const auto said = [](const char* json) { return refusal(ErrorCode::bad_file, [&] { audio_of(json); }); };
  CHECK(said(R"({"d_model": 30, "encoder_attention_heads": 4})") ==
        "test: d_model is 30, expected an even multiple of encoder_attention_heads 4");
  CHECK(said(R"({"d_model": 35, "encoder_attention_heads": 5})").find("even multiple") != std::string::npos);
  CHECK(said(R"({"n_window": 1501})") == "test: max_source_positions is 1500, expected at least the 1501 of n_window");
  CHECK(said(R"({"n_window": "many"})").starts_with("test: n_window is"));
  CHECK(refusal(ErrorCode::unsupported, [] { audio_of(R"({"activation_function": "sine"})"); })
            .starts_with("test: activation_function: "));
}

TEST_CASE("the thinker's config, within a whole model's or alone") {
  const omni::Config whole = config_of(R"({"model_type": "qwen2_5_omni", "thinker_config": {"audio_token_index": 5,
      "position_id_per_seconds": 13, "text_config": {"hidden_size": 256, "num_attention_heads": 2, "num_key_value_heads": 2, "tie_word_embeddings": true}}})");
  CHECK(whole.audio_token_id == 5);
  CHECK(whole.image_token_id == 151655);
  CHECK(whole.video_token_id == 151656);
  CHECK(whole.position_id_per_seconds == 13);
  CHECK(whole.text.hidden_size == 256);
  CHECK(whole.text.layers == 28);
  CHECK(!whole.tie_word_embeddings);  // the thinker's own field decides
  CHECK(config_of(R"({"model_type": "qwen2_5_omni_thinker", "audio_token_id": 6, "audio_token_index": 5,
      "tie_word_embeddings": true})").audio_token_id == 6);
  CHECK(refusal(ErrorCode::bad_file, [] { config_of(R"({"model_type": "qwen2_5_omni_thinker", "audio_token_index": 152064})"); }) ==
        "test: audio_token_index is 152064, the vocabulary has 152064 entries");
  CHECK(refusal(ErrorCode::unsupported, [] { config_of(R"({"model_type": "qwen2_5_omni", "thinker_config": {"model_type": "other"}})"); }) ==
        "test: thinker_config: model_type is \"other\", only \"qwen2_5_omni_thinker\" is supported");
  CHECK(refusal(ErrorCode::unsupported, [] { config_of(R"({"model_type": "qwen2_5_omni_thinker", "text_config": {"model_type": "llama"}})"); })
            .find("only \"qwen2_5_omni_text\" is supported") != std::string::npos);
}
