#include "lib/nn/kernels/matmul.hpp"

#include "lib/nn/kernels/row_kernels.hpp"

#include <algorithm>

namespace lmm::nn::kernels {
namespace {

constexpr std::int64_t kPreparedRows = 32;
constexpr std::int64_t kLeastRows = 96;  // of a part: filling a panel is then little beside its use
constexpr std::int64_t kFloatsOfLine = 16;  // of the cache
constexpr std::int64_t kPackedPanels = 2;   // of a chunk: as many as are multiplied at once

std::int64_t size_of(DType dtype) { return dtype == DType::bf16 ? 2 : 4; }
std::int64_t parts_of(std::int64_t n, std::int64_t size) { return (n + size - 1) / size; }

}  // namespace

void MatmulPlan::bind(Isa isa, const Matmul& product, int threads) {
  isa_ = isa;
  p_ = product;
  panels_ = parts_of(p_.w.out, panel());
  const std::int64_t wanted = parts_of(std::int64_t{4} * threads, panels_);
  parts_ = std::clamp<std::int64_t>(wanted, 1, std::max<std::int64_t>(p_.rows / kLeastRows, 1));
  part_rows_ = parts_of(p_.rows, parts_);
  parts_ = parts_of(p_.rows, part_rows_);
  if (packed(p_.w)) {
    rounded_.resize(static_cast<std::size_t>(p_.rows * blocks_of(p_.w.in)));
    return;
  }
  if (p_.dtype == DType::bf16) {
    // Rows of a power of two would all want the same lines of the cache.
    wide_stride_ = parts_of(p_.w.in, kFloatsOfLine) * kFloatsOfLine + kFloatsOfLine;
    wide_.resize(static_cast<std::size_t>(p_.rows * wide_stride_));
  }
  room_ = parts_of(panel() * (kMatmulDepth + part_rows_), kFloatsOfLine) * kFloatsOfLine;
  rooms_.resize(room_ * threads);
}

std::int64_t MatmulPlan::panel() const noexcept { return packed(p_.w) ? kPackedPanels * kPanelRows : row_kernels(isa_).panel; }

int MatmulPlan::prepare_chunks() const noexcept {
  return packed(p_.w) || p_.dtype == DType::bf16 ? static_cast<int>(parts_of(p_.rows, kPreparedRows)) : 0;
}

void MatmulPlan::prepare(int chunk) noexcept {
  const std::int64_t first = chunk * kPreparedRows, end = std::min(first + kPreparedRows, p_.rows);
  for (std::int64_t r = first; r < end; ++r) {
    const auto* const x = static_cast<const char*>(p_.x) + r * p_.x_stride * size_of(p_.dtype);
    if (packed(p_.w)) {
      packed_kernels(isa_).round(x, p_.dtype, p_.w.in, rounded_.data() + r * blocks_of(p_.w.in));
    } else {
      row_kernels(isa_).widen(reinterpret_cast<const std::uint16_t*>(x), p_.w.in, wide_.data() + r * wide_stride_);
    }
  }
}

int MatmulPlan::multiply_chunks() const noexcept { return static_cast<int>(panels_ * parts_); }

void MatmulPlan::multiply(int chunk, int thread) noexcept {
  const std::int64_t row = chunk / panels_ * part_rows_, at = chunk % panels_;
  const std::int64_t rows = std::min(part_rows_, p_.rows - row);
  void* const y = static_cast<char*>(p_.y) + row * p_.y_stride * size_of(p_.dtype);
  const ProductOutput out{&p_.w, y, p_.y_stride, p_.dtype, p_.nonlinearity};
  if (packed(p_.w)) {
    const std::int64_t begin = at * kPackedPanels, end = std::min(begin + kPackedPanels, panels_of(p_.w.out));
    packed_kernels(isa_).multiply({rounded_.data() + row * blocks_of(p_.w.in), rows, begin, end, out});
    return;
  }
  const bool half = p_.dtype == DType::bf16;
  const std::int64_t x_stride = half ? wide_stride_ : p_.x_stride;
  const float* const x = half ? wide_.data() : static_cast<const float*>(p_.x);
  row_kernels(isa_).matmul({x + row * x_stride, x_stride, rows, at * panel(), out, rooms_.data() + thread * room_});
}

}  // namespace lmm::nn::kernels
