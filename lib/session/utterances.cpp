#include "lib/session/utterances.hpp"

#include "lib/core/error.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace lmm::session {
namespace {

using media::VoiceActivity;

constexpr double kFramesASecond = static_cast<double>(VoiceActivity::kRate) / VoiceActivity::kFrame;
constexpr std::size_t kBefore = VoiceActivity::kRate * 3 / 10;  ///< samples kept from before the voice: soft beginnings
constexpr std::int64_t kBegin = 6;    ///< frames of voice in a row that begin an utterance: less is a click
constexpr std::int64_t kAfter = 20;   ///< frames kept behind the last voice: soft endings

void check(const char* name, double value, double least, double most) {
  if (value >= least && value <= most) return;
  fail(ErrorCode::invalid_argument, "ListenOptions::{} is {} s, expected {} to {}", name, value, least, most);
}

}  // namespace

Utterances::Utterances(const ListenOptions& options) : options_(options) {
  check("silence", options.silence, 0.1, 5.0);
  check("longest", options.longest, 1.0, 29.0);
  if (options.partial_after != 0.0) check("partial_after", options.partial_after, 0.1, 60.0);
}

void Utterances::push(std::span<const float> samples, std::int64_t rate) {
  if (rate == VoiceActivity::kRate) return take(samples);
  if (!resampler_) resampler_.emplace(rate, VoiceActivity::kRate);
  std::array<float, 4096> out;
  for (;;) {
    const media::Resampler::Done done = resampler_->push(samples, out);
    take(std::span(out).first(done.made));
    samples = samples.subspan(done.used);
    if (samples.empty() && done.made < out.size()) return;
  }
}

void Utterances::finish() {
  if (resampler_) {
    std::array<float, 4096> out;
    while (const std::size_t made = resampler_->finish(out)) take(std::span(out).first(made));
  }
  if (open) end_open(0);
}

void Utterances::take(std::span<const float> samples) {
  rest_.insert(rest_.end(), samples.begin(), samples.end());
  std::size_t at = 0;
  for (; at + VoiceActivity::kFrame <= rest_.size(); at += VoiceActivity::kFrame) {
    push_frame(std::span(rest_).subspan(at, VoiceActivity::kFrame));
  }
  rest_.erase(rest_.begin(), rest_.begin() + static_cast<std::ptrdiff_t>(at));
}

void Utterances::push_frame(std::span<const float> frame) {
  const bool voice = activity_.hears_voice(frame);
  ++frames_;
  unvoiced_ = voice ? 0 : unvoiced_ + 1;
  if (open) {
    open->samples.insert(open->samples.end(), frame.begin(), frame.end());
    const double seconds = static_cast<double>(open->samples.size()) / VoiceActivity::kRate;
    if (static_cast<double>(unvoiced_) >= options_.silence * kFramesASecond) {
      end_open(unvoiced_ - kAfter);
    } else if (seconds >= options_.longest) {
      end_open(0);
    }
    return;
  }
  voiced_ = voice ? voiced_ + 1 : 0;
  before_.insert(before_.end(), frame.begin(), frame.end());
  if (before_.size() > kBefore) before_.erase(before_.begin(), before_.begin() + static_cast<std::ptrdiff_t>(before_.size() - kBefore));
  if (voiced_ < kBegin) return;
  open.emplace();
  open->index = next_index_++;
  open->samples.assign(before_.begin(), before_.end());
  open->begin = static_cast<double>(frames_) / kFramesASecond - static_cast<double>(before_.size()) / VoiceActivity::kRate;
  before_.clear();
}

void Utterances::end_open(std::int64_t silent_frames) {
  const auto cut = static_cast<std::size_t>(std::max<std::int64_t>(silent_frames, 0)) * VoiceActivity::kFrame;
  open->samples.resize(open->samples.size() - std::min(cut, open->samples.size()));
  ended.push_back(std::move(*open));
  open.reset();
  voiced_ = 0;
}

}  // namespace lmm::session
