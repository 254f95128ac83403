#include "lib/nn/kernels/packed.hpp"

#if defined(__x86_64__)

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,fma,avx512f,avx512bw,avx512vl,avx512dq,avx512vnni"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,fma,avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")
#endif

namespace lmm::nn::kernels {
namespace {

constexpr int kLanes = 16;
#include "lib/nn/kernels/simd.inc"
#include "lib/nn/kernels/panel_output.inc"

typedef std::uint8_t Bytes __attribute__((vector_size(kLanes * 4)));

// The instruction's first factor has no sign.
constexpr bool kTooHigh = true;
constexpr int kColumns = 2;

inline Ints dot(Ints total, Bytes w, Ints x) {
  return reinterpret_cast<Ints>(
      _mm512_dpbusd_epi32(reinterpret_cast<__m512i>(total), reinterpret_cast<__m512i>(w), reinterpret_cast<__m512i>(x)));
}

inline Bytes stored(Bytes w) { return w; }

inline Bytes level(Bytes index) {
  const __m128i levels = _mm_xor_si128(_mm_loadu_si128(reinterpret_cast<const __m128i*>(kInt4Levels)), _mm_set1_epi8(-128));
  return reinterpret_cast<Bytes>(_mm512_shuffle_epi8(_mm512_broadcast_i32x4(levels), reinterpret_cast<__m512i>(index)));
}

#include "lib/nn/kernels/packed.inc"

}  // namespace

extern const PackedKernels kAvx512VnniPackedKernels;
const PackedKernels kAvx512VnniPackedKernels = {"avx512_vnni", round_row, multiply, choose_int8, choose_int4, unpack_panel};

}  // namespace lmm::nn::kernels

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

#endif  // __x86_64__
