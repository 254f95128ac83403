#pragma once

#include "lib/media/resampler.hpp"
#include "lib/media/voice_activity.hpp"

#include <lmm/listener.hpp>

#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <vector>

namespace lmm::session {

/// A stretch of speech at VoiceActivity::kRate.
struct SpokenPiece {
  std::int64_t index = 0;       ///< counts the pieces, from 0
  double begin = 0;             ///< seconds from the start of the sound
  std::vector<float> samples = {};

  double end() const { return begin + static_cast<double>(samples.size()) / media::VoiceActivity::kRate; }
};

/// Cuts a stream of sound into utterances. One thread at a time.
class Utterances {
 public:
  /// Errors: invalid_argument for options out of range.
  explicit Utterances(const ListenOptions& options);

  /// Samples of one channel at `rate`, the same in each call.
  void push(std::span<const float> samples, std::int64_t rate);

  /// The sound ends, and with it an utterance that has begun.
  void finish();

  std::deque<SpokenPiece> ended;       ///< the caller takes them from the front
  std::optional<SpokenPiece> open;     ///< begun and not ended

 private:
  void push_frame(std::span<const float> frame);
  void take(std::span<const float> samples);
  void end_open(std::int64_t silent_frames);

  ListenOptions options_;
  media::VoiceActivity activity_;
  std::optional<media::Resampler> resampler_;
  std::vector<float> rest_;        // less than a frame
  std::deque<float> before_;       // the last moments before an utterance
  std::int64_t frames_ = 0;        // so far
  std::int64_t voiced_ = 0;        // frames in a row, before an utterance
  std::int64_t unvoiced_ = 0;      // frames in a row
  std::int64_t next_index_ = 0;
};

}  // namespace lmm::session
