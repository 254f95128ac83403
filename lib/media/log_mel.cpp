#include "lib/media/log_mel.hpp"

#include "lib/core/error.hpp"

#include <unsupported/Eigen/FFT>

#include <algorithm>
#include <cmath>
#include <complex>
#include <numbers>
#include <optional>
#include <utility>

namespace lmm::media {
namespace {

constexpr std::int64_t kKeptFrames = 6000;  // a minute of Whisper's: two windows of 30 s
constexpr std::int64_t kScanFrames = 1000;

/// log10 of the power in each mel band of one frame, before it is limited and scaled.
class MelSpectrum {
 public:
  explicit MelSpectrum(const LogMelConfig& config)
      : window_(static_cast<std::size_t>(config.window)),
        frame_(window_.size()),
        spectrum_(window_.size() / 2 + 1),
        power_(spectrum_.size()) {
    fft_.SetFlag(Eigen::FFT<float>::HalfSpectrum);
    const double turn = 2.0 * std::numbers::pi / static_cast<double>(window_.size());
    for (std::size_t i = 0; i < window_.size(); ++i) {
      window_[i] = static_cast<float>(0.5 - 0.5 * std::cos(turn * static_cast<double>(i)));
    }
    const std::vector<float> filters = mel_filters(config);
    for (std::int64_t mel = 0; mel < config.mels; ++mel) {
      const auto from = filters.begin() + mel * std::ssize(power_);
      const auto to = from + std::ssize(power_);
      const auto is_set = [](float weight) { return weight != 0.0f; };
      const auto first = std::find_if(from, to, is_set);
      const auto last = std::find_if(std::make_reverse_iterator(to), std::make_reverse_iterator(first), is_set).base();
      bands_.push_back({static_cast<std::size_t>(first - from), {first, last}});
    }
  }

  /// `samples`: a window of them; out: one number a band.
  void compute(const float* samples, float* out) {
    for (std::size_t i = 0; i < window_.size(); ++i) frame_[i] = samples[i] * window_[i];
    fft_.fwd(spectrum_.data(), frame_.data(), static_cast<int>(frame_.size()));
    for (std::size_t i = 0; i < power_.size(); ++i) power_[i] = std::norm(spectrum_[i]);
    for (const Band& band : bands_) {
      float sum = 0.0f;
      for (std::size_t i = 0; i < band.weights.size(); ++i) sum += band.weights[i] * power_[band.first + i];
      *out++ = std::log10(std::max(sum, 1e-10f));
    }
  }

 private:
  /// A triangle: its weights from bin `first` on.
  struct Band {
    std::size_t first = 0;
    std::vector<float> weights;
  };

  std::vector<float> window_;  // Hann's, periodic
  std::vector<float> frame_;
  std::vector<std::complex<float>> spectrum_;
  std::vector<float> power_;
  std::vector<Band> bands_;
  Eigen::FFT<float> fft_;
};

/// The recording at the config's rate, padded or cut to its length, as windows that go forward by `hop`, centred, with the
/// ends reflected.
class Windows {
 public:
  Windows(const LogMelConfig& config, std::unique_ptr<SoundReader> reader, std::int64_t samples)
      : config_(config), reader_(std::move(reader)), samples_(samples), window_(static_cast<std::size_t>(config.window)) {}

  /// A window of samples; valid until the next call.
  const float* next() {
    const std::int64_t half = config_.window / 2;
    const std::int64_t first = frame_ * config_.hop - half;
    const std::int64_t end = first + config_.window;
    ++frame_;
    read_to(std::min(std::max(end, half + 1), samples_), std::max<std::int64_t>(first, 0));  // the first one is reflected at 0
    if (first >= 0 && end <= samples_) return wave_.data() + (first - wave_first_);
    for (std::int64_t i = first; i < end; ++i) {
      const std::int64_t inside = i < 0 ? -i : i < samples_ ? i : 2 * (samples_ - 1) - i;
      window_[static_cast<std::size_t>(i - first)] = wave_[static_cast<std::size_t>(inside - wave_first_)];
    }
    return window_.data();
  }

 private:
  /// Has the samples before `end`, and lets go of those before `first` when they have become many.
  void read_to(std::int64_t end, std::int64_t first) {
    std::int64_t have = wave_first_ + std::ssize(wave_);
    if (end <= have) return;
    wave_.erase(wave_.begin(), wave_.begin() + std::min(std::max<std::int64_t>(first - wave_first_, 0), std::ssize(wave_)));
    wave_first_ = have - std::ssize(wave_);
    const std::int64_t to = std::min(samples_, std::max(end, have + kReadAhead));
    const std::size_t old = wave_.size();
    wave_.resize(old + static_cast<std::size_t>(to - have), config_.padding_value);
    std::span<float> more = std::span(wave_).subspan(old);
    while (!more.empty() && !ended_) {
      const std::size_t got = reader_->read(more);
      ended_ = got == 0;
      more = more.subspan(got);
    }
    std::fill(more.begin(), more.end(), config_.padding_value);
  }

  static constexpr std::int64_t kReadAhead = 16384;  // samples

  LogMelConfig config_;
  std::unique_ptr<SoundReader> reader_;
  std::int64_t samples_;
  std::int64_t frame_ = 0;
  std::vector<float> wave_;  // from wave_first_ on
  std::int64_t wave_first_ = 0;
  std::vector<float> window_;
  bool ended_ = false;
};

}  // namespace

class LogMel::State {
 public:
  State(const LogMelConfig& config, std::shared_ptr<const Sound> sound, std::int64_t samples)
      : config_(config), sound_(std::move(sound)), samples_(samples), spectrum_(config) {
    const std::int64_t length = sound_->length(config.rate);
    if (samples_ == 0) samples_ = length;
    frames_ = samples_ / config.hop;
    sound_frames_ = std::min(frames_, (length + config.hop - 1) / config.hop);
    if (samples_ <= config.window / 2 || frames_ < 1) {
      fail(ErrorCode::invalid_argument, "recording of {} samples at {} Hz, expected at least {}", samples_, config.rate,
           std::max(config.window / 2 + 1, config.hop));
    }
    rows_.resize(static_cast<std::size_t>(std::min(frames_, kKeptFrames) * config.mels));
    restart();
  }

  std::int64_t mels() const noexcept { return config_.mels; }
  std::int64_t frames() const noexcept { return frames_; }
  std::int64_t sound_frames() const noexcept { return sound_frames_; }
  std::int64_t scanned() const noexcept { return scanned_; }

  bool scan(std::int64_t count) {
    for (; count > 0 && scanned_ < frames_; --count) {
      const float* row = compute();
      most_ = std::max(most_, *std::max_element(row, row + config_.mels));
      ++scanned_;
    }
    return scanned_ < frames_;
  }

  void features(std::int64_t first, std::int64_t count, std::span<float> out) {
    if (first < 0 || count < 0 || first > frames_ || count > frames_ - first || std::ssize(out) != count * config_.mels) {
      fail(ErrorCode::invalid_argument, "features: frames {} to {} into {} numbers, expected within 0 to {}, {} each", first,
           first + count, out.size(), frames_, config_.mels);
    }
    while (scan(kScanFrames)) {
    }
    const float least = most_ - 8.0f;
    for (std::int64_t i = 0; i < count; ++i) {
      const float* row = row_of(first + i);
      float* to = out.data() + i;
      for (std::int64_t mel = 0; mel < config_.mels; ++mel, to += count) *to = (std::max(row[mel], least) + 4.0f) / 4.0f;
    }
  }

 private:
  void restart() {
    next_ = 0;
    windows_.emplace(config_, sound_->read(config_.rate), samples_);
  }

  float* slot(std::int64_t frame) { return rows_.data() + frame % std::min(frames_, kKeptFrames) * config_.mels; }

  /// The next frame's row, which is kept in the place of that of a minute ago.
  const float* compute() {
    float* row = slot(next_++);
    spectrum_.compute(windows_->next(), row);
    return row;
  }

  const float* row_of(std::int64_t frame) {
    if (frame < next_ - kKeptFrames) restart();
    while (next_ <= frame) compute();
    return slot(frame);
  }

  LogMelConfig config_;
  std::shared_ptr<const Sound> sound_;
  std::int64_t samples_;
  std::int64_t frames_ = 0;
  std::int64_t sound_frames_ = 0;
  MelSpectrum spectrum_;
  std::optional<Windows> windows_;
  std::int64_t next_ = 0;  // frame that windows_ gives next
  std::int64_t scanned_ = 0;
  float most_ = -10.0f;  // log10(1e-10), below which nothing is
  std::vector<float> rows_;
};

LogMel::LogMel(const LogMelConfig& config, std::shared_ptr<const Sound> sound, std::int64_t samples)
    : state_(std::make_unique<State>(config, std::move(sound), samples)) {}

LogMel::~LogMel() = default;

std::int64_t LogMel::mels() const noexcept { return state_->mels(); }
std::int64_t LogMel::frames() const noexcept { return state_->frames(); }
std::int64_t LogMel::sound_frames() const noexcept { return state_->sound_frames(); }
bool LogMel::scan(std::int64_t count) { return state_->scan(count); }
std::int64_t LogMel::scanned() const noexcept { return state_->scanned(); }

void LogMel::features(std::int64_t first, std::int64_t count, std::span<float> out) {
  state_->features(first, count, out);
}

}  // namespace lmm::media
