#pragma once

#include "lib/session/job.hpp"
#include "lib/session/utterances.hpp"

#include <lmm/listener.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <vector>

namespace lmm::session {

/// What a Listener holds: sound becomes utterances on the caller's thread, utterances become text on the worker's, one
/// at a time; those that have ended come first.
class LiveTranscript {
 public:
  /// `transcriber`: a conversation of its own with a model that writes down speech.
  LiveTranscript(std::shared_ptr<Conversation> transcriber, ListenOptions options);
  ~LiveTranscript();

  void push(const SampleView& samples);
  void finish();
  std::vector<Utterance> poll();
  std::vector<Utterance> wait(std::chrono::microseconds most);
  bool done() const noexcept;
  double waiting() const noexcept;

 private:
  void collect(std::vector<Utterance>& out);
  void begin_next();
  void begin(const SpokenPiece& piece, bool is_final);
  void abandon() noexcept;

  std::shared_ptr<Conversation> transcriber_;
  ListenOptions options_;
  Utterances utterances_;
  std::int64_t rate_ = 0;        // of the first piece; 0 before it
  std::int64_t channels_ = 0;
  bool finished_ = false;
  std::shared_ptr<Job> job_;     // at work, on heard_
  Utterance heard_;
  std::int64_t told_index_ = -1;    // of the last partial text
  std::size_t told_samples_ = 0;    // of its utterance that it was made of
};

}  // namespace lmm::session
