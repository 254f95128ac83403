#include "lib/nn/kernels/packing.hpp"

#include "lib/nn/kernels/row_kernels.hpp"

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

template <typename T>
void pack_row(const T* row, std::int64_t in, Int8Block* out) {
  for (std::int64_t i = 0; i < in; i += Int8Block::kSize, ++out) {
    const std::int64_t count = std::min(in - i, Int8Block::kSize);
    float values[Int8Block::kSize] = {};
    float largest = 0;
    for (std::int64_t c = 0; c < count; ++c) {
      values[c] = number(row + i + c);
      largest = std::max(largest, std::abs(values[c]));
    }
    out->scale = scale_of(largest);
    const float scale = number(&out->scale);
    const float inverse = scale > 0 ? 1.0F / scale : 0.0F;
    for (std::int64_t c = 0; c < Int8Block::kSize; ++c) {
      const float q = std::nearbyint(values[c] * inverse);
      out->q[c] = static_cast<std::int8_t>(std::clamp(q, -127.0F, 127.0F));
    }
  }
}

/// Calls rows(begin, end) for ranges that the pool's threads share.
template <typename Rows>
void share_rows(ThreadPool& pool, std::int64_t all, const Rows& rows) noexcept {
  constexpr std::int64_t kRows = 16;
  pool.parallel_for(static_cast<int>((all + kRows - 1) / kRows), [&](int chunk) noexcept {
    rows(chunk * kRows, std::min<std::int64_t>((chunk + 1) * kRows, all));
  });
}

}  // namespace

void pack_int8(ThreadPool& pool, const LinearView& w, Int8Block* out) noexcept {
  const std::int64_t blocks = (w.in + Int8Block::kSize - 1) / Int8Block::kSize;
  share_rows(pool, w.out, [&](std::int64_t begin, std::int64_t end) noexcept {
    for (std::int64_t r = begin; r < end; ++r) {
      if (w.dtype == DType::bf16) {
        pack_row(static_cast<const std::uint16_t*>(w.weight) + r * w.in, w.in, out + r * blocks);
      } else {
        pack_row(static_cast<const float*>(w.weight) + r * w.in, w.in, out + r * blocks);
      }
    }
  });
}

void unpack(ThreadPool& pool, Isa isa, const LinearView& w, void* out, DType dtype) noexcept {
  const RowKernels& kernels = row_kernels(isa);
  const std::int64_t bytes = w.in * (dtype == DType::bf16 ? 2 : 4);
  share_rows(pool, w.out, [&](std::int64_t begin, std::int64_t end) noexcept {
    kernels.unpack(w, begin, end, static_cast<char*>(out) + begin * bytes, dtype);
  });
}

}  // namespace lmm::nn::kernels
