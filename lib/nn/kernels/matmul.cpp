#include "lib/nn/kernels/matmul.hpp"

#include "lib/nn/kernels/row_kernels.hpp"

#include <algorithm>

namespace lmm::nn::kernels {
namespace {

constexpr std::int64_t kWidenRows = 32;
constexpr std::int64_t kLeastRows = 96;  // of a part: filling a panel is then little beside its use
constexpr std::int64_t kFloatsOfLine = 16;  // of the cache

std::int64_t parts_of(std::int64_t n, std::int64_t size) { return (n + size - 1) / size; }

}  // namespace

void MatmulPlan::bind(Isa isa, const Matmul& product, int threads) {
  isa_ = isa;
  p_ = product;
  const std::int64_t panel = row_kernels(isa_).panel;
  panels_ = parts_of(p_.w.out, panel);
  const std::int64_t wanted = parts_of(std::int64_t{4} * threads, panels_);
  parts_ = std::clamp<std::int64_t>(wanted, 1, std::max<std::int64_t>(p_.rows / kLeastRows, 1));
  part_rows_ = parts_of(p_.rows, parts_);
  parts_ = parts_of(p_.rows, part_rows_);
  if (p_.dtype == DType::bf16) {
    // Rows of a power of two would all want the same lines of the cache.
    wide_stride_ = parts_of(p_.w.in, kFloatsOfLine) * kFloatsOfLine + kFloatsOfLine;
    wide_.resize(static_cast<std::size_t>(p_.rows * wide_stride_));
  }
  room_ = parts_of(panel * (kMatmulDepth + part_rows_), kFloatsOfLine) * kFloatsOfLine;
  rooms_.resize(static_cast<std::size_t>(room_ * threads + kFloatsOfLine));
  const auto past = reinterpret_cast<std::uintptr_t>(rooms_.data()) / sizeof(float) % kFloatsOfLine;
  first_room_ = static_cast<std::int64_t>((kFloatsOfLine - past) % kFloatsOfLine);  // a vector across two lines is slow to load
}

int MatmulPlan::widen_chunks() const noexcept {
  return p_.dtype == DType::bf16 ? static_cast<int>(parts_of(p_.rows, kWidenRows)) : 0;
}

void MatmulPlan::widen(int chunk) noexcept {
  const std::int64_t first = chunk * kWidenRows, end = std::min(first + kWidenRows, p_.rows);
  const auto* const x = static_cast<const std::uint16_t*>(p_.x);
  for (std::int64_t r = first; r < end; ++r) {
    row_kernels(isa_).widen(x + r * p_.x_stride, p_.w.in, wide_.data() + r * wide_stride_);
  }
}

int MatmulPlan::multiply_chunks() const noexcept { return static_cast<int>(panels_ * parts_); }

void MatmulPlan::multiply(int chunk, int thread) noexcept {
  const RowKernels& kernels = row_kernels(isa_);
  const bool half = p_.dtype == DType::bf16;
  const std::int64_t row = chunk / panels_ * part_rows_;
  const std::int64_t x_stride = half ? wide_stride_ : p_.x_stride;
  const float* const x = half ? wide_.data() : static_cast<const float*>(p_.x);
  kernels.matmul({x + row * x_stride, x_stride, std::min(part_rows_, p_.rows - row), &p_.w, chunk % panels_ * kernels.panel,
                  p_.nonlinearity, static_cast<char*>(p_.y) + row * p_.y_stride * (half ? 2 : 4), p_.y_stride, p_.dtype,
                  rooms_.data() + first_room_ + thread * room_});
}

}  // namespace lmm::nn::kernels
