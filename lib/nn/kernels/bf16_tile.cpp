#include "lib/nn/kernels/bf16_tile.hpp"

#include "lib/nn/kernels/views.hpp"

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

#include "lib/nn/kernels/attention_tile.inc"

/// bf16 numbers, two at a time: weights are rounded to bf16 between the two products.
struct Pairs {
  using Number = std::uint16_t;
  static constexpr int kGroup = 2;
  static constexpr std::int64_t kRoom = 0;  // queries are taken as they are

  static __m512bh vector(const Number* p) { return reinterpret_cast<__m512bh>(_mm512_loadu_si512(p)); }
  static __m512bh one(const Number* p) {
    std::int32_t pair;
    __builtin_memcpy(&pair, p, sizeof pair);
    return reinterpret_cast<__m512bh>(_mm512_set1_epi32(pair));
  }
  static Floats add(Floats total, __m512bh a, __m512bh b) {
    return reinterpret_cast<Floats>(_mm512_dpbf16_ps(reinterpret_cast<__m512>(total), a, b));
  }
  static void put(Number* to, Floats weight) {
    const __m256bh rounded = _mm512_cvtneps_pbh(reinterpret_cast<__m512>(weight));
    __builtin_memcpy(to, &rounded, sizeof rounded);
  }
  static const Number* queries(const Bf16Tile& t, std::int64_t row, std::int64_t, Number*, std::int64_t& stride) {
    stride = t.q_token;
    return t.q + row * t.q_token;
  }
};

}  // namespace

void attend_rows_in_pairs(const Bf16Tile& tile, std::int64_t begin, std::int64_t end) noexcept {
  attend_rows_of<Pairs>(tile, begin, end);
}

}  // namespace lmm::nn::kernels

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

#else

namespace lmm::nn::kernels {
void attend_rows_in_pairs(const Bf16Tile&, std::int64_t, std::int64_t) noexcept {}  // no processor here has the instructions
}  // namespace lmm::nn::kernels

#endif
