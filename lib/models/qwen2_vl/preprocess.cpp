#include "lib/models/qwen2_vl/preprocess.hpp"

#include "lib/core/error.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

namespace lmm::models::qwen2_vl {
namespace {

constexpr std::int64_t kMaxRatio = 200;

/// round(value / step) * step in Python: a half goes to the even one.
std::int64_t rounded(std::int64_t value, std::int64_t step) {
  const std::int64_t whole = value / step;
  const std::int64_t twice = value % step * 2;
  return (whole + (twice > step || (twice == step && whole % 2 != 0) ? 1 : 0)) * step;
}

std::int64_t whole(double value) { return static_cast<std::int64_t>(value); }

}  // namespace

void check_pixel_limits(const std::string& where, std::int64_t min_pixels, std::int64_t max_pixels) {
  if (min_pixels <= max_pixels) return;
  fail(ErrorCode::bad_file, "{}: min_pixels (size.shortest_edge) is {}, more than the {} of max_pixels (size.longest_edge)",
       where, min_pixels, max_pixels);
}

/// The reference's arithmetic to the letter, in doubles: which multiple a side becomes depends on its rounding.
Size smart_resize(Size size, std::int64_t factor, std::int64_t min_pixels, std::int64_t max_pixels) {
  const double height = static_cast<double>(size.height);
  const double width = static_cast<double>(size.width);
  const double step = static_cast<double>(factor);
  Size out{rounded(size.height, factor), rounded(size.width, factor)};
  if (out.height * out.width > max_pixels) {
    const double beta = std::sqrt(height * width / static_cast<double>(max_pixels));
    out.height = std::max(factor, whole(std::floor(height / beta / step)) * factor);
    out.width = std::max(factor, whole(std::floor(width / beta / step)) * factor);
  } else if (out.height * out.width < min_pixels) {
    const double beta = std::sqrt(static_cast<double>(min_pixels) / (height * width));
    out.height = whole(std::ceil(height * beta / step)) * factor;
    out.width = whole(std::ceil(width * beta / step)) * factor;
  }
  return out;
}

void check_ratio(Size size, std::string_view what) {
  const auto [less, more] = std::minmax(size.width, size.height);
  // more / less > 200 in doubles is more > 200 * less: both are small enough to be exact.
  if (more > kMaxRatio * less) {
    fail(ErrorCode::invalid_argument, "the {} is {} x {} pixels, one side {:.1f} times the other, expected at most {}", what,
         size.width, size.height, static_cast<double>(more) / static_cast<double>(less), kMaxRatio);
  }
}

PatchGrid patch_grid(std::int64_t width, std::int64_t height, const ImageProcessorConfig& config) {
  const std::int64_t factor = config.patch_size * config.merge_size;
  Size size{height, width};
  if (config.do_resize) {
    media::check_size(width, height, "picture", ErrorCode::invalid_argument);
    check_ratio(size, "picture");
    size = smart_resize(size, factor, config.min_pixels, config.max_pixels);
  } else if (width % factor != 0 || height % factor != 0) {
    fail(ErrorCode::invalid_argument,
         "the picture is {} x {} pixels, expected multiples of {}: the checkpoint's do_resize is false", width, height,
         factor);
  }
  media::check_size(size.width, size.height, "resized picture", ErrorCode::invalid_argument);
  return {size.height / config.patch_size, size.width / config.patch_size};
}

ResizedPicture preprocess(const media::Picture& picture, const ImageProcessorConfig& config,
                          const media::ParallelFor& parallel_for) {
  ResizedPicture out;
  out.grid = patch_grid(picture.width, picture.height, config);
  const bool paint = config.do_convert_rgb && picture.transparent.has_value();
  const media::Picture painted = paint ? media::paint_transparent_white(picture) : media::Picture();
  const media::Picture& source = paint ? painted : picture;
  const std::int64_t height = out.grid.rows * config.patch_size;
  const std::int64_t width = out.grid.columns * config.patch_size;
  out.picture = media::resize_as_torch(source, width, height, config.resample, parallel_for);
  return out;
}

std::int64_t patch_values(const ImageProcessorConfig& config) {
  return 3 * config.temporal_patch_size * config.patch_size * config.patch_size;
}

void write_patches(std::span<const media::Picture* const> frames, const PatchLayout& layout,
                   const media::PixelScale::Table& table, std::int64_t first, std::int64_t count, std::span<float> out) {
  const std::int64_t side = layout.patch_size;
  const std::int64_t merge = layout.merge_size;
  const std::int64_t plane = side * side;
  const auto depth = static_cast<std::int64_t>(frames.size());
  const std::int64_t blocks = layout.grid.columns / merge;  // a row
  float* target = out.data();
  for (std::int64_t patch = first; patch < first + count; ++patch, target += 3 * depth * plane) {
    const std::int64_t block = patch / (merge * merge);
    const std::int64_t within = patch % (merge * merge);
    const std::int64_t top = (block / blocks * merge + within / merge) * side;
    const std::int64_t left = (block % blocks * merge + within % merge) * side;
    for (std::int64_t t = 0; t < depth; ++t) {
      float* frame = target + t * plane;
      if (t > 0 && frames[static_cast<std::size_t>(t)] == frames[static_cast<std::size_t>(t - 1)]) {
        for (std::int64_t c = 0; c < 3; ++c) {
          const float* same = frame + c * depth * plane - plane;
          std::memcpy(frame + c * depth * plane, same, static_cast<std::size_t>(plane) * sizeof(float));
        }
        continue;
      }
      const media::Picture& picture = *frames[static_cast<std::size_t>(t)];
      for (std::int64_t y = 0; y < side; ++y) {
        const std::uint8_t* rgb = picture.row(top + y) + left * 3;
        float* row = frame + y * side;
        for (std::int64_t x = 0; x < side; ++x, rgb += 3) {
          for (std::size_t c = 0; c < 3; ++c) row[static_cast<std::int64_t>(c) * depth * plane + x] = table[c][rgb[c]];
        }
      }
    }
  }
}

void write_patches(const ResizedPicture& picture, const ImageProcessorConfig& config, const media::PixelScale::Table& table,
                   std::int64_t first, std::int64_t count, std::span<float> out) {
  const std::vector<const media::Picture*> frames(static_cast<std::size_t>(config.temporal_patch_size), &picture.picture);
  write_patches(frames, {picture.grid, config.patch_size, config.merge_size}, table, first, count, out);
}

}  // namespace lmm::models::qwen2_vl
