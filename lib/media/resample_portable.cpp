#include "lib/media/resample_kernels.hpp"

#include <algorithm>

namespace lmm::media {
namespace {

void horizontal(const std::uint8_t* const in[kRowsAtOnce], std::uint8_t* const out[kRowsAtOnce], std::int64_t out_width,
                const Taps& taps) {
  for (int row = 0; row < kRowsAtOnce; ++row) {
    std::uint8_t* target = out[row];
    for (std::int64_t x = 0; x < out_width; ++x, target += 3) {
      const std::uint8_t* pixel = in[row] + std::int64_t{taps.first[x]} * 3;
      const std::int32_t* coefficient = taps.coefficient.data() + x * taps.stride;
      std::int32_t red = kHalf;
      std::int32_t green = kHalf;
      std::int32_t blue = kHalf;
      for (std::int32_t j = 0; j < taps.count[x]; ++j, pixel += 3) {
        red += pixel[0] * coefficient[j];
        green += pixel[1] * coefficient[j];
        blue += pixel[2] * coefficient[j];
      }
      target[0] = clip8(red);
      target[1] = clip8(green);
      target[2] = clip8(blue);
    }
  }
}

void vertical(const std::uint8_t* const* in, std::int64_t bytes, const Taps& taps, std::int64_t index,
              std::uint8_t* out) {
  constexpr std::int64_t kBlock = 256;
  const std::int32_t* coefficient = taps.coefficient.data() + index * taps.stride;
  std::int32_t sums[kBlock];
  for (std::int64_t from = 0; from < bytes; from += kBlock) {
    const std::int64_t size = std::min(kBlock, bytes - from);
    std::fill_n(sums, size, kHalf);
    for (std::int32_t j = 0; j < taps.count[index]; ++j) {
      const std::uint8_t* row = in[j] + from;
      for (std::int64_t x = 0; x < size; ++x) sums[x] += row[x] * coefficient[j];
    }
    for (std::int64_t x = 0; x < size; ++x) out[from + x] = clip8(sums[x]);
  }
}

}  // namespace

Loops portable_loops() noexcept { return {horizontal, vertical}; }

}  // namespace lmm::media
