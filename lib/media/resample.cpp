#include "lib/media/resample.hpp"

#include "lib/core/error.hpp"
#include "lib/media/resample_kernels.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

namespace lmm::media {
namespace {

constexpr std::int64_t kStripRows = 64;  // rows of the result that one task makes

Loops loops_of(Kernel kernel) {
  if (!has_kernel(kernel)) {
    fail(ErrorCode::invalid_argument, "resampling kernel {} is not there", static_cast<std::int32_t>(kernel));
  }
  switch (kernel) {
    case Kernel::portable: return portable_loops();
    case Kernel::sse4: return sse4_loops();
    case Kernel::avx2: return avx2_loops();
    case Kernel::automatic: break;
  }
  static const Loops best = has_kernel(Kernel::avx2)   ? avx2_loops()
                            : has_kernel(Kernel::sse4) ? sse4_loops()
                                                       : portable_loops();
  return best;
}

/// Rows of equal size that vector code may read past.
class Rows {
 public:
  Rows(std::int64_t count, std::int64_t width)
      : count_(count),
        pitch_(static_cast<std::size_t>(width) * 3 + kPixelSlack),
        bytes_(static_cast<std::size_t>(count) * pitch_) {}
  std::uint8_t* operator[](std::int64_t index) {
    return bytes_.data() + static_cast<std::size_t>(index % count_) * pitch_;
  }
  std::int64_t count() const { return count_; }

 private:
  std::int64_t count_;
  std::size_t pitch_;
  std::vector<std::uint8_t> bytes_;
};

struct Plan {
  const Picture& in;
  Picture& out;
  bool vertical_first = false;
  Taps columns = {};  // of the horizontal pass; empty where the width stays
  Taps rows = {};     // of the vertical pass; empty where the height stays
  HorizontalLoop horizontal = nullptr;
  VerticalLoop vertical = nullptr;
};

/// Rows [from, to) of the result, each vertical sum over rows that the horizontal pass made just before; those are
/// kept in a ring while a sum still needs them.
void horizontal_then_vertical(const Plan& plan, std::int64_t from, std::int64_t to) {
  const std::int64_t longest = *std::max_element(plan.rows.count.begin(), plan.rows.count.end());
  Rows ring(longest + kRowsAtOnce, plan.out.width);
  std::vector<const std::uint8_t*> sum_rows(static_cast<std::size_t>(longest));
  std::int64_t made = plan.rows.first[from];
  for (std::int64_t y = from; y < to; ++y) {
    const std::int64_t first = plan.rows.first[y];
    const std::int64_t count = plan.rows.count[y];
    for (; made < first + count; made += kRowsAtOnce) {
      const std::uint8_t* in[kRowsAtOnce];
      std::uint8_t* out[kRowsAtOnce];
      for (int i = 0; i < kRowsAtOnce; ++i) {
        in[i] = plan.in.row(std::min(made + i, plan.in.height - 1));
        out[i] = ring[made + i];
      }
      plan.horizontal(in, out, plan.out.width, plan.columns);
    }
    for (std::int64_t j = 0; j < count; ++j) sum_rows[j] = ring[first + j];
    plan.vertical(sum_rows.data(), static_cast<std::int64_t>(plan.out.row_bytes()), plan.rows, y, plan.out.row(y));
  }
}

/// Row y of the vertical pass over the picture as it is.
void vertical_row(const Plan& plan, std::int64_t y, std::vector<const std::uint8_t*>& sum_rows, std::uint8_t* out) {
  sum_rows.resize(static_cast<std::size_t>(plan.rows.count[y]));
  for (std::size_t j = 0; j < sum_rows.size(); ++j) {
    sum_rows[j] = plan.in.row(plan.rows.first[y] + static_cast<std::int64_t>(j));
  }
  plan.vertical(sum_rows.data(), static_cast<std::int64_t>(plan.in.row_bytes()), plan.rows, y, out);
}

/// Rows [from, to) of the result, the horizontal pass over rows of the vertical pass, or over the picture's own.
void vertical_then_horizontal(const Plan& plan, std::int64_t from, std::int64_t to) {
  const bool sums = !plan.rows.first.empty();
  Rows lines(kRowsAtOnce, sums ? plan.in.width : 1);
  Rows unused(1, plan.out.width);
  std::vector<const std::uint8_t*> sum_rows;
  for (std::int64_t y = from; y < to; y += kRowsAtOnce) {
    const std::uint8_t* in[kRowsAtOnce];
    std::uint8_t* out[kRowsAtOnce];
    for (int i = 0; i < kRowsAtOnce; ++i) {
      const std::int64_t row = std::min(y + i, to - 1);
      in[i] = sums ? lines[i] : plan.in.row(row);
      out[i] = y + i < to ? plan.out.row(row) : unused[0];
      if (sums && y + i < to) vertical_row(plan, row, sum_rows, lines[i]);
    }
    plan.horizontal(in, out, plan.out.width, plan.columns);
  }
}

void vertical_only(const Plan& plan, std::int64_t from, std::int64_t to) {
  std::vector<const std::uint8_t*> sum_rows;
  for (std::int64_t y = from; y < to; ++y) vertical_row(plan, y, sum_rows, plan.out.row(y));
}

void run_rows(const Plan& plan, std::int64_t from, std::int64_t to) {
  if (plan.columns.first.empty()) {
    vertical_only(plan, from, to);
  } else if (plan.rows.first.empty() || plan.vertical_first) {
    vertical_then_horizontal(plan, from, to);
  } else {
    horizontal_then_vertical(plan, from, to);
  }
}

/// Input index of each output index, as ImagingScaleAffine steps through the input; -1 beyond it.
std::vector<std::int64_t> nearest_indices(std::int64_t in_size, std::int64_t out_size) {
  const double step = static_cast<double>(static_cast<float>(in_size)) / static_cast<double>(out_size);
  std::vector<std::int64_t> indices(static_cast<std::size_t>(out_size), -1);
  double at = step * 0.5;
  for (std::int64_t& index : indices) {
    const auto nearest = static_cast<std::int64_t>(at);
    if (nearest < in_size) index = nearest;
    at += step;  // summed, not multiplied, as Pillow does
  }
  return indices;
}

void resize_nearest(const Picture& in, Picture& out) {
  const std::vector<std::int64_t> columns = nearest_indices(in.width, out.width);
  const std::vector<std::int64_t> rows = nearest_indices(in.height, out.height);
  for (std::int64_t y = 0; y < out.height; ++y) {
    std::uint8_t* target = out.row(y);
    const std::int64_t from = rows[static_cast<std::size_t>(y)];
    for (const std::int64_t column : columns) {
      if (from < 0 || column < 0) {
        std::memset(target, 0, 3);
      } else {
        std::memcpy(target, in.row(from) + column * 3, 3);
      }
      target += 3;
    }
  }
}

void resize_smooth(const Picture& in, Picture& out, Resample filter, Rounding rounding, const ParallelFor& parallel_for,
                   Kernel kernel) {
  const std::int64_t shorter = in.height - out.height;
  Plan plan{in, out};
  plan.vertical_first = rounding == Rounding::pillow && shorter > 0 && shorter > (in.width - out.width) * 2;
  if (in.width != out.width) plan.columns = make_taps(in.width, out.width, filter, rounding);
  if (in.height != out.height) plan.rows = make_taps(in.height, out.height, filter, rounding);
  const Loops loops = loops_of(kernel);
  plan.horizontal = plan.columns.high.empty() ? portable_loops().horizontal : loops.horizontal;
  plan.vertical = plan.rows.high.empty() ? portable_loops().vertical : loops.vertical;
  const std::int64_t strips = (out.height + kStripRows - 1) / kStripRows;
  if (!parallel_for || strips == 1) return run_rows(plan, 0, out.height);
  parallel_for(strips, [&](std::int64_t strip) {
    run_rows(plan, strip * kStripRows, std::min((strip + 1) * kStripRows, out.height));
  });
}

}  // namespace

bool has_kernel(Kernel kernel) noexcept {
  switch (kernel) {
    case Kernel::automatic:
    case Kernel::portable: return true;
#if defined(__x86_64__)
    case Kernel::sse4: return __builtin_cpu_supports("sse4.1") != 0;
    case Kernel::avx2: return __builtin_cpu_supports("avx2") != 0;
#endif
    default: return false;
  }
}

Picture resize(const Picture& picture, std::int64_t width, std::int64_t height, Resample filter,
               const ParallelFor& parallel_for, Kernel kernel) {
  check_size(width, height, "resize", ErrorCode::invalid_argument);
  Picture out = make_picture(width, height, "resize");
  if (width == picture.width && height == picture.height) {
    std::memcpy(out.rgb.get(), picture.rgb.get(), picture.bytes());
  } else if (filter == Resample::nearest) {
    resize_nearest(picture, out);
  } else {
    resize_smooth(picture, out, filter, Rounding::pillow, parallel_for, kernel);
  }
  return out;
}

bool torch_has(Resample filter) noexcept {
  return filter == Resample::bilinear || filter == Resample::bicubic || filter == Resample::lanczos;
}

Picture resize_as_torch(const Picture& picture, std::int64_t width, std::int64_t height, Resample filter,
                        const ParallelFor& parallel_for, Kernel kernel) {
  check_size(width, height, "resize", ErrorCode::invalid_argument);
  if (!torch_has(filter)) fail(ErrorCode::invalid_argument, "torch has no filter {} for pictures", static_cast<int>(filter));
  Picture out = make_picture(width, height, "resize");
  if (width == picture.width && height == picture.height) {
    std::memcpy(out.rgb.get(), picture.rgb.get(), picture.bytes());
  } else {
    resize_smooth(picture, out, filter, Rounding::torch, parallel_for, kernel);
  }
  return out;
}

}  // namespace lmm::media
