#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <lmm/export.hpp>
#include <lmm/message.hpp>
#include <lmm/options.hpp>
#include <lmm/reply.hpp>

namespace lmm {
namespace session {
class LiveTranscript;
}
inline namespace v0 {

/// How live sound is heard.
struct ListenOptions {
  SpeechOptions speech = {};
  double silence = 0.6;       ///< seconds without voice that end an utterance, 0.1 to 5
  double partial_after = 0.4; ///< seconds of new sound after which its text so far is told, 0.1 to 60; 0: never
  double longest = 25.0;      ///< seconds after which an utterance is ended in its middle, 1 to 29
};

/// A stretch of speech between two silences.
struct Utterance {
  std::int64_t index = 0;     ///< counts the utterances, from 0
  bool is_final = false;      ///< false: its text so far, which the next one of this index takes the place of
  double begin = 0;           ///< seconds from the start of the sound
  double end = 0;             ///< > begin; so far
  std::string text = {};      ///< UTF-8; empty where a sound turned out to be no speech
  std::vector<Segment> segments = {};  ///< times in seconds from the start of the sound
};

/// Writes down sound while it comes. Utterances are found by voice activity, and heard by the model's worker thread.
/// Memory is that of the sound not yet heard: a host that pushes faster than the model hears should look at waiting().
/// Movable; destroying it cancels. All calls are for one thread at a time.
class LMM_API Listener {
 public:
  /// Adds sound, as a microphone gives it: any number of samples, also none. Rate and channels of the first piece hold for
  /// all. Never waits for the model. Throws Error: invalid_argument (as Audio::from_samples; another rate or other channels;
  /// after finish()).
  void push(const SampleView& samples);

  /// No more sound comes: what there is becomes final.
  void finish();

  /// What is new, in order; never waits. Throws what ended the work: the listener is at its end then.
  std::vector<Utterance> poll();

  /// The same, but waits until there is something new, nothing is being heard any more, or `most` has gone by (24 hours
  /// at most). Throws likewise.
  std::vector<Utterance> wait(std::chrono::microseconds most);

  /// After finish(): everything was heard and told.
  bool done() const noexcept;

  /// Seconds of sound that the model has not heard yet, in utterances that have ended.
  double waiting() const noexcept;

  Listener(Listener&&) noexcept;
  Listener& operator=(Listener&&) noexcept;
  ~Listener();

 private:
  friend class Session;
  explicit Listener(std::unique_ptr<session::LiveTranscript> live);
  std::unique_ptr<session::LiveTranscript> live_;
};

}  // namespace v0
}  // namespace lmm
