#include "lib/nn/kernels/packing.hpp"

#include "lib/nn/kernels/packed.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace lmm::nn::kernels {
namespace {

constexpr float kNothing = 1e-35F;

float number(const float* p) { return *p; }
float number(const std::uint16_t* p) {
  const std::uint32_t bits = static_cast<std::uint32_t>(*p) << 16;
  float x;
  std::memcpy(&x, &bits, sizeof x);
  return x;
}

/// The scale in bf16, rounded up, so that what was the largest is 127 at most; 0 where scales run out of digits.
std::uint16_t scale_of(float largest) {
  if (largest < kNothing) return 0;
  const float exact = largest / 127.0F;
  std::uint32_t bits;
  std::memcpy(&bits, &exact, sizeof bits);
  return static_cast<std::uint16_t>((bits + 0xffffu) >> 16);
}

/// 32 finite numbers, 128 too high, and their scale.
void choose_int8(const float* x, std::uint8_t* q, std::uint16_t* scale) {
  float largest = 0;
  for (std::int64_t i = 0; i < kBlock; ++i) largest = std::max(largest, std::abs(x[i]));
  *scale = scale_of(largest);
  const float used = number(scale);
  const float inverse = used > 0 ? 1.0F / used : 0.0F;
  for (std::int64_t i = 0; i < kBlock; ++i) {
    q[i] = static_cast<std::uint8_t>(128 + static_cast<int>(std::clamp(std::nearbyint(x[i] * inverse), -127.0F, 127.0F)));
  }
}

/// Numbers [begin, begin + 32) of row r, 0 behind its end.
void read_block(const LinearView& w, std::int64_t r, std::int64_t begin, float* x) {
  const std::int64_t count = std::min(w.in - begin, kBlock), at = r * w.in + begin;
  for (std::int64_t i = 0; i < kBlock; ++i) {
    x[i] = i >= count                ? 0.0F
           : w.dtype == DType::bf16 ? number(static_cast<const std::uint16_t*>(w.weight) + at + i)
                                    : static_cast<const float*>(w.weight)[at + i];
  }
}

void pack_panel(const PackedKernels& kernels, const LinearView& w, std::int64_t panel, WeightType packing, std::uint8_t* out,
                std::int64_t bytes) {
  const bool int4 = packing == WeightType::int4;
  std::memset(out, 0, static_cast<std::size_t>(bytes));
  auto* const scales = reinterpret_cast<std::uint16_t*>(out + blocks_of(w.in) * block_bytes(packing));
  for (std::int64_t row = 0; row < kPanelRows && panel * kPanelRows + row < w.out; ++row) {
    for (std::int64_t b = 0; b < blocks_of(w.in); ++b) {
      float x[kBlock];
      std::uint8_t q[kBlock];
      read_block(w, panel * kPanelRows + row, b * kBlock, x);
      (int4 ? kernels.choose_int4 : choose_int8)(x, q, scales + b * kPanelRows + row);
      std::uint8_t* const to = out + b * block_bytes(packing) + row * 4;
      for (std::int64_t i = 0; i < kBlock; ++i) {
        const std::int64_t group = i / 4;
        if (int4) {
          to[group % 4 * kPanelRows * 4 + i % 4] |= static_cast<std::uint8_t>(q[i] << group / 4 * 4);
        } else {
          to[group * kPanelRows * 4 + i % 4] = q[i];
        }
      }
    }
  }
}

}  // namespace

void pack(ThreadPool& pool, Isa isa, const LinearView& w, WeightType packing, void* out) noexcept {
  const PackedKernels& kernels = packed_kernels(isa);
  LinearView to = w;
  to.packing = packing;
  const std::int64_t bytes = panel_bytes(to);
  pool.parallel_for(static_cast<int>(panels_of(w.out)), [&](int panel) noexcept {
    pack_panel(kernels, w, panel, packing, static_cast<std::uint8_t*>(out) + panel * bytes, bytes);
  });
}

void unpack(ThreadPool& pool, Isa isa, const LinearView& w, void* out, DType dtype) noexcept {
  const PackedKernels& kernels = packed_kernels(isa);
  const std::int64_t bytes = kPanelRows * w.in * (dtype == DType::bf16 ? 2 : 4);
  pool.parallel_for(static_cast<int>(panels_of(w.out)), [&](int panel) noexcept {
    kernels.unpack(w, panel, std::min(kPanelRows, w.out - panel * kPanelRows), static_cast<char*>(out) + panel * bytes, dtype);
  });
}

}  // namespace lmm::nn::kernels
