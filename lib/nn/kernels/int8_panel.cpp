#include "lib/nn/kernels/panels.hpp"

#if defined(__x86_64__)

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,fma,avx512f,avx512bw,avx512vl,avx512dq,avx512vnni"))), \
                             apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,fma,avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")
#endif

namespace lmm::nn::kernels {
namespace {

constexpr int kLanes = 16;
#include "lib/nn/kernels/simd.inc"
#include "lib/nn/kernels/panel_output.inc"

constexpr int kColumns = kInt8Panel / kLanes;
constexpr int kGroups = Int8Block::kSize / 4;  // an instruction multiplies four neighbours

// A panel of weights, block by block.
struct PanelBlock {
  std::int8_t q[kGroups][kInt8Panel][4];
  float scales[kInt8Panel];
  std::int32_t offsets[kInt8Panel];  // -128 times the sum of a block: rows are stored 128 too high
};
static_assert(sizeof(PanelBlock) == sizeof(float) * int8_room(1));

typedef std::uint8_t Bytes __attribute__((vector_size(kLanes)));

inline __m512i vector_of(const void* p) { return _mm512_load_si512(p); }

void fill(const LinearView& w, std::int64_t first, std::int64_t blocks, PanelBlock* panel) {
  const auto* const rows = static_cast<const Int8Block*>(w.weight) + first * blocks;
  const std::int64_t there = w.out - first < kInt8Panel ? w.out - first : kInt8Panel;
  for (std::int64_t b = 0; b < blocks; ++b) {
    PanelBlock& to = panel[b];
    for (std::int64_t column = 0; column < kInt8Panel; ++column) {
      if (column >= there) {
        for (int g = 0; g < kGroups; ++g) __builtin_memset(to.q[g][column], 0, 4);
        to.scales[column] = 0;
        continue;
      }
      const Int8Block& from = rows[column * blocks + b];
      for (int g = 0; g < kGroups; ++g) __builtin_memcpy(to.q[g][column], from.q + 4 * g, 4);
      to.scales[column] = number(&from.scale);
    }
    for (std::int64_t column = 0; column < kInt8Panel; column += kLanes) {
      __m512i sum = _mm512_setzero_si512();
      for (int g = 0; g < kGroups; ++g) sum = _mm512_dpbusd_epi32(sum, _mm512_set1_epi8(-128), vector_of(to.q[g][column]));
      _mm512_store_si512(to.offsets + column, _mm512_sub_epi32(_mm512_setzero_si512(), sum));
    }
  }
}

template <int kRows>
inline void panel_rows(const Int8Panel& p, std::int64_t row, const PanelBlock* panel) {
  const std::int64_t blocks = p.x.blocks, stride = blocks * Int8Block::kSize;
  const std::uint8_t* x = p.x.q + row * stride;
  const float* x_scales = p.x.scales + row * blocks;
  Floats total[kRows][kColumns] = {};
  for (std::int64_t b = 0; b < blocks; ++b, x += Int8Block::kSize, ++x_scales) {
    const PanelBlock& w = panel[b];
    __m512i sum[kRows][kColumns];
#pragma GCC unroll 6
    for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 2
      for (int c = 0; c < kColumns; ++c) sum[r][c] = vector_of(w.offsets + c * kLanes);
    }
#pragma GCC unroll 8
    for (int g = 0; g < kGroups; ++g) {
      __m512i column[kColumns];
#pragma GCC unroll 2
      for (int c = 0; c < kColumns; ++c) column[c] = vector_of(w.q[g][c * kLanes]);
#pragma GCC unroll 6
      for (int r = 0; r < kRows; ++r) {
        std::int32_t four;
        __builtin_memcpy(&four, x + r * stride + 4 * g, sizeof four);
        const __m512i all_four = _mm512_set1_epi32(four);
#pragma GCC unroll 2
        for (int c = 0; c < kColumns; ++c) sum[r][c] = _mm512_dpbusd_epi32(sum[r][c], all_four, column[c]);
      }
    }
#pragma GCC unroll 2
    for (int c = 0; c < kColumns; ++c) {
      const Floats scale = load(w.scales + c * kLanes);
#pragma GCC unroll 6
      for (int r = 0; r < kRows; ++r) {
        total[r][c] += __builtin_convertvector(reinterpret_cast<Ints>(sum[r][c]), Floats) * (scale * x_scales[r * blocks]);
      }
    }
  }
  for (int r = 0; r < kRows; ++r) {
    for (int c = 0; c < kColumns; ++c) finish(p.out, row + r, c, total[r][c]);
  }
}

template <typename T>
void pack(const T* x, std::int64_t in, const Int8Rows& to, std::int64_t r) {
  std::uint8_t* q = to.q + r * to.blocks * Int8Block::kSize;
  float* scales = to.scales + r * to.blocks;
  for (std::int64_t i = 0; i < in; i += Int8Block::kSize, q += Int8Block::kSize, ++scales) {
    Floats part[2];
    for (int c = 0; c < 2; ++c) {
      const std::int64_t left = in - i - c * kLanes;
      part[c] = left >= kLanes ? load(x + i + c * kLanes) : left > 0 ? load_some(x + i + c * kLanes, left) : Floats{};
    }
    const float largest = highest(larger(larger(part[0], -part[0]), larger(part[1], -part[1])));
    *scales = largest / 127.0F + sum(part[0] * 0.0F + part[1] * 0.0F);  // no number where one of them is none
    const float inverse = largest > 1e-35F ? 127.0F / largest : 0.0F;
    if (!(largest > 1e-35F)) *scales *= 0.0F;
    for (int c = 0; c < 2; ++c) {
      // Added to 1.5 * 2^23 a number rounds to the nearest integer, which is then in the lowest bits. One rounding, whatever
      // the compiler makes of a product and a sum.
      const Words steps = reinterpret_cast<Words>(_mm512_fmadd_ps(
          reinterpret_cast<__m512>(part[c]), _mm512_set1_ps(inverse), _mm512_set1_ps(12582912.0F + 128.0F)));
      const Bytes bytes = __builtin_convertvector(steps & 0xffu, Bytes);
      __builtin_memcpy(q + c * kLanes, &bytes, sizeof bytes);
    }
  }
}

}  // namespace

void pack_row(const void* x, DType dtype, std::int64_t in, const Int8Rows& to, std::int64_t r) noexcept {
  if (dtype == DType::bf16) {
    pack(static_cast<const std::uint16_t*>(x), in, to, r);
  } else {
    pack(static_cast<const float*>(x), in, to, r);
  }
}

void multiply_int8(const Int8Panel& p) noexcept {
  auto* const panel = reinterpret_cast<PanelBlock*>(p.room);
  fill(*p.out.w, p.out.first, p.x.blocks, panel);
  in_groups(p.rows, [&](auto count, std::int64_t row) { panel_rows<decltype(count)::value>(p, row, panel); });
}

}  // namespace lmm::nn::kernels

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

#else

namespace lmm::nn::kernels {
void pack_row(const void*, DType, std::int64_t, const Int8Rows&, std::int64_t) noexcept {}  // has_int8_dots() is false here
void multiply_int8(const Int8Panel&) noexcept {}
}  // namespace lmm::nn::kernels

#endif
