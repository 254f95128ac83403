#include "lib/media/voice_activity.hpp"

#include "lib/core/error.hpp"

#include <webrtc/modules/audio_processing/include/audio_processing.h>
#include <webrtc/modules/interface/module_common_types.h>

#include <algorithm>
#include <cmath>

namespace lmm::media {

struct VoiceActivity::State {
  std::unique_ptr<webrtc::AudioProcessing> processing;
  webrtc::AudioFrame frame;
};

VoiceActivity::VoiceActivity() : state_(std::make_unique<State>()) {
  state_->processing.reset(webrtc::AudioProcessing::Create());
  if (state_->processing == nullptr) fail(ErrorCode::out_of_memory, "voice activity: no memory for its state");
  webrtc::VoiceDetection& detection = *state_->processing->voice_detection();
  // The most reluctant of four: noise that is taken for voice costs a pass of the model.
  const bool ready = detection.set_likelihood(webrtc::VoiceDetection::kVeryLowLikelihood) == 0 &&
                     detection.set_frame_size_ms(10) == 0 && detection.Enable(true) == 0;
  if (!ready) fail(ErrorCode::internal, "voice activity: its settings were refused");
  state_->frame.sample_rate_hz_ = static_cast<int>(kRate);
  state_->frame.num_channels_ = 1;
  state_->frame.samples_per_channel_ = kFrame;
}

VoiceActivity::~VoiceActivity() = default;

bool VoiceActivity::hears_voice(std::span<const float> frame) {
  if (frame.size() != kFrame) fail(ErrorCode::internal, "voice activity: {} samples, expected {}", frame.size(), kFrame);
  std::transform(frame.begin(), frame.end(), state_->frame.data_, [](float sample) {
    return static_cast<std::int16_t>(std::lrintf(std::clamp(sample, -1.0f, 1.0f) * 32767.0f));
  });
  const int result = state_->processing->ProcessStream(&state_->frame);
  if (result != 0) fail(ErrorCode::internal, "voice activity: WebRTC's error {}", result);
  return state_->processing->voice_detection()->stream_has_voice();
}

}  // namespace lmm::media
