#include "lib/media/sound.hpp"

#include "lib/core/error.hpp"
#include "lib/media/content_hash.hpp"
#include "lib/media/resampler.hpp"
#include "lib/media/sound_file.hpp"

#include <lmm/message.hpp>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <new>
#include <utility>
#include <vector>

namespace lmm {
namespace media {

std::int64_t Sound::length(std::int64_t to) const noexcept {
  if (to == rate) return frames;
  const double ratio = static_cast<double>(to) / static_cast<double>(rate);
  return static_cast<std::int64_t>(std::ceil(static_cast<double>(frames) * ratio));
}

namespace {

class SamplesReader final : public SoundReader {
 public:
  explicit SamplesReader(std::shared_ptr<const std::vector<float>> samples) : samples_(std::move(samples)) {}
  std::size_t read(std::span<float> out) override {
    const std::size_t count = std::min(out.size(), samples_->size() - at_);
    std::copy_n(samples_->data() + at_, count, out.data());
    at_ += count;
    return count;
  }

 private:
  std::shared_ptr<const std::vector<float>> samples_;
  std::size_t at_ = 0;
};

/// Samples of the host, mixed down.
class SamplesSound final : public Sound {
 public:
  SamplesSound(std::vector<float> samples, std::int64_t rate_given, std::int64_t channels_given)
      : samples_(std::make_shared<const std::vector<float>>(std::move(samples))) {
    rate = rate_given;
    channels = channels_given;
    frames = std::ssize(*samples_);
    key = fmt::format("{}x{}:{}", rate, channels, ContentHash::of(std::as_bytes(std::span(*samples_))));
  }

  std::unique_ptr<SoundReader> read(std::int64_t to) const override {
    auto reader = std::make_unique<SamplesReader>(samples_);
    if (to == rate) return reader;
    return resampled(std::move(reader), rate, to, length(to));
  }

 private:
  std::shared_ptr<const std::vector<float>> samples_;
};

}  // namespace
}  // namespace media

inline namespace v0 {
namespace {

std::size_t sample_bytes(SampleFormat format) {
  switch (format) {
    case SampleFormat::f32: return 4;
    case SampleFormat::s16: return 2;
  }
  fail(ErrorCode::invalid_argument, "samples: format is {}, expected 0 or 1", static_cast<std::int32_t>(format));
}

/// Frames of the view. Error invalid_argument where it does not fit itself.
std::size_t checked_frames(const SampleView& view) {
  const std::size_t bytes = sample_bytes(view.format);
  if (view.rate < media::kMinSoundRate || view.rate > media::kMaxSoundRate) {
    fail(ErrorCode::invalid_argument, "samples: rate is {} Hz, expected {} to {}", view.rate, media::kMinSoundRate,
         media::kMaxSoundRate);
  }
  if (view.channels < 1 || view.channels > media::kMaxSoundChannels) {
    fail(ErrorCode::invalid_argument, "samples: {} channels, expected 1 to {}", view.channels, media::kMaxSoundChannels);
  }
  const std::size_t frame = bytes * static_cast<std::size_t>(view.channels);
  if (view.size == 0) fail(ErrorCode::invalid_argument, "samples: none, expected at least one");
  if (view.size % frame != 0) {
    fail(ErrorCode::invalid_argument, "samples: {} bytes, expected a multiple of {} ({} channels of {} bytes)", view.size,
         frame, view.channels, bytes);
  }
  if (view.data == nullptr) fail(ErrorCode::invalid_argument, "samples: data is null, expected {} bytes", view.size);
  const std::size_t frames = view.size / frame;
  if (frames / static_cast<std::size_t>(view.rate) >= static_cast<std::size_t>(media::kMaxSoundHours) * 3600) {
    fail(ErrorCode::invalid_argument, "samples: {} frames at {} Hz, expected at most {} hours", frames, view.rate,
         media::kMaxSoundHours);
  }
  return frames;
}

/// Samples of the view from `first` on as floats, wherever they lie.
void copy_samples(const SampleView& view, std::size_t first, std::span<float> out) {
  const auto* bytes = static_cast<const std::byte*>(view.data) + first * sample_bytes(view.format);
  if (view.format == SampleFormat::f32) {
    std::memcpy(out.data(), bytes, out.size_bytes());
    if (const std::size_t odd = media::find_not_finite(out); odd < out.size()) {
      fail(ErrorCode::invalid_argument, "samples: sample {} is {}, expected -1 to 1", first + odd, out[odd]);
    }
    return;
  }
  for (std::size_t i = 0; i < out.size(); ++i) {
    std::int16_t sample = 0;
    std::memcpy(&sample, bytes + i * sizeof sample, sizeof sample);
    out[i] = static_cast<float>(sample) / 32768.0f;
  }
}

}  // namespace

Audio Audio::open(const std::filesystem::path& path) { return Audio(media::open_sound(path)); }

Audio Audio::from_memory(const void* data, std::size_t size) {
  if (data == nullptr && size != 0) {
    fail(ErrorCode::invalid_argument, "recording in memory: data is null, expected {} bytes", size);
  }
  return Audio(media::decode_sound({static_cast<const std::byte*>(data), size}, "recording in memory"));
}

Audio Audio::from_samples(const SampleView& view) {
  const std::size_t frames = checked_frames(view);
  const std::size_t channels = static_cast<std::size_t>(view.channels);
  constexpr std::size_t kBlock = 4096;
  std::vector<float> mono;
  try {
    mono.resize(frames);
  } catch (const std::bad_alloc&) {
    fail(ErrorCode::out_of_memory, "samples: no memory for {} frames", frames);
  }
  std::vector<float> block(std::min(kBlock, frames) * channels);
  for (std::size_t first = 0; first < frames; first += kBlock) {
    const std::size_t count = std::min(kBlock, frames - first);
    const std::span<float> some = std::span(block).first(count * channels);
    copy_samples(view, first * channels, some);
    media::mix_down(some, view.channels, std::span(mono).subspan(first, count));
  }
  return Audio(std::make_shared<const media::SamplesSound>(std::move(mono), view.rate, view.channels));
}

double Audio::seconds() const noexcept { return sound_->seconds(); }
std::int64_t Audio::rate() const noexcept { return sound_->rate; }
std::int64_t Audio::channels() const noexcept { return sound_->channels; }

}  // namespace v0
}  // namespace lmm
