#include "lib/nn/kernels/packing.hpp"

#include "lib/nn/kernels/packed.hpp"

#include <algorithm>
#include <cstring>

namespace lmm::nn::kernels {
namespace {

float number(const float* p) { return *p; }
float number(const std::uint16_t* p) {
  const std::uint32_t bits = static_cast<std::uint32_t>(*p) << 16;
  float x;
  std::memcpy(&x, &bits, sizeof x);
  return x;
}

/// Up to 32 numbers of a row, 0 behind its end.
template <typename T>
void read_block(const T* from, std::int64_t count, float* x) {
  if (count >= kBlock) {
    for (std::int64_t i = 0; i < kBlock; ++i) x[i] = number(from + i);
  } else {
    for (std::int64_t i = 0; i < kBlock; ++i) x[i] = i < count ? number(from + i) : 0.0F;
  }
}

template <typename T>
void pack_panel(const PackedKernels& kernels, const LinearView& w, std::int64_t panel, WeightType packing, std::uint8_t* out,
                std::int64_t bytes) {
  const bool int4 = packing == WeightType::int4;
  std::memset(out, 0, static_cast<std::size_t>(bytes));
  auto* const scales = reinterpret_cast<std::uint16_t*>(out + blocks_of(w.in) * block_bytes(packing));
  for (std::int64_t row = 0; row < kPanelRows && panel * kPanelRows + row < w.out; ++row) {
    for (std::int64_t b = 0; b < blocks_of(w.in); ++b) {
      float x[kBlock];
      std::uint8_t q[kBlock];
      const std::int64_t at = (panel * kPanelRows + row) * w.in + b * kBlock;
      read_block(static_cast<const T*>(w.weight) + at, w.in - b * kBlock, x);
      (int4 ? kernels.choose_int4 : kernels.choose_int8)(x, q, scales + b * kPanelRows + row);
      std::uint8_t* const to = out + b * block_bytes(packing) + row * 4;
      constexpr std::int64_t half = kBlock / 2;
      for (std::int64_t i = 0; int4 && i < half; ++i) q[i] = static_cast<std::uint8_t>(q[i] | q[i + half] << 4);
      for (std::int64_t i = 0; i < (int4 ? half : kBlock); i += 4) std::memcpy(to + i * kPanelRows, q + i, 4);
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
    (w.dtype == DType::bf16 ? pack_panel<std::uint16_t> : pack_panel<float>)(kernels, w, panel, packing,
                                                                             static_cast<std::uint8_t*>(out) + panel * bytes, bytes);
  });
}

void unpack(ThreadPool& pool, Isa isa, const LinearView& w, void* out, DType dtype) noexcept {
  const PackedKernels& kernels = packed_kernels(isa);
  const std::int64_t bytes = kPanelRows * w.in * bytes_of(dtype);
  pool.parallel_for(static_cast<int>(panels_of(w.out)), [&](int panel) noexcept {
    kernels.unpack(w, panel, std::min(kPanelRows, w.out - panel * kPanelRows), static_cast<char*>(out) + panel * bytes, dtype);
  });
}

}  // namespace lmm::nn::kernels
