#include "lib/media/resample_kernels.hpp"

#if defined(__x86_64__)

#include <immintrin.h>

#include <cstring>

// As resample_avx2.cpp, two pixels and 16 bytes at a time.

#define LMM_SSE4 __attribute__((target("sse4.1")))

namespace lmm::media {
namespace {

LMM_SSE4 inline std::uint32_t finish(__m128i high, __m128i low) {
  __m128i total = _mm_add_epi32(_mm_slli_epi32(high, kLowBits), low);
  total = _mm_srai_epi32(_mm_add_epi32(total, _mm_set1_epi32(kHalf)), kCoefficientBits);
  total = _mm_packus_epi16(_mm_packs_epi32(total, total), total);
  return static_cast<std::uint32_t>(_mm_cvtsi128_si32(total));
}

LMM_SSE4 inline __m128i spread(const std::int16_t* two) {
  std::int32_t bits;
  std::memcpy(&bits, two, sizeof bits);
  return _mm_set1_epi32(bits);
}

LMM_SSE4 void horizontal(const std::uint8_t* const in[kRowsAtOnce], std::uint8_t* const out[kRowsAtOnce],
                         std::int64_t out_width, const Taps& taps) {
  const __m128i pairs = _mm_setr_epi8(0, -1, 3, -1, 1, -1, 4, -1, 2, -1, 5, -1, -1, -1, -1, -1);
  for (std::int64_t x = 0; x < out_width; ++x) {
    const std::int64_t offset = std::int64_t{taps.first[x]} * 3;
    const std::int16_t* high = taps.high.data() + x * taps.stride;
    const std::int16_t* low = taps.low.data() + x * taps.stride;
    __m128i highs[kRowsAtOnce] = {};
    __m128i lows[kRowsAtOnce] = {};
    const std::int32_t count = taps.count[x];
    for (std::int32_t j = 0; j < count; j += 2) {
      const __m128i high_pairs = spread(high + j);
      const __m128i low_pairs = spread(low + j);
      for (int row = 0; row < kRowsAtOnce; ++row) {
        const std::uint8_t* at = in[row] + offset + std::int64_t{j} * 3;
        const __m128i pixels = _mm_shuffle_epi8(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(at)), pairs);
        highs[row] = _mm_add_epi32(highs[row], _mm_madd_epi16(pixels, high_pairs));
        lows[row] = _mm_add_epi32(lows[row], _mm_madd_epi16(pixels, low_pairs));
      }
    }
    for (int row = 0; row < kRowsAtOnce; ++row) {
      const std::uint32_t rgb = finish(highs[row], lows[row]);
      std::memcpy(out[row] + x * 3, &rgb, 3);
    }
  }
}

/// 16 bytes of the result.
LMM_SSE4 inline void vertical_block(const std::uint8_t* const* in, std::int64_t at, std::int32_t count,
                                    const std::int16_t* high, const std::int16_t* low, std::uint8_t* out) {
  const __m128i zero = _mm_setzero_si128();
  __m128i highs[4] = {zero, zero, zero, zero};
  __m128i lows[4] = {zero, zero, zero, zero};
  for (std::int32_t j = 0; j < count; j += 2) {
    const std::uint8_t* second = in[j + 1 < count ? j + 1 : j];  // its coefficient is 0 where there is none
    const __m128i high_pairs = spread(high + j);
    const __m128i low_pairs = spread(low + j);
    const __m128i a = _mm_loadu_si128(reinterpret_cast<const __m128i*>(in[j] + at));
    const __m128i b = _mm_loadu_si128(reinterpret_cast<const __m128i*>(second + at));
    const __m128i left = _mm_unpacklo_epi8(a, b);
    const __m128i right = _mm_unpackhi_epi8(a, b);
    const __m128i pairs[4] = {_mm_unpacklo_epi8(left, zero), _mm_unpackhi_epi8(left, zero),
                              _mm_unpacklo_epi8(right, zero), _mm_unpackhi_epi8(right, zero)};
    for (int i = 0; i < 4; ++i) {
      highs[i] = _mm_add_epi32(highs[i], _mm_madd_epi16(pairs[i], high_pairs));
      lows[i] = _mm_add_epi32(lows[i], _mm_madd_epi16(pairs[i], low_pairs));
    }
  }
  __m128i sums[4];
  for (int i = 0; i < 4; ++i) {
    const __m128i sum = _mm_add_epi32(_mm_slli_epi32(highs[i], kLowBits), lows[i]);
    sums[i] = _mm_srai_epi32(_mm_add_epi32(sum, _mm_set1_epi32(kHalf)), kCoefficientBits);
  }
  const __m128i bytes = _mm_packus_epi16(_mm_packs_epi32(sums[0], sums[1]), _mm_packs_epi32(sums[2], sums[3]));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(out + at), bytes);
}

LMM_SSE4 void vertical(const std::uint8_t* const* in, std::int64_t bytes, const Taps& taps, std::int64_t index,
                       std::uint8_t* out) {
  if (bytes < 16) return portable_loops().vertical(in, bytes, taps, index, out);
  const std::int32_t count = taps.count[index];
  const std::int16_t* high = taps.high.data() + index * taps.stride;
  const std::int16_t* low = taps.low.data() + index * taps.stride;
  std::int64_t at = 0;
  for (; at + 16 <= bytes; at += 16) vertical_block(in, at, count, high, low, out);
  if (at < bytes) vertical_block(in, bytes - 16, count, high, low, out);
}

}  // namespace

Loops sse4_loops() noexcept { return {horizontal, vertical}; }

}  // namespace lmm::media

#else

namespace lmm::media {
Loops sse4_loops() noexcept { return portable_loops(); }
}  // namespace lmm::media

#endif
