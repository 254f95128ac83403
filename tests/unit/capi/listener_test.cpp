// Live sound through the C interface. The voice is real, the model that hears it a fake that hears a word a second.

#include "capi/objects.hpp"
#include "lib/media/sound.hpp"
#include "tests/unit/session/fake_whisper.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <cstdlib>
#include <limits>
#include <string>
#include <thread>
#include <vector>

using namespace lmm;
using namespace std::chrono_literals;

namespace {

constexpr std::int64_t kRate = 16000;
constexpr std::int64_t kSecond = 1'000'000;  ///< microseconds

/// The host's memory, which ends when told to.
struct Memory {
  long left = std::numeric_limits<long>::max();
  long live = 0;
  lmm_allocator allocator{this,
                          [](void* user, std::size_t size) -> void* {
                            auto& self = *static_cast<Memory*>(user);
                            if (self.left <= 0) return nullptr;
                            --self.left;
                            ++self.live;
                            return std::malloc(size);
                          },
                          [](void* user, void* memory) {
                            --static_cast<Memory*>(user)->live;
                            std::free(memory);
                          }};
};

std::vector<float> two_utterances() {
  const Audio audio = Audio::open(std::string(LMM_TEST_DATA) + "/sounds/two_utterances.flac");
  std::vector<float> samples(static_cast<std::size_t>(audio.sound()->length(kRate)));
  samples.resize(audio.sound()->read(kRate)->read(samples));
  return samples;
}

struct Listening {
  explicit Listening(std::chrono::milliseconds pace = 0ms) : model(capi::make_owned<lmm_model>(memory.allocator, test::fake_whisper(pace))) {
    lmm_session* session = nullptr;
    REQUIRE(lmm_session_create(model.get(), nullptr, &session, nullptr) == LMM_OK);
    REQUIRE(lmm_session_listen(session, nullptr, &listener, nullptr) == LMM_OK);
    lmm_session_free(session);  // has no part in it
  }
  ~Listening() { lmm_listener_free(listener); }

  lmm_code push(const void* data, std::size_t size, std::int64_t rate = kRate, lmm_sample_format format = LMM_SAMPLE_F32) {
    return lmm_listener_push(listener, data, size, rate, 1, format, nullptr);
  }
  lmm_code push(const std::vector<float>& samples) { return push(samples.data(), samples.size() * sizeof(float)); }

  Memory memory;
  capi::Owned<lmm_model> model;
  lmm_listener* listener = nullptr;
};

std::string text_of(const lmm_utterance* utterance) {
  const char* text = lmm_reply_text(lmm_utterance_reply(utterance), nullptr);
  return text != nullptr ? text : "none";
}

}  // namespace

TEST_CASE("live sound through the C interface") {
  Listening hears;
  REQUIRE(hears.push(two_utterances()) == LMM_OK);
  CHECK(lmm_listener_done(hears.listener) == LMM_FALSE);
  REQUIRE(lmm_listener_finish(hears.listener, nullptr) == LMM_OK);
  std::int64_t finals = 0;
  while (lmm_listener_done(hears.listener) == LMM_FALSE) {
    lmm_utterance* utterance = nullptr;
    REQUIRE(lmm_listener_next(hears.listener, kSecond, &utterance, nullptr) == LMM_OK);
    if (utterance == nullptr) continue;
    double seconds[2] = {};
    CHECK(lmm_utterance_seconds(utterance, seconds) == LMM_TRUE);
    CHECK(seconds[0] < seconds[1]);
    if (lmm_utterance_is_final(utterance)) {
      CHECK(lmm_utterance_index(utterance) == finals++);
      CHECK(text_of(utterance).starts_with(" one"));
      const lmm_reply* reply = lmm_utterance_reply(utterance);
      REQUIRE(lmm_reply_segment_count(reply) > 0);
      double times[2] = {};
      CHECK(lmm_reply_segment(reply, 0, times) == LMM_TRUE);
      CHECK(times[0] == doctest::Approx(seconds[0]));
    }
    lmm_utterance_free(utterance);
  }
  CHECK(finals == 2);
  CHECK(hears.push(two_utterances()) == LMM_ERROR_INVALID_ARGUMENT);  // after the end
}

TEST_CASE("what is pushed wrongly is left out, and the listener goes on") {
  Listening hears;
  const float samples[] = {0, std::numeric_limits<float>::quiet_NaN()};
  CHECK(hears.push(nullptr, 0) == LMM_OK);
  CHECK(hears.push(samples, 4) == LMM_OK);
  CHECK(hears.push(samples, 8) == LMM_ERROR_INVALID_ARGUMENT);
  CHECK(hears.push(samples, 3) == LMM_ERROR_INVALID_ARGUMENT);
  CHECK(hears.push(nullptr, 4) == LMM_ERROR_INVALID_ARGUMENT);
  CHECK(hears.push(samples, 4, 8000) == LMM_ERROR_INVALID_ARGUMENT);
  CHECK(hears.push(samples, 4, kRate, 2) == LMM_ERROR_INVALID_ARGUMENT);
  CHECK(hears.push(samples, 4, kRate, LMM_SAMPLE_S16) == LMM_OK);
  CHECK(hears.push(two_utterances()) == LMM_OK);
  CHECK(lmm_listener_waiting(hears.listener) >= 0);
}

TEST_CASE("a text that the host has no memory for comes again") {
  Listening hears;
  REQUIRE(hears.push(two_utterances()) == LMM_OK);
  REQUIRE(lmm_listener_finish(hears.listener, nullptr) == LMM_OK);
  std::vector<std::string> texts;
  for (long budget = 0; lmm_listener_done(hears.listener) == LMM_FALSE; ++budget) {
    lmm_utterance* utterance = nullptr;
    hears.memory.left = budget;
    const lmm_code code = lmm_listener_next(hears.listener, kSecond, &utterance, nullptr);
    hears.memory.left = std::numeric_limits<long>::max();
    CHECK((code == LMM_OK || code == LMM_ERROR_OUT_OF_MEMORY));
    if (code != LMM_OK || utterance == nullptr) continue;
    if (lmm_utterance_is_final(utterance)) texts.push_back(text_of(utterance));
    lmm_utterance_free(utterance);
    budget = -1;
  }
  CHECK(texts.size() == 2);
}

TEST_CASE("a listener is freed in the middle, and utterances outlive it") {
  lmm_utterance* utterance = nullptr;
  Memory* memory = nullptr;
  {
    Listening hears;
    memory = &hears.memory;
    REQUIRE(hears.push(two_utterances()) == LMM_OK);
    for (int i = 0; i < 100 && utterance == nullptr; ++i) {
      REQUIRE(lmm_listener_next(hears.listener, kSecond, &utterance, nullptr) == LMM_OK);
    }
    REQUIRE(utterance != nullptr);
    lmm_listener_free(hears.listener);
    hears.listener = nullptr;
    CHECK(text_of(utterance).starts_with(" one"));
    lmm_utterance_free(utterance);
    hears.model.reset();
    CHECK(memory->live == 0);
  }
  Listening slow(1000ms);
  REQUIRE(slow.push(two_utterances()) == LMM_OK);
  CHECK(lmm_listener_waiting(slow.listener) > 1);
  const auto before = std::chrono::steady_clock::now();
  REQUIRE(lmm_listener_next(slow.listener, -5, &utterance, nullptr) == LMM_OK);
  CHECK(utterance == nullptr);
  CHECK(std::chrono::steady_clock::now() - before < 500ms);
}

TEST_CASE("getters of no listener and no utterance") {
  CHECK(lmm_listener_done(nullptr) == LMM_TRUE);
  CHECK(lmm_listener_waiting(nullptr) == 0);
  CHECK(lmm_utterance_index(nullptr) == -1);
  CHECK(lmm_utterance_is_final(nullptr) == LMM_FALSE);
  double seconds[2] = {7, 7};
  CHECK(lmm_utterance_seconds(nullptr, seconds) == LMM_FALSE);
  CHECK(seconds[0] == 7);
  CHECK(lmm_utterance_reply(nullptr) == nullptr);
  lmm_listener_free(nullptr);
  lmm_utterance_free(nullptr);
  lmm_listen_options_free(nullptr);
}
