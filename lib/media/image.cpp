#include <lmm/message.hpp>

#include "lib/core/error.hpp"
#include "lib/core/file.hpp"
#include "lib/media/decode.hpp"
#include "lib/media/picture.hpp"

#include <array>
#include <cstring>
#include <span>
#include <string>

namespace lmm {
inline namespace v0 {
namespace {

constexpr std::int64_t kMaxSide = 65535;
constexpr std::uint64_t kMaxFile = std::uint64_t{1} << 30;  // no picture within the pixel limit needs more

struct Layout {
  int channels;
  std::array<std::uint8_t, 3> order;  // of red, green and blue within a pixel
};

Layout layout_of(PixelFormat format) {
  switch (format) {
    case PixelFormat::rgb: return {3, {0, 1, 2}};
    case PixelFormat::bgr: return {3, {2, 1, 0}};
    case PixelFormat::rgba: return {4, {0, 1, 2}};
    case PixelFormat::bgra: return {4, {2, 1, 0}};
    case PixelFormat::gray: return {1, {0, 0, 0}};
  }
  fail(ErrorCode::invalid_argument, "pixels: format is {}, expected 0 to 4", static_cast<std::int32_t>(format));
}

void copy_row(const std::uint8_t* in, const Layout& layout, std::uint8_t* rgb, std::int64_t width) {
  if (layout.channels == 3 && layout.order[0] == 0) {
    std::memcpy(rgb, in, static_cast<std::size_t>(width) * 3);
    return;
  }
  for (std::int64_t x = 0; x < width; ++x, in += layout.channels, rgb += 3) {
    rgb[0] = in[layout.order[0]];
    rgb[1] = in[layout.order[1]];
    rgb[2] = in[layout.order[2]];
  }
}

/// Bytes from row to row. Error invalid_argument where the view does not fit itself.
std::size_t checked_stride(const PixelView& view, const Layout& layout) {
  if (view.width < 1 || view.width > kMaxSide || view.height < 1 || view.height > kMaxSide) {
    fail(ErrorCode::invalid_argument, "pixels: size is {} x {}, expected 1 x 1 to {} x {}", view.width, view.height,
         kMaxSide, kMaxSide);
  }
  media::check_size(view.width, view.height, "pixels", ErrorCode::invalid_argument);
  const std::int64_t row = view.width * layout.channels;
  if (view.stride != 0 && view.stride < row) {
    fail(ErrorCode::invalid_argument, "pixels: stride is {} bytes, expected 0 or at least {} for a width of {}",
         view.stride, row, view.width);
  }
  const std::int64_t stride = view.stride != 0 ? view.stride : row;
  std::int64_t needed = 0;
  if (__builtin_mul_overflow(stride, view.height, &needed) || view.size < static_cast<std::uint64_t>(needed)) {
    fail(ErrorCode::invalid_argument, "pixels: {} bytes, expected at least {} rows of {} bytes", view.size,
         view.height, stride);
  }
  if (view.data == nullptr) fail(ErrorCode::invalid_argument, "pixels: data is null, expected {} bytes", needed);
  return static_cast<std::size_t>(stride);
}

std::shared_ptr<const media::Picture> share(media::Picture picture) {
  return std::make_shared<const media::Picture>(std::move(picture));
}

}  // namespace

Image Image::open(const std::filesystem::path& path) {
  const std::string file = read_text_file(path, kMaxFile);  // read, not mapped: a file cut meanwhile is no SIGBUS
  const std::span<const std::uint8_t> bytes(reinterpret_cast<const std::uint8_t*>(file.data()), file.size());
  return Image(share(media::decode(bytes, path.string())));
}

Image Image::from_memory(const void* data, std::size_t size) {
  if (data == nullptr && size != 0) {
    fail(ErrorCode::invalid_argument, "picture in memory: data is null, expected {} bytes", size);
  }
  return Image(share(media::decode({static_cast<const std::uint8_t*>(data), size}, "picture in memory")));
}

Image Image::from_pixels(const PixelView& view) {
  const Layout layout = layout_of(view.format);
  const std::size_t stride = checked_stride(view, layout);
  media::Picture picture = media::make_picture(view.width, view.height, "pixels");
  const auto* bytes = static_cast<const std::uint8_t*>(view.data);
  for (std::int64_t y = 0; y < view.height; ++y) {
    const std::int64_t from = view.bottom_up ? view.height - 1 - y : y;
    copy_row(bytes + static_cast<std::size_t>(from) * stride, layout, picture.row(y), view.width);
  }
  return Image(share(std::move(picture)));
}

std::int64_t Image::width() const noexcept { return picture_->width; }
std::int64_t Image::height() const noexcept { return picture_->height; }
const std::uint8_t* Image::rgb() const noexcept { return picture_->rgb.get(); }

}  // namespace v0
}  // namespace lmm
