#pragma once

#include "lib/models/transcriber.hpp"
#include "lib/session/engine.hpp"

#include <lmm/error.hpp>
#include <lmm/model.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace lmm::test {

/// Hears " one", " two" ... : a word for each second of the recording, a second a step.
struct FakeTranscription final : models::Transcription {
  FakeTranscription(std::int64_t seconds, std::chrono::milliseconds pace, std::string word)
      : seconds_(seconds), pace_(pace), word_(std::move(word)) {}

  bool step(std::vector<Segment>& segments, Run& run) override {
    const auto end = std::chrono::steady_clock::now() + pace_;
    do {
      run.checkpoint();
      std::this_thread::sleep_for(std::chrono::microseconds(100));
    } while (std::chrono::steady_clock::now() < end);
    if (done_ == seconds_) return false;
    constexpr const char* kWords[] = {" one", " two", " three"};
    Segment segment;
    segment.begin = static_cast<double>(done_);
    segment.text = word_.empty() ? kWords[done_ % 3] : word_;
    segments.push_back(segment);
    ++done_;
    return true;
  }
  std::int64_t new_tokens() const override { return done_; }

  std::int64_t seconds_;
  std::chrono::milliseconds pace_;
  std::string word_;  ///< instead of those
  std::int64_t done_ = 0;
};

class FakeWhisper final : public models::Family, public models::Transcriber {
 public:
  FakeWhisper() { info_.transcribes = true; }
  const models::FamilyInfo& info() const override { return info_; }
  models::MediaPlan plan(const media::Medium&) const override { throw std::logic_error("plan"); }
  std::shared_ptr<const models::MediaInput> preprocess(const media::Medium&) const override { throw std::logic_error("preprocess"); }
  std::vector<std::shared_ptr<const models::MediaRows>> encode(std::span<const std::shared_ptr<const models::MediaInput>>,
                                                               Run&) const override {
    throw std::logic_error("encode");
  }
  std::unique_ptr<models::State> new_state() const override { throw std::logic_error("new_state"); }
  void forward(const models::Sequence&, models::State&, std::span<float>, Run&) const override { throw std::logic_error("forward"); }
  const models::Transcriber* transcriber() const override { return this; }

  std::unique_ptr<models::Transcription> transcribe(std::shared_ptr<const media::Sound> sound, const GenerateOptions& options,
                                                    std::shared_ptr<const tokenizer::Tokenizer>) const override {
    if (options.speech.language == "xx") fail(ErrorCode::invalid_argument, "language is \"xx\"");
    const std::string word = options.speech.prompt == "seeded" ? " " + std::to_string(options.seed.value_or(0)) : "";
    return std::make_unique<FakeTranscription>(static_cast<std::int64_t>(sound->seconds()), pace, word);
  }

  std::chrono::milliseconds pace{0};

 private:
  models::FamilyInfo info_;
};

inline Model fake_whisper(std::chrono::milliseconds pace = {}) {
  auto family = std::make_shared<FakeWhisper>();
  family->pace = pace;
  auto engine = std::make_shared<session::Engine>();
  engine->info.family = "fake whisper";
  engine->info.hears = engine->info.transcribes = true;
  engine->text = session::TextTools::load(LMM_POCKET_MODEL);
  engine->family = std::move(family);
  engine->worker = std::make_unique<session::Worker>([] { return std::shared_ptr<void>(); });
  return Model(engine);
}

/// The code of what a call throws; internal where it throws nothing.
inline ErrorCode code_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.code();
  }
  return ErrorCode::internal;
}

}  // namespace lmm::test
