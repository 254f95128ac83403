#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

namespace lmm::media {

/// Reads a recording from its start to its end. One thread at a time.
class SoundReader {
 public:
  virtual ~SoundReader() = default;

  /// The next samples; fewer than asked for only at the end, 0 after it. Errors: bad_file, io.
  virtual std::size_t read(std::span<float> samples) = 0;
};

/// A recording of one channel (the mean of all). Immutable, usable from any thread.
class Sound {
 public:
  virtual ~Sound() = default;

  std::int64_t rate = 0;      ///< frames a second, as stored
  std::int64_t channels = 0;  ///< as stored
  std::int64_t frames = 0;    ///< as stored
  std::string key;            ///< names the content: equal for equal recordings (ContentHash)

  double seconds() const noexcept { return static_cast<double>(frames) / static_cast<double>(rate); }

  /// A new reader of the samples at `rate`, resampled by soxr's high quality as librosa.load does.
  /// Gives length(rate) samples, or an error where the recording has been changed or turns out to be shorter.
  virtual std::unique_ptr<SoundReader> read(std::int64_t rate) const = 0;

  /// Samples at `rate`, as librosa.resample counts them: frames * rate / this->rate, rounded up.
  std::int64_t length(std::int64_t rate) const noexcept;
};

}  // namespace lmm::media
