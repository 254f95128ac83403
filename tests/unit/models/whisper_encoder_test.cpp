// The config of Whisper's encoder as three families spell it.

#include "lib/towers/audio/whisper_encoder.hpp"
#include "tests/unit/models/audio_lmm.hpp"

using namespace lmm;
using audio_lmm::read;
using audio_lmm::refusal;
using support::has;
using Encoder = lmm::towers::WhisperEncoderConfig;

TEST_CASE("Whisper's encoder: what a config leaves out") {
  const Encoder whisper = read(Encoder::parse, "{}");
  CHECK(whisper.hidden_size == 384);
  CHECK(whisper.layers == 4);
  CHECK(whisper.mel_bins == 80);
  CHECK(whisper.pooling == 1);
  CHECK(whisper.sinusoids);
  for (const Encoder& large : {read(Encoder::parse_qwen2_audio, "{}"), read(Encoder::parse_voxtral, "{}")}) {
    CHECK(large.hidden_size == 1280);
    CHECK(large.intermediate_size == 5120);
    CHECK(large.layers == 32);
    CHECK(large.heads == 20);
    CHECK(large.mel_bins == 128);
    CHECK(large.frames() == 3000);
    CHECK(large.activation == "gelu");
    CHECK(!large.sinusoids);
  }
  CHECK(read(Encoder::parse_qwen2_audio, "{}").pooling == 2);
  CHECK(read(Encoder::parse_voxtral, "{}").pooling == 1);
}

TEST_CASE("Whisper's encoder: which spelling wins") {
  const char* both = R"({"d_model": 64, "hidden_size": 32, "encoder_layers": 3, "num_hidden_layers": 5,
      "encoder_attention_heads": 4, "num_attention_heads": 8, "encoder_ffn_dim": 10, "intermediate_size": 20})";
  const Encoder whisper = read(Encoder::parse, both);
  CHECK(whisper.hidden_size == 32);
  CHECK(whisper.layers == 5);
  CHECK(whisper.heads == 8);
  CHECK(whisper.intermediate_size == 10);  // no other name stands for this one
  const Encoder qwen = read(Encoder::parse_qwen2_audio, both);
  CHECK(qwen.hidden_size == 32);
  CHECK(qwen.layers == 5);
  CHECK(qwen.heads == 8);
  CHECK(qwen.intermediate_size == 20);
  const Encoder voxtral = read(Encoder::parse_voxtral, both);
  CHECK(voxtral.hidden_size == 64);
  CHECK(voxtral.layers == 3);
  CHECK(voxtral.heads == 4);
  CHECK(voxtral.intermediate_size == 10);
}

TEST_CASE("Whisper's encoder: what is refused") {
  CHECK(refusal(ErrorCode::bad_file, Encoder::parse_qwen2_audio, R"({"d_model": 64, "num_attention_heads": 5})") ==
        "test: d_model 64 is not a multiple of num_attention_heads 5");
  CHECK(refusal(ErrorCode::bad_file, Encoder::parse_voxtral, R"({"hidden_size": 64, "num_attention_heads": 5})") ==
        "test: hidden_size 64 is not a multiple of num_attention_heads 5");
  CHECK(has(refusal(ErrorCode::bad_file, Encoder::parse_qwen2_audio, R"({"max_source_positions": 1})"),
            "max_source_positions is 1, expected at least 2"));
  CHECK(has(refusal(ErrorCode::bad_file, Encoder::parse_voxtral, R"({"encoder_layers": 0})"), "encoder_layers is 0"));
  CHECK(has(refusal(ErrorCode::unsupported, Encoder::parse_voxtral, R"({"activation_function": "sine"})"), "sine"));
}
