#include "lib/models/whisper/align.hpp"

#include "lib/core/error.hpp"
#include "lib/models/whisper/segments.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <limits>

namespace lmm::models::whisper {
namespace {

/// x[..., :end] of Python.
at::Tensor first_columns(const at::Tensor& x, std::int64_t end) {
  const std::int64_t size = x.size(-1);
  return x.narrow(-1, 0, std::clamp<std::int64_t>(end < 0 ? size + end : end, 0, size));
}

/// _median_filter over the last dimension of (heads, tokens, positions).
at::Tensor median_filter(const at::Tensor& x, std::int64_t width) {
  const std::int64_t pad = width / 2;
  if (x.size(-1) <= pad) return x;
  const at::Tensor padded = at::reflection_pad1d(x, {pad, pad});
  return std::get<0>(padded.unfold(-1, width, 1).sort()).select(-1, pad);
}

/// _dynamic_time_warping: for each row of `matrix` (rows, columns) the column at which the path enters it. Costs are
/// floats, as the reference's.
std::vector<std::int64_t> warp(const at::Tensor& matrix) {
  const auto rows = static_cast<std::size_t>(matrix.size(0)), columns = static_cast<std::size_t>(matrix.size(1));
  const at::Tensor wide = matrix.to(at::kDouble).contiguous();
  const double* const value = wide.const_data_ptr<double>();
  const std::size_t stride = columns + 1;
  constexpr float kFar = std::numeric_limits<float>::infinity();
  enum : std::uint8_t { diagonal, up, left };
  std::vector<float> before(rows + 1, kFar), cost(rows + 1, kFar);  // two columns
  std::vector<std::uint8_t> trace((rows + 1) * stride, up);
  before[0] = 0;
  for (std::size_t j = 1; j <= columns; ++j) {
    cost[0] = kFar;
    for (std::size_t i = 1; i <= rows; ++i) {
      const float c0 = before[i - 1], c1 = cost[i - 1], c2 = before[i];
      float c = c2;
      std::uint8_t t = left;
      if (c0 < c1 && c0 < c2) {
        c = c0;
        t = diagonal;
      } else if (c1 < c0 && c1 < c2) {
        c = c1;
        t = up;
      }
      cost[i] = static_cast<float>(value[(i - 1) * columns + j - 1] + static_cast<double>(c));
      trace[i * stride + j] = t;
    }
    std::swap(before, cost);
  }
  std::fill_n(trace.begin(), stride, left);
  for (std::size_t i = 0; i <= rows; ++i) trace[i * stride] = up;

  // Back along the path: the last visit of a row, seen from the end, is where it was entered.
  std::vector<std::int64_t> entered(rows, 0);
  for (std::size_t i = rows, j = columns; i > 0 || j > 0;) {
    if (i > 0) entered[i - 1] = static_cast<std::int64_t>(j) - 1;
    const std::uint8_t t = trace[i * stride + j];
    if (t != left) --i;
    if (t != up) --j;
  }
  return entered;
}

}  // namespace

std::vector<float> token_times(const at::Tensor& weights, std::int64_t frames, std::int64_t median_filter_width) {
  if (weights.size(1) == 0) return {};
  const std::int64_t columns = frames >= 0 ? frames / 2 : -((1 - frames) / 2);  // frames // 2
  // The reference cuts twice, which shows where `columns` counts from the end.
  at::Tensor matrix = first_columns(first_columns(weights, columns), columns);
  if (matrix.size(-1) == 0) {  // what the reference's warping gives where it has no column: the one before the first
    return std::vector<float>(static_cast<std::size_t>(matrix.size(1)), -static_cast<float>(kTimePrecision));
  }
  const at::Tensor deviation = at::std(matrix, {-2}, /*unbiased=*/false, /*keepdim=*/true);
  matrix = (matrix - matrix.mean({-2}, true)) / deviation;
  matrix = median_filter(matrix, median_filter_width).mean(0);  // (tokens, positions)
  std::vector<float> out;
  for (const std::int64_t column : warp(matrix.neg())) {
    out.push_back(static_cast<float>(static_cast<double>(column) * kTimePrecision));
  }
  return out;
}

}  // namespace lmm::models::whisper
