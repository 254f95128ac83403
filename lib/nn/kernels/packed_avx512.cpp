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

// The instruction's first factor has no sign.
constexpr bool kTooHigh = true;
constexpr int kColumns = 2;

inline Ints dot(Ints total, Bytes w, Ints x) {
  return reinterpret_cast<Ints>(
      _mm512_dpbusd_epi32(reinterpret_cast<__m512i>(total), reinterpret_cast<__m512i>(w), reinterpret_cast<__m512i>(x)));
}

inline Bytes look_up(const std::uint8_t* table, Bytes index) {
  const __m512i bytes = _mm512_broadcast_i32x4(_mm_loadu_si128(reinterpret_cast<const __m128i*>(table)));
  return reinterpret_cast<Bytes>(_mm512_shuffle_epi8(bytes, reinterpret_cast<__m512i>(index)));
}

#include "lib/nn/kernels/packed.inc"

}  // namespace

extern const PackedKernels kAvx512VnniPackedKernels;
const PackedKernels kAvx512VnniPackedKernels = kernels_named("avx512_vnni");

}  // namespace lmm::nn::kernels

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

#endif  // __x86_64__
