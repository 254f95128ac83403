#pragma once

#include "lib/media/resample.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

/// Inner loops of resize(), private to the room.
namespace lmm::media {

inline constexpr int kCoefficientBits = 22;  // fixed point, PRECISION_BITS of Resample.c
inline constexpr int kLowBits = 12;          // a coefficient is high * 2^12 + low, both of which fit int16
inline constexpr std::int32_t kHalf = 1 << (kCoefficientBits - 1);
inline constexpr int kRowsAtOnce = 4;        // rows that the horizontal loop takes, so that coefficients load once

/// Convolution from in_size to out_size samples: sample i of the result is the sum over j of
/// coefficient[i * stride + j] * input[first[i] + j], j < count[i]; what lies beyond count[i] is 0.
struct Taps {
  std::vector<std::int32_t> first;
  std::vector<std::int32_t> count;
  std::int32_t stride = 0;                 ///< a multiple of 4
  std::vector<std::int32_t> coefficient;
  std::vector<std::int16_t> high;          ///< coefficient >> 12; empty where one does not fit
  std::vector<std::int16_t> low;           ///< coefficient & 4095

  std::int32_t last() const { return first.back() + count.back(); }  ///< first input sample past all
};

/// How weights become whole numbers.
enum class Rounding {
  pillow,  ///< 22 bits behind the point
  torch,   ///< as many as the largest weight leaves room for in int16; the rest of the 22 are 0
};

/// Taps as precompute_coeffs and normalize_coeffs_8bpc of Resample.c make them, or as torch's
/// HelperInterpBase::_compute_index_ranges_int16_weights does.
Taps make_taps(std::int64_t in_size, std::int64_t out_size, Resample filter, Rounding rounding = Rounding::pillow);

/// One row of RGB pixels after the other, `out_width` of each, from 4 rows of input (each may be read up to 16 bytes
/// past its last pixel).
using HorizontalLoop = void (*)(const std::uint8_t* const in[kRowsAtOnce], std::uint8_t* const out[kRowsAtOnce],
                                std::int64_t out_width, const Taps& taps);

/// Bytes [0, bytes) of one row of the result from count rows of input.
using VerticalLoop = void (*)(const std::uint8_t* const* in, std::int64_t bytes, const Taps& taps, std::int64_t index,
                              std::uint8_t* out);

struct Loops {
  HorizontalLoop horizontal;
  VerticalLoop vertical;
};

Loops portable_loops() noexcept;
Loops sse4_loops() noexcept;  ///< only where has_kernel(Kernel::sse4)
Loops avx2_loops() noexcept;  ///< only where has_kernel(Kernel::avx2)

inline std::uint8_t clip8(std::int32_t sum) noexcept {
  const std::int32_t value = sum >> kCoefficientBits;
  return static_cast<std::uint8_t>(value < 0 ? 0 : value > 255 ? 255 : value);
}

}  // namespace lmm::media
