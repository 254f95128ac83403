#include "lib/media/sound_file.hpp"

#include "lib/core/error.hpp"
#include "lib/media/resampler.hpp"

#include <lmm/message.hpp>

#include <doctest/doctest.h>

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <limits>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace lmm::media {
namespace {

namespace fs = std::filesystem;

std::string data_file(const char* name) {
  std::ifstream file(fs::path(LMM_TEST_DATA) / "sounds" / name, std::ios::binary);
  REQUIRE(file.good());
  return {std::istreambuf_iterator<char>(file), {}};
}

template <typename T>
void put(std::string& out, T value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

/// A WAV file; `samples` are the bytes of its data chunk, `says` how many its header claims.
std::string wav(std::uint16_t format, std::uint32_t rate, std::uint16_t channels, std::uint16_t bits,
                const std::string& samples, std::uint32_t says) {
  std::string out = "RIFF";
  put<std::uint32_t>(out, 36 + says);
  out += "WAVEfmt ";
  put<std::uint32_t>(out, 16);
  put(out, format);
  put(out, channels);
  put(out, rate);
  put<std::uint32_t>(out, rate * channels * bits / 8);
  put<std::uint16_t>(out, static_cast<std::uint16_t>(channels * bits / 8));
  put(out, bits);
  out += "data";
  put(out, says);
  return out + samples;
}

std::string wav16(std::uint32_t rate, std::uint16_t channels, const std::vector<std::int16_t>& samples) {
  const std::string bytes(reinterpret_cast<const char*>(samples.data()), samples.size() * 2);
  return wav(1, rate, channels, 16, bytes, static_cast<std::uint32_t>(bytes.size()));
}

std::string wav_float(const std::vector<float>& samples) {
  const std::string bytes(reinterpret_cast<const char*>(samples.data()), samples.size() * 4);
  return wav(3, 16000, 1, 32, bytes, static_cast<std::uint32_t>(bytes.size()));
}

std::shared_ptr<const Sound> decoded(const std::string& file) {
  return decode_sound(std::as_bytes(std::span(file)), "sound");
}

std::vector<float> all(const Sound& sound, std::int64_t rate) {
  const auto reader = sound.read(rate);
  std::vector<float> samples;
  std::vector<float> block(1000);
  while (const std::size_t got = reader->read(block)) samples.insert(samples.end(), block.begin(), block.begin() + static_cast<std::ptrdiff_t>(got));
  CHECK(reader->read(block) == 0);
  return samples;
}

/// The error of a call: one line, with what it must name in it.
void fails(ErrorCode code, const std::string& part, const std::function<void()>& call) {
  try {
    call();
    FAIL("no error, expected one with: " << part);
  } catch (const Error& error) {
    const std::string text = error.what();
    INFO(text);
    CHECK(std::string(error_name(error.code())) == error_name(code));
    CHECK(text.find(part) != std::string::npos);
    CHECK(text.find('\n') == std::string::npos);
  }
}

/// A file that is gone at the end.
class TemporaryFile {
 public:
  explicit TemporaryFile(const std::string& bytes, const std::string& name = "sound.wav")
      : path_(fs::temp_directory_path() / ("lmm-" + std::to_string(::getpid()) + "-" + name)) {
    write(bytes);
  }
  ~TemporaryFile() { fs::remove(path_); }
  void write(const std::string& bytes) const { std::ofstream(path_, std::ios::binary) << bytes; }
  void append(const std::string& bytes) const { std::ofstream(path_, std::ios::binary | std::ios::app) << bytes; }
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

/// What the process writes to standard error while this lives.
class StandardError {
 public:
  StandardError() : saved_(::dup(2)), file_(std::tmpfile()) { ::dup2(::fileno(file_), 2); }
  ~StandardError() {
    ::dup2(saved_, 2);
    ::close(saved_);
    std::fclose(file_);
  }
  std::int64_t bytes() const { return ::lseek(::fileno(file_), 0, SEEK_END); }

 private:
  int saved_;
  std::FILE* file_;
};

std::vector<std::int16_t> ramp(std::size_t count) {
  std::vector<std::int16_t> samples(count);
  for (std::size_t i = 0; i < count; ++i) samples[i] = static_cast<std::int16_t>(static_cast<int>(i * 7 % 20001) - 10000);
  return samples;
}

}  // namespace

TEST_CASE("a WAV file gives its samples, channels mixed by their mean") {
  const auto sound = decoded(wav16(8000, 2, {32767, -32768, 100, 300, 0, -32768}));
  CHECK(sound->rate == 8000);
  CHECK(sound->channels == 2);
  CHECK(sound->frames == 3);
  CHECK(sound->seconds() == doctest::Approx(3.0 / 8000));
  const std::vector<float> samples = all(*sound, 8000);
  REQUIRE(samples.size() == 3);
  CHECK(samples[0] == -0.5f / 32768);
  CHECK(samples[1] == 200.0f / 32768);
  CHECK(samples[2] == -0.5f);
}

TEST_CASE("recordings of each kind") {
  struct Expected {
    const char* file;
    std::int64_t rate;
    double seconds;
  };
  for (const auto& [file, rate, seconds] : {Expected{"question.flac", 16000, 1.4}, {"sentence.ogg", 24000, 2.9},
                                            {"german.mp3", 22050, 2.3}, {"no_header.mp3", 22050, 1.0}}) {
    INFO(file);
    const auto sound = open_sound(fs::path(LMM_TEST_DATA) / "sounds" / file);
    CHECK(sound->rate == rate);
    CHECK(sound->seconds() == doctest::Approx(seconds).epsilon(0.4));
    for (const std::int64_t to : {rate, std::int64_t{16000}}) {
      const std::vector<float> samples = all(*sound, to);
      CHECK(std::ssize(samples) == sound->length(to));
      double power = 0;
      for (const float sample : samples) power += static_cast<double>(sample) * static_cast<double>(sample);
      CHECK(power / static_cast<double>(samples.size()) > 1e-4);
    }
    CHECK(all(*decoded(data_file(file)), 16000) == all(*sound, 16000));
    CHECK(decoded(data_file(file))->key == sound->key);
  }
}

TEST_CASE("files that are no recordings, or lie about themselves") {
  const std::string good = wav16(16000, 1, ramp(1600));
  const auto refuse = [](const std::string& part, const std::string& file) {
    fails(ErrorCode::bad_file, part, [&] { all(*decoded(file), 16000); });
  };
  refuse("sound: is empty", "");
  refuse("begins with 'Dear diary, '", "Dear diary, today I heard nothing.");
  refuse("sound: ", good.substr(0, 3));
  refuse("sound: ", good.substr(0, 30));   // within fmt
  refuse("sound: ", good.substr(0, 40));   // before data
  refuse("holds no samples", wav16(16000, 1, {}));
  refuse("rate is 1 Hz, expected 1000 to 768000", wav16(1, 1, ramp(10)));
  refuse("rate is 10000000 Hz", wav16(10'000'000, 1, ramp(10)));
  refuse("255 channels, expected 1 to 32", wav16(16000, 255, ramp(510)));
  refuse("sound: ", wav16(16000, 0, ramp(10)));
  refuse("sound: ", wav16(0, 1, ramp(10)));
  refuse("sound: ", wav(77, 16000, 1, 16, "abcd", 4));     // a codec that is none
  refuse("sound: ", wav(1, 16000, 1, 7777, "abcd", 4));
  refuse("at 0.001 s is nan", wav_float({0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, std::nanf(""), 0}));
  refuse("is inf", wav_float({std::numeric_limits<float>::infinity()}));
  refuse("is -inf", wav_float({0.5f, -std::numeric_limits<float>::infinity()}));
  refuse("is 1e+30", wav_float({1e30f}));
}

TEST_CASE("WAV files that were cut off, or never finished, are heard as far as they go") {
  const std::vector<std::int16_t> samples = ramp(1600);
  const std::string bytes(reinterpret_cast<const char*>(samples.data()), samples.size() * 2);
  for (const std::uint32_t says : {0xFFFFFFFFu, 0x7FFFFFFFu, 3200u, 1'000'000'000u}) {
    CHECK(decoded(wav(1, 16000, 1, 16, bytes, says))->frames == 1600);
  }
  CHECK(decoded(wav16(16000, 1, samples).substr(0, 44 + 100))->frames == 50);
}

TEST_CASE("a FLAC file that is cut off, or claims more than it has, ends in an error") {
  const std::string good = data_file("question.flac");
  const std::int64_t frames = decoded(good)->frames;
  fails(ErrorCode::bad_file, "of " + std::to_string(frames) + " frames",
        [&] { all(*decoded(good.substr(0, good.size() / 2)), 16000); });
  std::string liar = good;  // STREAMINFO's last 36 of the 64 bits at 18: the number of frames
  liar[21] = static_cast<char>(liar[21] | 0x0F);
  for (std::size_t i = 22; i < 26; ++i) liar[i] = '\xFF';
  fails(ErrorCode::bad_file, "sound: ", [&] { all(*decoded(liar), 16000); });
  liar = good;  // unknown: counted
  liar[21] = static_cast<char>(liar[21] & 0xF0);
  for (std::size_t i = 22; i < 26; ++i) liar[i] = '\0';
  CHECK(decoded(liar)->frames == frames);
}

TEST_CASE("MP3 and OGG files that were cut off are heard as far as they go, in silence") {
  const StandardError said;
  for (const char* name : {"german.mp3", "sentence.ogg"}) {
    const std::string good = data_file(name);
    const std::int64_t frames = decoded(good)->frames;
    const auto half = decoded(good.substr(0, good.size() / 2));
    CHECK(half->frames > frames / 4);
    CHECK(half->frames < frames * 3 / 4);
    CHECK(std::ssize(all(*half, half->rate)) == half->frames);
  }
  CHECK(said.bytes() == 0);
}

TEST_CASE("damaged files end in an error or a recording, print nothing and take little memory") {
  const StandardError said;
  std::mt19937 random(5);
  for (const char* name : {"question.flac", "sentence.ogg", "german.mp3", "no_header.mp3", "wav"}) {
    const std::string good = std::string(name) == "wav" ? wav16(16000, 2, ramp(3000)) : data_file(name);
    for (int round = 0; round < 60; ++round) {
      std::string bad = good;
      const std::size_t area = round % 2 == 0 ? std::min<std::size_t>(200, bad.size()) : bad.size();
      for (int i = 0; i < 1 + round % 7; ++i) bad[random() % area] = static_cast<char>(random());
      try {
        all(*decoded(bad), 16000);
      } catch (const Error& error) {
        const ErrorCode code = error.code();
        CHECK((code == ErrorCode::bad_file || code == ErrorCode::out_of_memory));
        CHECK(std::string(error.what()).find('\n') == std::string::npos);
      }
    }
  }
  CHECK(said.bytes() == 0);
}

TEST_CASE("a file that grows, shrinks, goes or is replaced after it was opened") {
  const std::string good = wav16(16000, 1, ramp(16000));
  const TemporaryFile file(good);
  const auto sound = open_sound(file.path());
  const std::vector<float> before = all(*sound, 16000);
  const auto reader = sound->read(16000);
  std::vector<float> block(100);
  CHECK(reader->read(block) == 100);
  file.append(std::string(10000, 'x'));
  std::vector<float> rest(20000);
  CHECK(reader->read(rest) == 15900);
  CHECK(all(*sound, 16000) == before);
  file.write(good.substr(0, 2000));
  fails(ErrorCode::io, "had 32044 when it was opened", [&] { all(*sound, 16000); });
  fs::remove(file.path());
  fails(ErrorCode::not_found, file.path().string(), [&] { all(*sound, 16000); });
}

TEST_CASE("a file named from the host's folder is found from another") {
  const TemporaryFile file(wav16(16000, 1, ramp(16000)));
  const fs::path before = fs::current_path();
  fs::current_path(file.path().parent_path());
  const auto sound = open_sound(file.path().filename());
  fs::current_path("/");
  CHECK(all(*sound, 16000).size() == 16000);
  fs::current_path(before);
}

TEST_CASE("what is no file") {
  fails(ErrorCode::not_found, "no such file", [] { open_sound("/nonexistent/sound.wav"); });
  fails(ErrorCode::io, "is a folder", [] { open_sound(fs::temp_directory_path()); });
  const TemporaryFile text("This is a letter.\n", "letter.wav");
  fails(ErrorCode::bad_file, "begins with 'This is a le', expected a WAV", [&] { open_sound(text.path()); });
}

TEST_CASE("samples of the host") {
  const std::vector<float> floats = {0.5f, -0.5f, 1.0f, 0.0f, 0.25f, 0.75f};
  const Audio stereo = Audio::from_samples({floats.data(), floats.size() * 4, 44100, 2});
  CHECK(stereo.rate() == 44100);
  CHECK(stereo.channels() == 2);
  CHECK(stereo.seconds() == doctest::Approx(3.0 / 44100));
  CHECK(all(*stereo.sound(), 44100) == std::vector<float>{0.0f, 0.5f, 0.5f});
  const std::vector<std::int16_t> shorts = {-32768, 16384};
  CHECK(all(*Audio::from_samples({shorts.data(), 4, 8000, 1, SampleFormat::s16}).sound(), 8000) == std::vector<float>{-1.0f, 0.5f});
  // Wherever they lie, and however many there are.
  std::string odd(1 + 4 * 10000, '\0');
  const std::vector<float> many(10000, 0.125f);
  std::memcpy(odd.data() + 1, many.data(), 40000);
  CHECK(all(*Audio::from_samples({odd.data() + 1, 40000, 16000, 1}).sound(), 16000) == many);
  CHECK(Audio::from_samples({many.data(), 640, 16000, 1}).seconds() == doctest::Approx(0.01));
}

TEST_CASE("samples that are none") {
  std::vector<float> floats(64, 0.0f);
  const auto refuse = [](const std::string& part, const SampleView& view) {
    fails(ErrorCode::invalid_argument, part, [&] { Audio::from_samples(view); });
  };
  refuse("none", {floats.data(), 0, 16000, 1});
  refuse("data is null", {nullptr, 16, 16000, 1});
  refuse("rate is 1 Hz", {floats.data(), 16, 1, 1});
  refuse("rate is 10000000 Hz", {floats.data(), 16, 10'000'000, 1});
  refuse("0 channels", {floats.data(), 16, 16000, 0});
  refuse("255 channels", {floats.data(), 16, 16000, 255});
  refuse("15 bytes, expected a multiple of 4", {floats.data(), 15, 16000, 1});
  refuse("12 bytes, expected a multiple of 8 (2 channels of 4 bytes)", {floats.data(), 12, 16000, 2});
  refuse("format is 7", {floats.data(), 16, 16000, 1, static_cast<SampleFormat>(7)});
  floats[33] = std::nanf("");
  refuse("sample 33 is nan", {floats.data(), 256, 16000, 1});
  floats[33] = std::numeric_limits<float>::infinity();
  refuse("sample 33 is inf", {floats.data(), 256, 16000, 2});
  fails(ErrorCode::invalid_argument, "data is null", [] { Audio::from_memory(nullptr, 3); });
  fails(ErrorCode::bad_file, "is empty", [] { Audio::from_memory(nullptr, 0); });
}

TEST_CASE("keys name the content") {
  const std::string one = wav16(16000, 1, ramp(100));
  std::string other = one;
  other.back() = static_cast<char>(other.back() + 1);
  CHECK(decoded(one)->key == decoded(one)->key);
  CHECK(decoded(one)->key != decoded(other)->key);
  const std::vector<float> floats(100, 0.5f);
  const auto key = [&](std::int64_t rate, std::int64_t channels) {
    return Audio::from_samples({floats.data(), 400, rate, channels}).sound()->key;
  };
  CHECK(key(16000, 1) == key(16000, 1));
  CHECK(key(16000, 1) != key(8000, 1));
  CHECK(key(16000, 1) != key(16000, 2));
}

TEST_CASE("ten hours take no memory") {
  // Ten hours of zeros: a sparse file.
  const std::uint32_t bytes = 8000u * 36000;
  const TemporaryFile file(wav(1, 8000, 1, 8, "", bytes), "hours.wav");
  fs::resize_file(file.path(), 44 + static_cast<std::uintmax_t>(bytes));
  rusage before = {};
  ::getrusage(RUSAGE_SELF, &before);
  const auto sound = open_sound(file.path());
  CHECK(sound->seconds() == 36000);
  const auto reader = sound->read(48000);
  std::vector<float> block(4096);
  for (int i = 0; i < 200; ++i) CHECK(reader->read(block) == 4096);
  rusage after = {};
  ::getrusage(RUSAGE_SELF, &after);
  CHECK(after.ru_maxrss - before.ru_maxrss < 32 * 1024);  // KiB
}

TEST_CASE("a recording is read by many threads at once") {
  const auto sound = open_sound(fs::path(LMM_TEST_DATA) / "sounds" / "sentence.ogg");
  const std::vector<float> expected = all(*sound, 16000);
  std::vector<std::thread> threads;
  std::vector<int> same(4, 0);
  for (std::size_t i = 0; i < same.size(); ++i) {
    threads.emplace_back([&, i] {
      const auto reader = sound->read(16000);
      std::vector<float> samples(expected.size());
      std::size_t done = 0;
      while (const std::size_t got = reader->read(std::span(samples).subspan(done))) done += got;
      same[i] = samples == expected ? 1 : 0;
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(same == std::vector<int>(4, 1));
}

}  // namespace lmm::media
