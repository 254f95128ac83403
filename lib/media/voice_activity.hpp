#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace lmm::media {

/// Tells voice from other sound, 10 ms at a time: the voice activity detection of WebRTC. One thread at a time.
class VoiceActivity {
 public:
  static constexpr std::int64_t kRate = 16000;    ///< samples a second that it takes
  static constexpr std::size_t kFrame = 160;      ///< samples at once: 10 ms

  /// Errors: out_of_memory.
  VoiceActivity();
  ~VoiceActivity();

  /// Whether the next kFrame samples, -1 to 1, hold voice. Errors: internal.
  bool hears_voice(std::span<const float> frame);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace lmm::media
