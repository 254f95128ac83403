#pragma once

#include "lib/media/sound.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

struct soxr;

namespace lmm::media {

/// A stream of samples from one rate to another, by soxr's high quality: what soxr.resample(..., quality="HQ") of Python
/// gives, in pieces of any size. One thread at a time.
class Resampler {
 public:
  /// Rates in samples a second. Errors: out_of_memory.
  Resampler(std::int64_t from, std::int64_t to);

  struct Done {
    std::size_t used = 0;  ///< samples of `in` taken
    std::size_t made = 0;  ///< samples of `out` written
  };

  /// Takes what fits and writes what is ready. Errors: internal.
  Done push(std::span<const float> in, std::span<float> out);

  /// After the last push: the samples still held back; 0 at their end.
  std::size_t finish(std::span<float> out);

 private:
  struct Delete {
    void operator()(soxr* state) const noexcept;
  };
  std::unique_ptr<soxr, Delete> state_;
};

/// `source` at another rate, as librosa.resample() gives it: exactly `length` samples, zeros where soxr made fewer.
std::unique_ptr<SoundReader> resampled(std::unique_ptr<SoundReader> source, std::int64_t from, std::int64_t to,
                                       std::int64_t length);

}  // namespace lmm::media
