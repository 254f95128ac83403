#include "lib/nn/kernels/matmul.hpp"

#include "lib/nn/kernels/pairs.hpp"
#include "lib/nn/kernels/row_kernels.hpp"

#include <algorithm>

namespace lmm::nn::kernels {
namespace {

constexpr std::int64_t kPreparedRows = 32;
constexpr std::int64_t kLeastRows = 96;  // of a part: filling a panel is then little beside its use
constexpr std::int64_t kFloatsOfLine = 16;  // of the cache
constexpr std::int64_t kPackedPanels = 2;   // of a chunk: as many as are multiplied at once
// Of a part in pairs, in sixes, as they are multiplied at once: its rows of x stay in the second cache for all panels, but for
// few panels parts get smaller, so that threads share them out evenly.
constexpr std::int64_t kMostPairRows = 192, kLeastPairRows = 48, kRowStep = 6;
constexpr std::int64_t kChunksOfThread = 16;

std::int64_t parts_of(std::int64_t n, std::int64_t size) { return (n + size - 1) / size; }
std::int64_t lines(std::int64_t floats) { return parts_of(floats, kFloatsOfLine) * kFloatsOfLine; }

}  // namespace

bool in_pairs(Isa isa, const Matmul& product) noexcept {
  return isa == Isa::avx512_bf16 && product.dtype == DType::bf16 && product.w.dtype == DType::bf16 && !packed(product.w) &&
         product.w.in % 2 == 0;
}

void MatmulPlan::bind(Isa isa, const Matmul& product, int threads) {
  isa_ = isa;
  p_ = product;
  if (in_pairs(isa, p_)) {
    kind_ = Kind::pairs;
    bind_pairs(threads);
    return;
  }
  kind_ = packed(p_.w) ? Kind::packed : p_.dtype == DType::bf16 ? Kind::widened : Kind::floats;
  panel_ = kind_ == Kind::packed ? kPackedPanels * kPanelRows : row_kernels(isa_).panel;
  panels_ = parts_of(p_.w.out, panel_);
  const std::int64_t wanted = parts_of(std::int64_t{4} * threads, panels_);
  const std::int64_t parts = std::clamp<std::int64_t>(wanted, 1, std::max<std::int64_t>(p_.rows / kLeastRows, 1));
  part_rows_ = parts_of(p_.rows, parts);
  if (kind_ == Kind::packed) {
    rounded_.resize(static_cast<std::size_t>(p_.rows * blocks_of(p_.w.in)));
    return;
  }
  if (kind_ == Kind::widened) {
    // Rows of a power of two would all want the same lines of the cache.
    wide_stride_ = lines(p_.w.in) + kFloatsOfLine;
    wide_.resize(static_cast<std::size_t>(p_.rows * wide_stride_));
  }
  room_ = lines(panel_ * (kMatmulDepth + part_rows_));
  rooms_.resize(room_ * threads);
}

void MatmulPlan::bind_pairs(int threads) {
  panel_ = kPairPanel;
  panels_ = parts_of(p_.w.out, panel_);
  const std::int64_t even = parts_of(p_.rows * panels_, kChunksOfThread * threads);
  part_rows_ = parts_of(std::clamp(even, kLeastPairRows, kMostPairRows), kRowStep) * kRowStep;
  filled_.resize(panels_ * panel_ * (p_.w.in / 2));
  room_ = lines(panel_ * part_rows_);
  rooms_.resize(room_ * threads);
}

int MatmulPlan::prepare_chunks() const noexcept {
  switch (kind_) {
    case Kind::floats: return 0;
    case Kind::pairs: return static_cast<int>(panels_);
    case Kind::widened:
    case Kind::packed: break;
  }
  return static_cast<int>(parts_of(p_.rows, kPreparedRows));
}

void MatmulPlan::prepare(int chunk) noexcept {
  if (kind_ == Kind::pairs) {
    fill_pairs(p_.w, chunk * panel_, filled_.data() + chunk * panel_ * (p_.w.in / 2));
    return;
  }
  const std::int64_t first = chunk * kPreparedRows, end = std::min(first + kPreparedRows, p_.rows);
  for (std::int64_t r = first; r < end; ++r) {
    const auto* const x = static_cast<const char*>(p_.x) + r * p_.x_stride * bytes_of(p_.dtype);
    if (kind_ == Kind::packed) {
      packed_kernels(isa_).round(x, p_.dtype, p_.w.in, rounded_.data() + r * blocks_of(p_.w.in));
    } else {
      row_kernels(isa_).widen(reinterpret_cast<const std::uint16_t*>(x), p_.w.in, wide_.data() + r * wide_stride_);
    }
  }
}

int MatmulPlan::multiply_chunks() const noexcept { return static_cast<int>(panels_ * parts_of(p_.rows, part_rows_)); }

void MatmulPlan::multiply(int chunk, int thread) noexcept {
  const std::int64_t row = chunk / panels_ * part_rows_, at = chunk % panels_;
  const std::int64_t rows = std::min(part_rows_, p_.rows - row), size = bytes_of(p_.dtype);
  const void* const x = static_cast<const char*>(p_.x) + row * p_.x_stride * size;
  void* const y = static_cast<char*>(p_.y) + row * p_.y_stride * size;
  float* const room = rooms_.data() + thread * room_;
  const ProductOutput out{&p_.w, y, p_.y_stride, p_.dtype, p_.nonlinearity};
  switch (kind_) {
    case Kind::pairs:
      matmul_in_pairs({x, p_.x_stride, rows, at * panel_, out, room, filled_.data() + at * panel_ * (p_.w.in / 2)});
      break;
    case Kind::widened:
      row_kernels(isa_).matmul({wide_.data() + row * wide_stride_, wide_stride_, rows, at * panel_, out, room});
      break;
    case Kind::floats: row_kernels(isa_).matmul({x, p_.x_stride, rows, at * panel_, out, room}); break;
    case Kind::packed: {
      const std::int64_t begin = at * kPackedPanels, end = std::min(begin + kPackedPanels, panels_of(p_.w.out));
      packed_kernels(isa_).multiply({rounded_.data() + row * blocks_of(p_.w.in), rows, begin, end, out});
    }
  }
}

}  // namespace lmm::nn::kernels
