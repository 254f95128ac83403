#include "lib/models/idefics3/preprocess.hpp"

#include "lib/core/error.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace lmm::models::idefics3 {
namespace {

struct Size {
  std::int64_t height = 0;
  std::int64_t width = 0;
};

/// int(a / b) or int(a * b) in Python: a double, cut off.
std::int64_t truncated(double value) { return static_cast<std::int64_t>(value); }

double aspect_ratio(Size size) { return static_cast<double>(size.width) / static_cast<double>(size.height); }

/// get_resize_output_image_size: the longer side becomes `longest`, the shorter one follows, made even, never 0.
Size fit_longest_edge(Size size, std::int64_t longest) {
  const double aspect = aspect_ratio(size);
  if (size.width >= size.height) {
    size.width = longest;
    size.height = truncated(static_cast<double>(size.width) / aspect);
    size.height += size.height % 2;
  } else {
    size.height = longest;
    size.width = truncated(static_cast<double>(size.height) * aspect);
    size.width += size.width % 2;
  }
  size = {std::max<std::int64_t>(size.height, 1), std::max<std::int64_t>(size.width, 1)};

  const double fitted = aspect_ratio(size);
  if (size.width >= size.height && size.width > kMaxSide) {
    size.width = kMaxSide;
    size.height = truncated(static_cast<double>(size.width) / fitted);
  } else if (size.height > size.width && size.height > kMaxSide) {
    size.height = kMaxSide;
    size.width = truncated(static_cast<double>(size.height) * fitted);
  }
  return {std::max<std::int64_t>(size.height, 1), std::max<std::int64_t>(size.width, 1)};
}

std::int64_t round_up(std::int64_t value, std::int64_t step) { return (value + step - 1) / step * step; }

/// resize_for_vision_encoder: both sides become multiples of the tile.
Size whole_tiles(Size size, std::int64_t tile) {
  const double aspect = aspect_ratio(size);
  if (size.width >= size.height) {
    size.width = round_up(size.width, tile);
    size.height = round_up(truncated(static_cast<double>(size.width) / aspect), tile);
  } else {
    size.height = round_up(size.height, tile);
    size.width = round_up(truncated(static_cast<double>(size.height) * aspect), tile);
  }
  return size;
}

/// What do_resize makes of a picture.
Size first_size(Size size, const ImageProcessorConfig& config) {
  if (!config.do_resize) return size;
  if (config.longest_edge != 0) return fit_longest_edge(size, config.longest_edge);
  return {config.height, config.width};
}

/// What is then cut into tiles. Error invalid_argument where it is too large.
Size split_size(Size size, const ImageProcessorConfig& config) {
  if (!config.do_image_splitting) return {config.tile, config.tile};
  size = whole_tiles(size, config.tile);
  media::check_size(size.width, size.height, "image splitting", ErrorCode::invalid_argument);
  return size;
}

/// A picture that is either somebody else's or our own, resized without copying what has the size already.
class Stage {
 public:
  Stage(const media::Picture& picture, const ImageProcessorConfig& config, const media::ParallelFor& parallel_for)
      : config_(config), parallel_for_(parallel_for), current_(&picture) {}
  void replace(media::Picture picture) {
    own_ = std::move(picture);
    current_ = &own_;
  }
  void resize(Size size) {
    if (size.width == current_->width && size.height == current_->height) return;
    replace(config_.as_torch ? media::resize_as_torch(*current_, size.width, size.height, config_.resample, parallel_for_)
                             : media::resize(*current_, size.width, size.height, config_.resample, parallel_for_));
  }
  const media::Picture& picture() const { return *current_; }
  Size size() const { return {current_->height, current_->width}; }

 private:
  const ImageProcessorConfig& config_;
  const media::ParallelFor& parallel_for_;
  media::Picture own_;
  const media::Picture* current_;
};

/// The tile whose upper left pixel is (top, left), to three planes at `out`.
void write_tile(const media::Picture& picture, std::int64_t top, std::int64_t left, std::int64_t tile,
                const media::PixelScale::Table& values, float* out) {
  const std::int64_t plane = tile * tile;
  for (std::int64_t y = 0; y < tile; ++y, out += tile) {
    const std::uint8_t* rgb = picture.row(top + y) + left * 3;
    for (std::int64_t x = 0; x < tile; ++x, rgb += 3) {
      out[x] = values[0][rgb[0]];
      out[plane + x] = values[1][rgb[1]];
      out[2 * plane + x] = values[2][rgb[2]];
    }
  }
}

void for_each(std::int64_t count, const media::ParallelFor& parallel_for,
              const std::function<void(std::int64_t)>& task) {
  if (parallel_for) return parallel_for(count, task);
  for (std::int64_t i = 0; i < count; ++i) task(i);
}

}  // namespace

void ImageTiles::allocate() {
  const std::int64_t values = tiles * 3 * height * width;
  try {
    pixel_values.resize(static_cast<std::size_t>(values));
  } catch (const std::exception&) {
    fail(ErrorCode::out_of_memory, "no memory for {} tiles of {} x {} pixels ({} bytes)", tiles, width, height, values * 4);
  }
}

TileGrid tile_grid(std::int64_t width, std::int64_t height, const ImageProcessorConfig& config) {
  const Size size = split_size(first_size({height, width}, config), config);
  if (size.height <= config.tile && size.width <= config.tile) return {};
  return {size.height / config.tile, size.width / config.tile};
}

ImageTiles preprocess(const media::Picture& picture, const ImageProcessorConfig& config,
                      const media::ParallelFor& parallel_for) {
  const TileGrid grid = tile_grid(picture.width, picture.height, config);
  const std::int64_t tile = config.tile;
  Stage stage(picture, config, parallel_for);
  if (config.do_convert_rgb && picture.transparent) stage.replace(media::paint_transparent_white(picture));
  stage.resize(first_size(stage.size(), config));
  stage.resize(split_size(stage.size(), config));

  ImageTiles out;
  out.rows = grid.rows;
  out.cols = grid.cols;
  out.height = out.width = tile;
  const std::int64_t parts = out.rows * out.cols;
  out.tiles = parts + 1;
  const std::int64_t tile_values = 3 * tile * tile;
  out.allocate();
  const media::PixelScale::Table values = config.as_torch ? config.scale.table_as_torch("picture") : config.scale.table();
  float* target = out.pixel_values.data();
  for_each(parts, parallel_for, [&](std::int64_t i) {
    write_tile(stage.picture(), i / out.cols * tile, i % out.cols * tile, tile, values, target + i * tile_values);
  });
  stage.resize({tile, tile});
  write_tile(stage.picture(), 0, 0, tile, values, target + parts * tile_values);
  return out;
}

std::string image_prompt(std::int64_t rows, std::int64_t cols, std::int64_t image_seq_len, const ImageTokens& tokens) {
  std::string text;
  const auto append_images = [&] {
    for (std::int64_t i = 0; i < image_seq_len; ++i) text += tokens.image;
  };
  if (rows != 0 || cols != 0) {
    for (std::int64_t row = 1; row <= rows; ++row) {
      for (std::int64_t col = 1; col <= cols; ++col) {
        text += tokens.fake;
        text += fmt::format("<row_{}_col_{}>", row, col);
        append_images();
      }
      text += '\n';
    }
    text += '\n';
  }
  text += tokens.fake;
  text += tokens.global;
  append_images();
  text += tokens.fake;
  return text;
}

}  // namespace lmm::models::idefics3
