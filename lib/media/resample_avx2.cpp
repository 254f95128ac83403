#include "lib/media/resample_kernels.hpp"

#if defined(__x86_64__)

#include <immintrin.h>

#include <cstring>

// Products of 8-bit samples and 22-bit coefficients in 16-bit multiply-adds: coefficient = high * 2^12 + low, the sums
// of both halves are exact in 32 bits (modulo 2^32, as the sum itself is), and joined at the end.

#define LMM_AVX2 __attribute__((target("avx2")))

namespace lmm::media {
namespace {

/// Two neighbouring pixels' reds, then greens, then blues as 16-bit pairs; pixels 2 and 3 in the upper half.
LMM_AVX2 inline __m256i pixel_pairs() {
  return _mm256_setr_epi8(0, -1, 3, -1, 1, -1, 4, -1, 2, -1, 5, -1, -1, -1, -1, -1,  //
                          6, -1, 9, -1, 7, -1, 10, -1, 8, -1, 11, -1, -1, -1, -1, -1);
}

/// Coefficients 0 and 1 four times, 2 and 3 in the upper half.
LMM_AVX2 inline __m256i coefficient_pairs() {
  return _mm256_setr_epi8(0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3,  //
                          4, 5, 6, 7, 4, 5, 6, 7, 4, 5, 6, 7, 4, 5, 6, 7);
}

LMM_AVX2 inline __m256i spread(const std::int16_t* four) {
  long long bits;
  std::memcpy(&bits, four, sizeof bits);
  return _mm256_shuffle_epi8(_mm256_set1_epi64x(bits), coefficient_pairs());
}

LMM_AVX2 inline __m256i load_four_pixels(const std::uint8_t* pixels) {
  const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(pixels));
  return _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(bytes), pixel_pairs());
}

/// Sums of red, green and blue to their bytes.
LMM_AVX2 inline std::uint32_t finish(__m256i high, __m256i low) {
  const __m256i sum = _mm256_add_epi32(_mm256_slli_epi32(high, kLowBits), low);
  __m128i total = _mm_add_epi32(_mm256_castsi256_si128(sum), _mm256_extracti128_si256(sum, 1));
  total = _mm_srai_epi32(_mm_add_epi32(total, _mm_set1_epi32(kHalf)), kCoefficientBits);
  total = _mm_packus_epi16(_mm_packs_epi32(total, total), total);
  return static_cast<std::uint32_t>(_mm_cvtsi128_si32(total));
}

LMM_AVX2 void horizontal(const std::uint8_t* const in[kRowsAtOnce], std::uint8_t* const out[kRowsAtOnce],
                         std::int64_t out_width, const Taps& taps) {
  for (std::int64_t x = 0; x < out_width; ++x) {
    const std::int64_t offset = std::int64_t{taps.first[x]} * 3;
    const std::int16_t* high = taps.high.data() + x * taps.stride;
    const std::int16_t* low = taps.low.data() + x * taps.stride;
    const std::uint8_t* row0 = in[0] + offset;
    const std::uint8_t* row1 = in[1] + offset;
    const std::uint8_t* row2 = in[2] + offset;
    const std::uint8_t* row3 = in[3] + offset;
    __m256i high0 = _mm256_setzero_si256(), high1 = high0, high2 = high0, high3 = high0;
    __m256i low0 = high0, low1 = high0, low2 = high0, low3 = high0;
    const std::int32_t count = taps.count[x];
    for (std::int32_t j = 0; j < count; j += 4) {
      const __m256i high_pairs = spread(high + j);
      const __m256i low_pairs = spread(low + j);
      const std::int64_t at = std::int64_t{j} * 3;
      const __m256i pixels0 = load_four_pixels(row0 + at);
      const __m256i pixels1 = load_four_pixels(row1 + at);
      const __m256i pixels2 = load_four_pixels(row2 + at);
      const __m256i pixels3 = load_four_pixels(row3 + at);
      high0 = _mm256_add_epi32(high0, _mm256_madd_epi16(pixels0, high_pairs));
      low0 = _mm256_add_epi32(low0, _mm256_madd_epi16(pixels0, low_pairs));
      high1 = _mm256_add_epi32(high1, _mm256_madd_epi16(pixels1, high_pairs));
      low1 = _mm256_add_epi32(low1, _mm256_madd_epi16(pixels1, low_pairs));
      high2 = _mm256_add_epi32(high2, _mm256_madd_epi16(pixels2, high_pairs));
      low2 = _mm256_add_epi32(low2, _mm256_madd_epi16(pixels2, low_pairs));
      high3 = _mm256_add_epi32(high3, _mm256_madd_epi16(pixels3, high_pairs));
      low3 = _mm256_add_epi32(low3, _mm256_madd_epi16(pixels3, low_pairs));
    }
    const std::uint32_t rgb[kRowsAtOnce] = {finish(high0, low0), finish(high1, low1), finish(high2, low2),
                                            finish(high3, low3)};
    const std::size_t bytes = x + 1 < out_width ? 4 : 3;  // a fourth byte is overwritten by the next pixel
    for (int row = 0; row < kRowsAtOnce; ++row) {
      if (bytes == 4) {
        std::memcpy(out[row] + x * 3, &rgb[row], 4);
      } else {
        std::memcpy(out[row] + x * 3, &rgb[row], 3);
      }
    }
  }
}

/// 32 bytes of the result.
LMM_AVX2 inline void vertical_block(const std::uint8_t* const* in, std::int64_t at, std::int32_t count,
                                    const std::int16_t* high, const std::int16_t* low, std::uint8_t* out) {
  const __m256i zero = _mm256_setzero_si256();
  __m256i highs[4] = {zero, zero, zero, zero};
  __m256i lows[4] = {zero, zero, zero, zero};
  for (std::int32_t j = 0; j < count; j += 2) {
    const std::uint8_t* second = in[j + 1 < count ? j + 1 : j];  // its coefficient is 0 where there is none
    std::int32_t high_pair;
    std::int32_t low_pair;
    std::memcpy(&high_pair, high + j, sizeof high_pair);
    std::memcpy(&low_pair, low + j, sizeof low_pair);
    const __m256i high_pairs = _mm256_set1_epi32(high_pair);
    const __m256i low_pairs = _mm256_set1_epi32(low_pair);
    const __m256i a = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(in[j] + at));
    const __m256i b = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(second + at));
    const __m256i left = _mm256_unpacklo_epi8(a, b);
    const __m256i right = _mm256_unpackhi_epi8(a, b);
    const __m256i pairs[4] = {_mm256_unpacklo_epi8(left, zero), _mm256_unpackhi_epi8(left, zero),
                              _mm256_unpacklo_epi8(right, zero), _mm256_unpackhi_epi8(right, zero)};
    for (int i = 0; i < 4; ++i) {
      highs[i] = _mm256_add_epi32(highs[i], _mm256_madd_epi16(pairs[i], high_pairs));
      lows[i] = _mm256_add_epi32(lows[i], _mm256_madd_epi16(pairs[i], low_pairs));
    }
  }
  __m256i sums[4];
  for (int i = 0; i < 4; ++i) {
    const __m256i sum = _mm256_add_epi32(_mm256_slli_epi32(highs[i], kLowBits), lows[i]);
    sums[i] = _mm256_srai_epi32(_mm256_add_epi32(sum, _mm256_set1_epi32(kHalf)), kCoefficientBits);
  }
  const __m256i bytes = _mm256_packus_epi16(_mm256_packs_epi32(sums[0], sums[1]), _mm256_packs_epi32(sums[2], sums[3]));
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + at), bytes);
}

LMM_AVX2 void vertical(const std::uint8_t* const* in, std::int64_t bytes, const Taps& taps, std::int64_t index,
                       std::uint8_t* out) {
  if (bytes < 32) return portable_loops().vertical(in, bytes, taps, index, out);
  const std::int32_t count = taps.count[index];
  const std::int16_t* high = taps.high.data() + index * taps.stride;
  const std::int16_t* low = taps.low.data() + index * taps.stride;
  std::int64_t at = 0;
  for (; at + 32 <= bytes; at += 32) vertical_block(in, at, count, high, low, out);
  if (at < bytes) vertical_block(in, bytes - 32, count, high, low, out);
}

}  // namespace

Loops avx2_loops() noexcept { return {horizontal, vertical}; }

}  // namespace lmm::media

#else

namespace lmm::media {
Loops avx2_loops() noexcept { return portable_loops(); }
}  // namespace lmm::media

#endif
