// Live sound: utterances by voice activity, partial and final texts. The voice is real, the model that hears it a fake
// that hears a word a second.

#include "tests/unit/session/fake_engine.hpp"
#include "tests/unit/session/fake_whisper.hpp"

#include "lib/media/sound.hpp"

#include <lmm/session.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numbers>
#include <string>
#include <vector>

using namespace lmm;
using namespace std::chrono_literals;
using test::code_of;
using test::fake_whisper;

namespace {

constexpr std::int64_t kRate = 16000;

/// 0.5 s silence, a sentence of 1.8 s, 1.2 s silence, one of 1.3 s, 0.8 s silence.
std::vector<float> two_utterances() {
  const Audio audio = Audio::open(std::string(LMM_TEST_DATA) + "/sounds/two_utterances.flac");
  std::vector<float> samples(static_cast<std::size_t>(audio.sound()->length(kRate)));
  samples.resize(audio.sound()->read(kRate)->read(samples));
  return samples;
}

void push(Listener& listener, std::span<const float> samples, std::int64_t rate = kRate) {
  listener.push({samples.data(), samples.size_bytes(), rate, 1});
}

/// Pushes in pieces of `piece` samples and hears everything out.
std::vector<Utterance> hear(Listener& listener, std::span<const float> samples, std::size_t piece, std::int64_t rate = kRate) {
  std::vector<Utterance> all;
  const auto keep = [&](std::vector<Utterance> some) { all.insert(all.end(), some.begin(), some.end()); };
  for (std::size_t at = 0; at < samples.size(); at += piece) {
    push(listener, samples.subspan(at, std::min(piece, samples.size() - at)), rate);
    keep(listener.poll());
  }
  listener.finish();
  while (!listener.done()) keep(listener.wait(1s));
  return all;
}

std::vector<Utterance> finals(const std::vector<Utterance>& all) {
  std::vector<Utterance> some;
  std::copy_if(all.begin(), all.end(), std::back_inserter(some), [](const Utterance& one) { return one.is_final; });
  return some;
}

void check_two(const std::vector<Utterance>& all) {
  const std::vector<Utterance> found = finals(all);
  REQUIRE(found.size() == 2);
  CHECK(found[0].index == 0);
  CHECK(found[0].begin == doctest::Approx(0.35).epsilon(0.6));
  CHECK(found[0].end == doctest::Approx(2.4).epsilon(0.15));
  CHECK(found[1].index == 1);
  CHECK(found[1].begin == doctest::Approx(3.3).epsilon(0.1));
  CHECK(found[1].end == doctest::Approx(4.95).epsilon(0.1));
  CHECK(found[0].text.starts_with(" one"));
  REQUIRE(!found[1].segments.empty());
  CHECK(found[1].segments[0].begin == doctest::Approx(found[1].begin));
}

}  // namespace

TEST_CASE("two sentences are two utterances, in pieces of any size and at any rate") {
  const std::vector<float> samples = two_utterances();
  for (const std::size_t piece : {samples.size(), std::size_t{1600}, std::size_t{333}}) {
    Listener listener = Session(fake_whisper()).listen();
    check_two(hear(listener, samples, piece));
  }
  std::vector<float> twice;  // 32 kHz
  for (const float sample : samples) twice.insert(twice.end(), 2, sample);
  Listener listener = Session(fake_whisper()).listen();
  check_two(hear(listener, twice, 1000, 2 * kRate));
}

TEST_CASE("partial texts come before the final one, of the same utterance") {
  Listener listener = Session(fake_whisper()).listen({.partial_after = 0.4});
  const std::vector<float> samples = two_utterances();
  std::vector<Utterance> all;
  for (std::size_t at = 0; at + 1600 <= samples.size(); at += 1600) {
    push(listener, std::span(samples).subspan(at, 1600));
    for (Utterance& one : listener.wait(20ms)) all.push_back(std::move(one));
  }
  listener.finish();
  while (!listener.done()) {
    for (Utterance& one : listener.wait(1s)) all.push_back(std::move(one));
  }
  check_two(all);
  REQUIRE(all.size() > 2);
  CHECK(!all[0].is_final);
  CHECK(all[0].index == 0);
  for (std::size_t i = 1; i < all.size(); ++i) CHECK(all[i].index >= all[i - 1].index);
}

TEST_CASE("silence, noise and clicks are no utterances") {
  std::vector<float> samples(5 * kRate, 0.0f);
  samples[kRate] = 1.0f;
  std::uint32_t random = 1;
  for (std::size_t i = 2 * kRate; i < samples.size(); ++i) {
    random = random * 1664525u + 1013904223u;
    samples[i] = static_cast<float>(static_cast<double>(random) / 4294967296.0 - 0.5) * 0.02f;
  }
  Listener listener = Session(fake_whisper()).listen();
  CHECK(hear(listener, samples, 1600).empty());
}

TEST_CASE("an utterance without end is cut") {
  const std::vector<float> once = two_utterances();
  std::vector<float> speech(once.begin() + kRate / 2, once.begin() + kRate * 2);
  for (int i = 0; i < 2; ++i) speech.insert(speech.end(), speech.begin(), speech.end());  // 6 s
  Listener listener = Session(fake_whisper()).listen({.longest = 2.0});
  const std::vector<Utterance> found = finals(hear(listener, speech, 1600));
  REQUIRE(found.size() >= 3);
  CHECK(found[0].end - found[0].begin == doctest::Approx(2.0).epsilon(0.01));
}

TEST_CASE("what does not fit is refused, and the listener goes on") {
  Session session(fake_whisper());
  Listener listener = session.listen();
  const std::vector<float> samples = two_utterances();
  push(listener, std::span(samples).first(1600));
  CHECK(code_of([&] { push(listener, std::span(samples).first(1600), 8000); }) == ErrorCode::invalid_argument);
  CHECK(code_of([&] { push(listener, std::vector<float>{NAN}); }) == ErrorCode::invalid_argument);
  check_two(hear(listener, std::span(samples).subspan(1600), 1600));
  CHECK(code_of([&] { push(listener, samples); }) == ErrorCode::invalid_argument);

  CHECK(code_of([&] { session.listen({.silence = 0.0}); }) == ErrorCode::invalid_argument);
  CHECK(code_of([&] { session.listen({.longest = 60.0}); }) == ErrorCode::invalid_argument);
  CHECK(code_of([&] { session.listen({.partial_after = -1.0}); }) == ErrorCode::invalid_argument);
  Session deaf(Model(test::fake_engine(std::make_shared<test::FakeFamily>())));
  CHECK(code_of([&] { deaf.listen(); }) == ErrorCode::unsupported);
}

TEST_CASE("an error of the model is thrown once, and ends the listener") {
  ListenOptions options;
  options.speech.language = "xx";
  Listener listener = Session(fake_whisper()).listen(options);
  push(listener, two_utterances());
  listener.finish();
  CHECK(code_of([&] { while (!listener.done()) listener.wait(1s); }) == ErrorCode::invalid_argument);
  CHECK(listener.done());
  CHECK(listener.poll().empty());
}

TEST_CASE("a listener that goes away lets go of its work") {
  Session session(fake_whisper(10s));
  {
    Listener listener = session.listen();
    push(listener, two_utterances());
    CHECK(listener.waiting() > 1.0);
  }
  CHECK_NOTHROW(session.history());
}
