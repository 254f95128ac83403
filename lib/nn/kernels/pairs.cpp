#include "lib/nn/kernels/pairs.hpp"

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
#define LMM_AVX512
#define LMM_ROUND_TO_BF16(v) _mm512_cvtneps_pbh(reinterpret_cast<__m512>(v))  // for simd.inc
// clang-format off: each stands on the one before
#include "lib/nn/kernels/simd.inc"
#include "lib/nn/kernels/panel_filling.inc"
#include "lib/nn/kernels/attention_tile.inc"
#include "lib/nn/kernels/panel_output.inc"
#include "lib/nn/kernels/matmul_panel.inc"
// clang-format on

/// Weights of an attention are rounded to bf16 between its two products.
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
  static void put(Number* to, Floats weight) { store(to, weight); }
  static const Number* queries(const Bf16Tile& t, std::int64_t row, std::int64_t, Number*, std::int64_t& stride) {
    stride = t.q_token;
    return t.q + row * t.q_token;
  }
};

}  // namespace

const TileKernels kPairTileKernels = tile_kernels<Pairs>;

static_assert(kPairPanel == kPanel);

void fill_pairs(const LinearView& w, std::int64_t first, float* out) noexcept {
  const std::int64_t pairs = w.in / 2;
  const float* const from = static_cast<const float*>(w.weight) + first * pairs;  // a pair stays together
  fill_panel<kPanel>([&](std::int64_t r) { return from + r * pairs; }, w.out - first, pairs, out);
}

void matmul_in_pairs(const MatmulPanel& p) noexcept {
  matmul_of<Pairs>(p, p.room, [&](std::int64_t begin, std::int64_t) { return p.filled + begin * kPanel; });
}

}  // namespace lmm::nn::kernels

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

#else

namespace lmm::nn::kernels {
// No processor here has the instructions.
const TileKernels kPairTileKernels = {};
void fill_pairs(const LinearView&, std::int64_t, float*) noexcept {}
void matmul_in_pairs(const MatmulPanel&) noexcept {}
}  // namespace lmm::nn::kernels

#endif
