#include "lib/nn/kernels/bf16_tile.hpp"

#if defined(__x86_64__)

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,fma,avx512f,avx512bw,avx512vl,avx512dq,avx512bf16"))), \
                             apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,fma,avx512f,avx512bw,avx512vl,avx512dq,avx512bf16")
#endif

namespace lmm::nn::kernels {
namespace {

constexpr int kLanes = 16;
#include "lib/nn/kernels/simd.inc"

constexpr std::int64_t kKeySpan = 512;  // keys whose scores are held at once: they stay in the first cache

inline __m512bh load_pairs(const std::uint16_t* p) { return reinterpret_cast<__m512bh>(_mm512_loadu_si512(p)); }
inline __m512bh all_pairs(const std::uint16_t* p) {
  std::int32_t pair;
  __builtin_memcpy(&pair, p, sizeof pair);
  return reinterpret_cast<__m512bh>(_mm512_set1_epi32(pair));
}

// total[r][c] += a_r . b_c over `pairs` pairs, a_r = a + r * a_stride broadcast pair by pair, b_c the c-th vector of 16
// columns, columns b_column apart and pairs b_pair apart.
template <int kRows, int kColumns>
inline void products(const std::uint16_t* a, std::int64_t a_stride, const std::uint16_t* b, std::int64_t b_column,
                     std::int64_t b_pair, std::int64_t pairs, __m512 (&total)[kRows][kColumns]) {
  for (std::int64_t i = 0; i < pairs; ++i) {
    __m512bh column[kColumns];
#pragma GCC unroll 4
    for (int c = 0; c < kColumns; ++c) column[c] = load_pairs(b + i * b_pair + c * b_column);
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) {
      const __m512bh row = all_pairs(a + r * a_stride + 2 * i);
#pragma GCC unroll 4
      for (int c = 0; c < kColumns; ++c) total[r][c] = _mm512_dpbf16_ps(total[r][c], row, column[c]);
    }
  }
}

// scores (kRows, kKeySpan) of `span` keys (a multiple of 64) from `first` on.
template <int kRows>
inline void score(const Bf16Tile& t, const std::uint16_t* q, std::int64_t first, std::int64_t span, float* scores) {
  for (std::int64_t s = 0; s < span; s += 64) {
    __m512 total[kRows][4];
    for (auto& row : total) {
      for (__m512& vector : row) vector = _mm512_setzero_ps();
    }
    products<kRows, 4>(q, t.q_token, t.keys + (first + s) * t.head_dim, 16 * t.head_dim, 32, t.head_dim / 2, total);
    for (int r = 0; r < kRows; ++r) {
      for (int c = 0; c < 4; ++c) _mm512_storeu_ps(scores + r * kKeySpan + s + c * 16, total[r][c]);
    }
  }
}

// One row: scores become weights exp(scale * score - largest so far) in bf16, those not seen 0; gives the factor by
// which what was summed before has to shrink.
inline float soften(float* scores, std::int64_t seen, std::int64_t span, float scale, std::uint16_t* weights,
                    float& largest, float& total) {
  for (std::int64_t s = seen; s < span; ++s) scores[s] = -__builtin_inff();
  Floats most = all(-__builtin_inff());
  for (std::int64_t s = 0; s < span; s += kLanes) most = larger(load(scores + s), most);
  const float here = highest(most) * scale;
  const float top = here > largest ? here : largest;
  Floats sums = {};
  for (std::int64_t s = 0; s < span; s += kLanes) {
    const Floats weight = exp(load(scores + s) * scale - top);
    sums += weight;
    const __m256bh rounded = _mm512_cvtneps_pbh(reinterpret_cast<__m512>(weight));
    __builtin_memcpy(weights + s, &rounded, sizeof rounded);
  }
  const float keep = exp(all(largest - top))[0];
  largest = top;
  total = total * keep + sum(sums);
  return keep;
}

// sums (kRows, padded head_dim) += weights . values over `span` keys from `first` on.
template <int kRows, int kColumns>
inline void weigh(const std::uint16_t* weights, const std::uint16_t* values, std::int64_t padded_dim, std::int64_t span,
                  float* sums) {
  __m512 total[kRows][kColumns];
  for (int r = 0; r < kRows; ++r) {
    for (int c = 0; c < kColumns; ++c) total[r][c] = _mm512_loadu_ps(sums + r * kMaxTileDim + c * 16);
  }
  products<kRows, kColumns>(weights, kKeySpan, values, 32, 2 * padded_dim, span / 2, total);
  for (int r = 0; r < kRows; ++r) {
    for (int c = 0; c < kColumns; ++c) _mm512_storeu_ps(sums + r * kMaxTileDim + c * 16, total[r][c]);
  }
}

template <int kRows>
inline void weigh_all(const Bf16Tile& t, const std::uint16_t* weights, std::int64_t first, std::int64_t span,
                      float* sums) {
  const std::int64_t padded_dim = (t.head_dim + 15) / 16 * 16;
  const std::uint16_t* const values = t.values + first * padded_dim;
  std::int64_t d = 0;
  for (; d + 64 <= padded_dim; d += 64) weigh<kRows, 4>(weights, values + 2 * d, padded_dim, span, sums + d);
  for (; d < padded_dim; d += 16) weigh<kRows, 1>(weights, values + 2 * d, padded_dim, span, sums + d);
}

template <int kRows>
void attend_tile(const Bf16Tile& t, std::int64_t row) {
  float scores[kRows * kKeySpan], sums[kRows * kMaxTileDim], largest[kRows], total[kRows];
  std::uint16_t weights[kRows * kKeySpan];
  const std::int64_t padded_dim = (t.head_dim + 15) / 16 * 16;
  for (int r = 0; r < kRows; ++r) {
    largest[r] = -3.0e38F;  // finite, so that a span of which a row sees nothing leaves it as it is
    total[r] = 0;
    for (std::int64_t d = 0; d < padded_dim; ++d) sums[r * kMaxTileDim + d] = 0;
  }
  const auto seen_by = [&t](std::int64_t of) {
    const std::int64_t seen = t.seen_by_first + of * t.seen_step;
    return seen < t.key_count ? seen : t.key_count;
  };
  const std::int64_t all_seen = seen_by(row + kRows - 1);
  for (std::int64_t first = 0; first < all_seen; first += kKeySpan) {
    const std::int64_t left = (all_seen - first + 63) / 64 * 64;
    const std::int64_t span = left < kKeySpan ? left : kKeySpan;
    score<kRows>(t, t.q + row * t.q_token, first, span, scores);
    for (int r = 0; r < kRows; ++r) {
      const std::int64_t seen = seen_by(row + r) - first;
      const float keep = soften(scores + r * kKeySpan, seen < 0 ? 0 : seen, span, t.scale, weights + r * kKeySpan,
                                largest[r], total[r]);
      for (std::int64_t d = 0; d < padded_dim; ++d) sums[r * kMaxTileDim + d] *= keep;
    }
    weigh_all<kRows>(t, weights, first, span, sums);
  }
  for (int r = 0; r < kRows; ++r) {
    const float factor = 1.0F / total[r];
    std::uint16_t* const out = t.out + (row + r) * t.out_token;
    std::int64_t d = 0;
    for (; d + kLanes <= t.head_dim; d += kLanes) store(out + d, load(sums + r * kMaxTileDim + d) * factor);
    if (d < t.head_dim) store_some(out + d, load(sums + r * kMaxTileDim + d) * factor, t.head_dim - d);
  }
}

}  // namespace

void attend_rows(const Bf16Tile& tile, std::int64_t begin, std::int64_t end) noexcept {
  std::int64_t row = begin;
  for (; row + 6 <= end; row += 6) attend_tile<6>(tile, row);
  for (; row + 2 <= end; row += 2) attend_tile<2>(tile, row);
  if (row < end) attend_tile<1>(tile, row);
}

}  // namespace lmm::nn::kernels

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

#else

namespace lmm::nn::kernels {
void attend_rows(const Bf16Tile&, std::int64_t, std::int64_t) noexcept {}  // has_bf16_attention() is false here
}  // namespace lmm::nn::kernels

#endif
