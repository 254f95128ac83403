#include "lib/models/voxtral/preprocess.hpp"

#include "lib/core/error.hpp"

#include <algorithm>

namespace lmm::models::voxtral {

std::int64_t windows_of(const media::Sound& sound, const media::LogMelConfig& config) {
  constexpr std::int64_t kMost = 1 << 20;  // beyond all contexts; rows and samples stay far from overflow
  const std::int64_t window = config.chunk_samples();
  const std::int64_t windows = std::max<std::int64_t>((sound.length(config.rate) + window - 1) / window, 1);
  if (windows > kMost) {
    fail(ErrorCode::invalid_argument, "recording of {:.0f} seconds, this model hears at most {}", sound.seconds(),
         kMost * config.chunk);
  }
  return windows;
}

}  // namespace lmm::models::voxtral
