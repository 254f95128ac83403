#include "tests/capi/support.hpp"

#include <cmath>
#include <fstream>
#include <iterator>
#include <limits>

using namespace capi_test;

namespace {

std::string sound_file(const char* name) { return std::string(LMM_TEST_DATA) + "/sounds/" + name; }

Own<lmm_audio> beep(const lmm_allocator* allocator = nullptr) {
  std::vector<float> samples(1600);
  for (std::size_t i = 0; i < samples.size(); ++i) samples[i] = i % 16 < 8 ? 0.25f : -0.25f;
  Own<lmm_audio> audio;
  ok([&](lmm_error** e) {
    return lmm_audio_from_samples(allocator, samples.data(), samples.size() * 4, 16000, 1, LMM_SAMPLE_F32, &audio, e);
  });
  return audio;
}

}  // namespace

TEST_CASE("a recording from a file, and from memory") {
  const std::string path = sound_file("question.flac");
  Own<lmm_audio> opened;
  ok([&](lmm_error** e) { return lmm_audio_open(nullptr, path.data(), path.size(), &opened, e); });
  CHECK(lmm_audio_rate(opened) == 16000);
  CHECK(lmm_audio_channels(opened) == 1);
  CHECK(lmm_audio_seconds(opened) == doctest::Approx(1.799375));
  std::ifstream file(path, std::ios::binary);
  const std::string bytes(std::istreambuf_iterator<char>(file), {});
  Own<lmm_audio> decoded;
  ok([&](lmm_error** e) { return lmm_audio_decode(nullptr, bytes.data(), bytes.size(), &decoded, e); });
  CHECK(lmm_audio_seconds(decoded) == lmm_audio_seconds(opened));
}

TEST_CASE("a recording of the host's samples") {
  CHECK(lmm_audio_seconds(beep()) == doctest::Approx(0.1));
  const int16_t samples[] = {0, 1, 2, 3, 4, 5};
  Own<lmm_audio> audio;
  ok([&](lmm_error** e) {
    return lmm_audio_from_samples(nullptr, samples, sizeof samples, 8000, 2, LMM_SAMPLE_S16, &audio, e);
  });
  CHECK(lmm_audio_rate(audio) == 8000);
  CHECK(lmm_audio_channels(audio) == 2);
  CHECK(lmm_audio_seconds(audio) == 3.0 / 8000);
}

TEST_CASE("how live sound is heard, and a model that does not hear") {
  Own<lmm_listen_options> options;
  ok([&](lmm_error** e) { return lmm_listen_options_create(nullptr, &options, e); });
  const auto takes = [&](auto setter, std::initializer_list<double> values) {
    for (const double value : values) ok([&](lmm_error** e) { return setter(options, value, e); });
  };
  const auto refuses = [&](auto setter, std::initializer_list<double> values) {
    for (const double value : values) {
      fails(LMM_ERROR_INVALID_ARGUMENT, {"seconds", "expected"}, [&](lmm_error** e) { return setter(options, value, e); });
    }
  };
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  takes(lmm_listen_options_set_silence, {0.1, 5});
  refuses(lmm_listen_options_set_silence, {0, 0.09, 5.1, -1, kNan, kInfinity});
  takes(lmm_listen_options_set_partial_after, {0, 0.1, 60});
  refuses(lmm_listen_options_set_partial_after, {0.05, 61, -1, kNan, kInfinity});
  takes(lmm_listen_options_set_longest, {1, 29});
  refuses(lmm_listen_options_set_longest, {0, 0.9, 29.5, -1, kNan, kInfinity});
  const Own<lmm_generate_options> speech = new_options(5);
  ok([&](lmm_error** e) { return lmm_listen_options_set_speech(options, speech, e); });

  const Own<lmm_session> session = new_session();
  lmm_listener* listener = untouched<lmm_listener>();
  fails(LMM_ERROR_UNSUPPORTED, {"does not write down speech"},
        [&](lmm_error** e) { return lmm_session_listen(session, options, &listener, e); });
  CHECK(listener == untouched<lmm_listener>());
}

TEST_CASE("what is no recording") {
  lmm_audio* audio = untouched<lmm_audio>();
  const auto open = [&](lmm_code code, const std::string& part, const std::string& path) {
    fails(code, {part}, [&](lmm_error** e) { return lmm_audio_open(nullptr, path.data(), path.size(), &audio, e); });
  };
  open(LMM_ERROR_NOT_FOUND, "no such file", "/nonexistent.wav");
  open(LMM_ERROR_IO, "is a folder", "/tmp");
  open(LMM_ERROR_BAD_FILE, "expected a WAV", picture_file());
  fails(LMM_ERROR_BAD_FILE, {"is empty"}, [&](lmm_error** e) { return lmm_audio_decode(nullptr, nullptr, 0, &audio, e); });
  fails(LMM_ERROR_BAD_FILE, {"begins with 'text'"},
        [&](lmm_error** e) { return lmm_audio_decode(nullptr, "text", 4, &audio, e); });
  const float samples[] = {0.0f, std::numeric_limits<float>::quiet_NaN()};
  const auto refuse = [&](const char* part, const void* data, std::size_t size, int64_t rate, int64_t channels, int32_t format) {
    fails(LMM_ERROR_INVALID_ARGUMENT, {part}, [&](lmm_error** e) {
      return lmm_audio_from_samples(nullptr, data, size, rate, channels, format, &audio, e);
    });
  };
  refuse("sample 1 is nan", samples, 8, 16000, 1, LMM_SAMPLE_F32);
  refuse("rate is 1 Hz", samples, 4, 1, 1, LMM_SAMPLE_F32);
  refuse("255 channels", samples, 4, 16000, 255, LMM_SAMPLE_F32);
  refuse("format is 2", samples, 4, 16000, 1, 2);
  refuse("none", samples, 0, 16000, 1, LMM_SAMPLE_F32);
  CHECK(audio == untouched<lmm_audio>());
  for (const bool memory : {false, true}) {
    fails(LMM_ERROR_INVALID_ARGUMENT, {"audio"}, [&](lmm_error** e) {
      return memory ? lmm_audio_decode(nullptr, "x", 1, nullptr, e) : lmm_audio_open(nullptr, "x", 1, nullptr, e);
    });
  }
}

TEST_CASE("a message holds recordings") {
  Own<lmm_message> message;
  ok([&](lmm_error** e) { return lmm_message_create(nullptr, &message, e); });
  {
    const Own<lmm_audio> audio = beep();
    ok([&](lmm_error** e) { return lmm_message_add_audio(message, audio, e); });
  }
  ok([&](lmm_error** e) { return lmm_message_add_text(message, "What was said?", LMM_STRLEN, e); });
  fails(LMM_ERROR_INVALID_ARGUMENT, {"audio"}, [&](lmm_error** e) { return lmm_message_add_audio(message, nullptr, e); });
  REQUIRE(lmm_message_count(message) == 2);
  CHECK(lmm_message_kind(message, 0) == LMM_PART_AUDIO);
  CHECK(lmm_message_text(message, 0, nullptr) == nullptr);
  CHECK(lmm_message_image(message, 0) == nullptr);
  CHECK(lmm_audio_rate(lmm_message_audio(message, 0)) == 16000);
  CHECK(lmm_message_audio(message, 1) == nullptr);
  CHECK(lmm_message_audio(message, 9) == nullptr);
  Own<lmm_history> history;
  ok([&](lmm_error** e) { return lmm_history_create(nullptr, &history, e); });
  ok([&](lmm_error** e) { return lmm_history_add(history, "user", LMM_STRLEN, message, e); });
  CHECK(lmm_message_kind(lmm_history_message(history, 0), 0) == LMM_PART_AUDIO);
}

TEST_CASE("recordings in the host's memory") {
  Allocator allocator;
  {
    const Own<lmm_audio> audio = beep(allocator);
    Own<lmm_message> message;
    ok([&](lmm_error** e) { return lmm_message_create(allocator, &message, e); });
    ok([&](lmm_error** e) { return lmm_message_add_audio(message, audio, e); });
    CHECK(allocator.live() > 0);
  }
  CHECK(allocator.live() == 0);
}

TEST_CASE("a model that does not hear says so") {
  CHECK(lmm_info_hears(lmm_model_info(model())) == LMM_FALSE);
  CHECK(lmm_info_transcribes(lmm_model_info(model())) == LMM_FALSE);
  Own<lmm_message> message = say("What was said?");
  const Own<lmm_audio> audio = beep();
  ok([&](lmm_error** e) { return lmm_message_add_audio(message, audio, e); });
  const Own<lmm_session> session = new_session();
  lmm_reply* reply = untouched<lmm_reply>();
  fails(LMM_ERROR_UNSUPPORTED, {}, [&](lmm_error** e) {
    return lmm_session_ask(session, message, nullptr, nullptr, nullptr, &reply, e);
  });
  CHECK(reply == untouched<lmm_reply>());
  Own<lmm_session_options> options;
  ok([&](lmm_error** e) { return lmm_session_options_create(nullptr, &options, e); });
  fails(LMM_ERROR_INVALID_ARGUMENT, {"does not write down speech"},
        [&](lmm_error** e) { return lmm_session_options_set_transcriber(options, model(), e); });
  ok([&](lmm_error** e) { return lmm_session_options_set_transcriber(options, nullptr, e); });
}

TEST_CASE("how speech is written down") {
  Own<lmm_generate_options> options;
  ok([&](lmm_error** e) { return lmm_generate_options_create(nullptr, &options, e); });
  const double temperatures[] = {0.0, 0.5, 1.0}, hot[] = {0.0, 1.5};
  const double nan = std::nan("");
  ok([&](lmm_error** e) { return lmm_generate_options_set_speech_language(options, "German", LMM_STRLEN, e); });
  ok([&](lmm_error** e) { return lmm_generate_options_set_speech_translate(options, LMM_TRUE, e); });
  ok([&](lmm_error** e) { return lmm_generate_options_set_speech_times(options, LMM_SPEECH_TIMES_WORDS, e); });
  ok([&](lmm_error** e) { return lmm_generate_options_set_speech_prompt(options, "Names: Ada.", LMM_STRLEN, e); });
  ok([&](lmm_error** e) { return lmm_generate_options_set_speech_condition_on_previous(options, LMM_TRUE, e); });
  ok([&](lmm_error** e) { return lmm_generate_options_set_speech_beams(options, 5, e); });
  ok([&](lmm_error** e) { return lmm_generate_options_set_speech_temperatures(options, temperatures, 3, e); });
  ok([&](lmm_error** e) { return lmm_generate_options_set_speech_temperatures(options, nullptr, 0, e); });
  ok([&](lmm_error** e) { return lmm_generate_options_set_speech_compression_ratio_threshold(options, 2.4, e); });
  ok([&](lmm_error** e) { return lmm_generate_options_set_speech_log_probability_threshold(options, -0.5, e); });
  ok([&](lmm_error** e) { return lmm_generate_options_set_speech_no_speech_threshold(options, 0.3, e); });
  const auto refuse = [](const char* part, const Call& call) { fails(LMM_ERROR_INVALID_ARGUMENT, {part}, call); };
  refuse("times is 3", [&](lmm_error** e) { return lmm_generate_options_set_speech_times(options, 3, e); });
  refuse("beams is 0", [&](lmm_error** e) { return lmm_generate_options_set_speech_beams(options, 0, e); });
  refuse("beams is 33", [&](lmm_error** e) { return lmm_generate_options_set_speech_beams(options, 33, e); });
  refuse("temperatures[1] is 1.5",
         [&](lmm_error** e) { return lmm_generate_options_set_speech_temperatures(options, hot, 2, e); });
  refuse("temperatures is NULL",
         [&](lmm_error** e) { return lmm_generate_options_set_speech_temperatures(options, nullptr, 2, e); });
  refuse("count", [&](lmm_error** e) { return lmm_generate_options_set_speech_temperatures(options, hot, SIZE_MAX, e); });
  refuse("nan", [&](lmm_error** e) { return lmm_generate_options_set_speech_no_speech_threshold(options, nan, e); });
  refuse("nan", [&](lmm_error** e) { return lmm_generate_options_set_speech_log_probability_threshold(options, nan, e); });
  refuse("nan", [&](lmm_error** e) { return lmm_generate_options_set_speech_compression_ratio_threshold(options, nan, e); });
  refuse("UTF-8", [&](lmm_error** e) { return lmm_generate_options_set_speech_language(options, "\xFF", 1, e); });
  refuse("UTF-8", [&](lmm_error** e) { return lmm_generate_options_set_speech_prompt(options, "\xFF", 1, e); });
}

TEST_CASE("an answer has no segments") {
  const Own<lmm_session> session = new_session();
  const Own<lmm_reply> reply = ask(session, say("Hello."), new_options(2));
  double seconds[2] = {7, 7};
  double probability = 7;
  for (const lmm_reply* none : {static_cast<const lmm_reply*>(reply), static_cast<const lmm_reply*>(nullptr)}) {
    CHECK(lmm_reply_audio_tokens(none) == 0);
    CHECK(lmm_reply_segment_count(none) == 0);
    CHECK(lmm_reply_segment(none, 0, seconds) == LMM_FALSE);
    CHECK(lmm_reply_segment_text(none, 0, nullptr) == nullptr);
    CHECK(lmm_reply_segment_language(none, 0, nullptr) == nullptr);
    CHECK(lmm_reply_segment_mean_log_probability(none, 0) == 0);
    CHECK(lmm_reply_segment_no_speech_probability(none, 0) == 0);
    CHECK(lmm_reply_segment_temperature(none, 0) == 0);
    CHECK(lmm_reply_word_count(none, 0) == 0);
    CHECK(lmm_reply_word(none, 0, 0, seconds, &probability) == LMM_FALSE);
    CHECK(lmm_reply_word_text(none, 0, 0, nullptr) == nullptr);
  }
  CHECK(seconds[0] == 7);
  CHECK(probability == 7);
  CHECK(lmm_audio_seconds(nullptr) == 0.0);
  CHECK(lmm_audio_rate(nullptr) == 0);
  CHECK(lmm_audio_channels(nullptr) == 0);
  CHECK(lmm_message_audio(nullptr, 0) == nullptr);
  lmm_audio_free(nullptr);
}
