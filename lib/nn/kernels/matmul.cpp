#include "lib/nn/kernels/matmul.hpp"

#include "lib/nn/kernels/row_kernels.hpp"

#include <algorithm>

namespace lmm::nn::kernels {
namespace {

constexpr std::int64_t kPreparedRows = 32;
constexpr std::int64_t kLeastRows = 96;  // of a part: filling a panel is then little beside its use
constexpr std::int64_t kFloatsOfLine = 16;  // of the cache

std::int64_t size_of(DType dtype) { return dtype == DType::bf16 ? 2 : 4; }
std::int64_t parts_of(std::int64_t n, std::int64_t size) { return (n + size - 1) / size; }

}  // namespace

void MatmulPlan::bind(Isa isa, const Matmul& product, int threads) {
  isa_ = isa;
  p_ = product;
  in_int8_ = p_.w.packing == WeightType::int8 && has_int8_dots(isa);
  const std::int64_t panel = in_int8_ ? kInt8Panel : row_kernels(isa_).panel;
  const std::int64_t blocks = parts_of(p_.w.in, Int8Block::kSize);
  panels_ = parts_of(p_.w.out, panel);
  const std::int64_t wanted = parts_of(std::int64_t{4} * threads, panels_);
  parts_ = std::clamp<std::int64_t>(wanted, 1, std::max<std::int64_t>(p_.rows / kLeastRows, 1));
  part_rows_ = parts_of(p_.rows, parts_);
  parts_ = parts_of(p_.rows, part_rows_);
  if (in_int8_) {
    packed_.resize(static_cast<std::size_t>(p_.rows * blocks * Int8Block::kSize));
    wide_.resize(static_cast<std::size_t>(p_.rows * blocks));
  } else if (p_.dtype == DType::bf16) {
    // Rows of a power of two would all want the same lines of the cache.
    wide_stride_ = parts_of(p_.w.in, kFloatsOfLine) * kFloatsOfLine + kFloatsOfLine;
    wide_.resize(static_cast<std::size_t>(p_.rows * wide_stride_));
  }
  room_ = parts_of(in_int8_ ? int8_room(blocks) : panel * (kMatmulDepth + part_rows_), kFloatsOfLine) * kFloatsOfLine;
  rooms_.resize(room_ * threads);
}

Int8Rows MatmulPlan::packed() noexcept { return {packed_.data(), wide_.data(), parts_of(p_.w.in, Int8Block::kSize)}; }

int MatmulPlan::prepare_chunks() const noexcept {
  return in_int8_ || p_.dtype == DType::bf16 ? static_cast<int>(parts_of(p_.rows, kPreparedRows)) : 0;
}

void MatmulPlan::prepare(int chunk) noexcept {
  const std::int64_t first = chunk * kPreparedRows, end = std::min(first + kPreparedRows, p_.rows);
  for (std::int64_t r = first; r < end; ++r) {
    const auto* const x = static_cast<const char*>(p_.x) + r * p_.x_stride * size_of(p_.dtype);
    if (in_int8_) {
      pack_row(x, p_.dtype, p_.w.in, packed(), r);
    } else {
      row_kernels(isa_).widen(reinterpret_cast<const std::uint16_t*>(x), p_.w.in, wide_.data() + r * wide_stride_);
    }
  }
}

int MatmulPlan::multiply_chunks() const noexcept { return static_cast<int>(panels_ * parts_); }

void MatmulPlan::multiply(int chunk, int thread) noexcept {
  const RowKernels& kernels = row_kernels(isa_);
  const std::int64_t row = chunk / panels_ * part_rows_, panel = chunk % panels_;
  const std::int64_t rows = std::min(part_rows_, p_.rows - row);
  const PanelOutput out{&p_.w, panel * (in_int8_ ? kInt8Panel : kernels.panel), p_.nonlinearity,
                        static_cast<char*>(p_.y) + row * p_.y_stride * size_of(p_.dtype), p_.y_stride, p_.dtype};
  float* const room = rooms_.data() + thread * room_;
  if (in_int8_) {
    Int8Rows x = packed();
    x.q += row * x.blocks * Int8Block::kSize;
    x.scales += row * x.blocks;
    multiply_int8({x, rows, out, room});
    return;
  }
  const bool half = p_.dtype == DType::bf16;
  const std::int64_t x_stride = half ? wide_stride_ : p_.x_stride;
  const float* const x = half ? wide_.data() : static_cast<const float*>(p_.x);
  kernels.matmul({x + row * x_stride, x_stride, rows, out, room});
}

}  // namespace lmm::nn::kernels
