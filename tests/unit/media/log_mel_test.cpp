#include "lib/media/log_mel.hpp"

#include "lib/core/error.hpp"

#include <lmm/message.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <random>

namespace lmm::media {
namespace {

std::shared_ptr<const Sound> tone(std::size_t samples, double hertz, float loudness = 0.5f) {
  std::vector<float> wave(samples);
  for (std::size_t i = 0; i < samples; ++i) {
    wave[i] = loudness * static_cast<float>(std::sin(2 * std::numbers::pi * hertz * static_cast<double>(i) / 16000));
  }
  return Audio::from_samples({wave.data(), wave.size() * 4, 16000, 1}).sound();
}

std::shared_ptr<const Sound> noise(std::size_t samples) {
  std::mt19937 random(1);
  std::normal_distribution<float> normal(0.0f, 0.1f);
  std::vector<float> wave(samples);
  for (float& sample : wave) sample = normal(random);
  return Audio::from_samples({wave.data(), wave.size() * 4, 16000, 1}).sound();
}

std::vector<float> features(LogMel& mel, std::int64_t first, std::int64_t count) {
  std::vector<float> out(static_cast<std::size_t>(mel.mels() * count));
  mel.features(first, count, out);
  return out;
}

std::string error_of(const Json& settings) {
  try {
    LogMelConfig::read(Fields(settings, "config"));
    return "";
  } catch (const Error& error) {
    return error.what();
  }
}

}  // namespace

TEST_CASE("a tone is loudest in the band of its frequency") {
  LogMel mel({}, tone(16000, 1000));
  CHECK(mel.frames() == 100);
  CHECK(mel.sound_frames() == 100);
  const std::vector<float> out = features(mel, 50, 1);
  CHECK(std::max_element(out.begin(), out.end()) - out.begin() == 26);  // 15 mel of 1000 Hz; of 45.2 over 81 steps, the 27th
  CHECK(*std::min_element(out.begin(), out.end()) >= *std::max_element(out.begin(), out.end()) - 2.0f);
}

TEST_CASE("frames of a recording that is one chunk") {
  LogMelConfig config;
  config.chunk = 2;
  CHECK(frames_of_one_chunk(*tone(321, 100), config, 3) == 3);
  CHECK(frames_of_one_chunk(*tone(480, 100), config, 3) == 3);
  CHECK(frames_of_one_chunk(*tone(481, 100), config, 3) == 4);
  CHECK(frames_of_one_chunk(*tone(32000, 100), config, 3) == 200);
  config.hop = 137;  // the reference has whole hops alone
  CHECK(frames_of_one_chunk(*tone(32000, 100), config, 3) == 233);
  config.hop = 160;
  CHECK_THROWS_WITH_AS(frames_of_one_chunk(*tone(320, 100), config, 3),
                       "recording of 320 samples at 16000 Hz, expected at least 321", Error);
  CHECK_THROWS_WITH_AS(frames_of_one_chunk(*tone(32004, 100), config, 3),
                       "recording of 2.00025 seconds, this model hears at most 2: give a part of it", Error);
}

TEST_CASE("silence") {
  LogMel mel({}, tone(1600, 100, 0.0f), 480000);
  CHECK(mel.frames() == 3000);
  CHECK(mel.sound_frames() == 10);
  for (const float value : features(mel, 0, 3000)) CHECK(value == -1.5f);
}

TEST_CASE("frames are the same whatever the order they are asked for in") {
  const auto sound = noise(16000 * 130);  // more than is kept
  LogMel mel({}, sound);
  CHECK(mel.scan(500));
  CHECK(mel.scanned() == 500);
  const std::vector<float> whole = features(mel, 0, mel.frames());
  CHECK(!mel.scan(1));
  const auto same = [&](std::int64_t first, std::int64_t count) {
    const std::vector<float> some = features(mel, first, count);
    for (std::int64_t m = 0; m < mel.mels(); ++m) {
      for (std::int64_t i = 0; i < count; ++i) {
        if (some[static_cast<std::size_t>(m * count + i)] != whole[static_cast<std::size_t>(m * mel.frames() + first + i)]) return false;
      }
    }
    return true;
  };
  CHECK(same(0, 3000));
  CHECK(same(2900, 3000));
  CHECK(same(10000, 3000));
  CHECK(same(9990, 100));
  CHECK(same(12999, 1));
  CHECK(same(0, 10));
  CHECK(same(13000, 0));
}

TEST_CASE("ranges that are not there, and recordings too short to be reflected") {
  LogMel mel({}, noise(1600));
  std::vector<float> out(80 * 11);
  CHECK_THROWS_WITH_AS(mel.features(0, 11, out), doctest::Contains("expected within 0 to 10"), Error);
  CHECK_THROWS_AS(mel.features(-1, 11, out), Error);
  CHECK_THROWS_AS(mel.features(0, 10, out), Error);
  CHECK_THROWS_WITH_AS(LogMel({}, noise(200)), doctest::Contains("200 samples at 16000 Hz, expected at least 201"), Error);
  CHECK(LogMel({}, noise(201)).frames() == 1);
}

TEST_CASE("settings") {
  CHECK(error_of(Json::object()).empty());
  CHECK(error_of({{"feature_size", 128}, {"mel_filters", Json::array()}}).empty());
  CHECK(error_of({{"dither", 0.1}}).find("dither is 0.1") != std::string::npos);
  CHECK(error_of({{"n_fft", 401}}).find("an even number") != std::string::npos);
  CHECK(error_of({{"hop_length", 0}}).find("hop_length") != std::string::npos);
  CHECK(error_of({{"feature_size", 1e9}}).find("feature_size") != std::string::npos);
  CHECK(error_of({{"padding_side", "left"}}).find("padding_side is left") != std::string::npos);
  CHECK(error_of({{"top_db", 80}}).find("top_db is not a field") != std::string::npos);
  const Json both = {{"feature_size", 128}, {"image_mean", Json::array({0.5})}};
  const std::string_view others[] = {"image_mean"};
  CHECK(LogMelConfig::read(Fields(both, "config"), others).mels == 128);
}

}  // namespace lmm::media
