#include "lib/nn/kernels/packed.hpp"

#if defined(__x86_64__)

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,fma")
#endif

namespace lmm::nn::kernels {
namespace {

constexpr int kLanes = 8;
#include "lib/nn/kernels/simd.inc"
#include "lib/nn/kernels/panel_output.inc"

constexpr bool kTooHigh = false;
constexpr int kColumns = 2;

// The instruction's first factor has no sign: w's goes to x. Two products of at most 127 * 127 stay below what saturates.
inline Ints dot(Ints total, Bytes w, Ints x) {
  const __m256i by = reinterpret_cast<__m256i>(w);
  const __m256i pairs = _mm256_maddubs_epi16(_mm256_abs_epi8(by), _mm256_sign_epi8(reinterpret_cast<__m256i>(x), by));
  return total + reinterpret_cast<Ints>(_mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
}

inline Bytes look_up(const std::uint8_t* table, Bytes index) {
  const __m256i bytes = _mm256_broadcastsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(table)));
  return reinterpret_cast<Bytes>(_mm256_shuffle_epi8(bytes, reinterpret_cast<__m256i>(index)));
}

#include "lib/nn/kernels/packed.inc"

}  // namespace

extern const PackedKernels kAvx2PackedKernels;
const PackedKernels kAvx2PackedKernels = kernels_named("avx2");

}  // namespace lmm::nn::kernels

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

#endif  // __x86_64__
