#include "lib/core/error.hpp"
#include "lib/media/codecs.hpp"

#include <gif_lib.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <optional>
#include <vector>

namespace lmm::media {
namespace {

using Color = std::array<std::uint8_t, 3>;
using Palette = std::array<Color, 256>;

int read_bytes(GifFileType* gif, GifByteType* out, int count) {
  Bytes& rest = *static_cast<Bytes*>(gif->UserData);
  const std::size_t size = std::min(rest.size(), static_cast<std::size_t>(std::max(count, 0)));
  std::memcpy(out, rest.data(), size);
  rest = rest.subspan(size);
  return static_cast<int>(size);
}

[[noreturn]] void fail_with(int code, std::string_view where) {
  const char* text = GifErrorString(code);
  fail(ErrorCode::bad_file, "{}: GIF: {}", where, text != nullptr ? text : "corrupt data");
}

/// Reads up to the first image and returns the transparent index of the graphic control extensions before it.
std::optional<int> find_first_image(GifFileType* gif, std::string_view where) {
  std::optional<int> transparent;
  for (;;) {
    GifRecordType type = UNDEFINED_RECORD_TYPE;
    if (DGifGetRecordType(gif, &type) == GIF_ERROR) fail_with(gif->Error, where);
    if (type == IMAGE_DESC_RECORD_TYPE) break;
    if (type == TERMINATE_RECORD_TYPE) fail(ErrorCode::bad_file, "{}: GIF: holds no picture", where);
    int code = 0;
    GifByteType* block = nullptr;  // its first byte is its length
    if (DGifGetExtension(gif, &code, &block) == GIF_ERROR) fail_with(gif->Error, where);
    if (code == GRAPHICS_EXT_FUNC_CODE && block != nullptr && block[0] >= 4 && (block[1] & 1) != 0) {
      transparent = block[4];
    }
    while (block != nullptr) {
      if (DGifGetExtensionNext(gif, &block) == GIF_ERROR) fail_with(gif->Error, where);
    }
  }
  if (DGifGetImageDesc(gif) == GIF_ERROR) fail_with(gif->Error, where);
  return transparent;
}

/// Colours of the indices as PIL has them: a missing or plain grey palette (entry i is grey i) means grey for all 256,
/// otherwise indices beyond the palette are black. A local palette, even a grey one, hides the global one.
Palette colors_of(const GifFileType& gif) {
  const ColorMapObject* map = gif.Image.ColorMap != nullptr ? gif.Image.ColorMap : gif.SColorMap;
  Palette palette{};
  bool grey = true;
  const int count = map != nullptr ? std::min(map->ColorCount, 256) : 0;
  for (int i = 0; i < count; ++i) {
    const GifColorType& color = map->Colors[i];
    palette[static_cast<std::size_t>(i)] = {color.Red, color.Green, color.Blue};
    if (color.Red != i || color.Green != i || color.Blue != i) grey = false;
  }
  if (!grey) return palette;
  for (std::size_t i = 0; i < 256; ++i) palette[i].fill(static_cast<std::uint8_t>(i));
  return palette;
}

/// Row of the picture that holds the n-th row of the file.
class RowOrder {
 public:
  RowOrder(std::int64_t height, bool interlaced) : height_(height), interlaced_(interlaced) {}
  std::int64_t next() {
    const std::int64_t row = at_;
    at_ += interlaced_ ? kStep[pass_] : 1;
    while (interlaced_ && at_ >= height_ && pass_ < 3) at_ = kStart[++pass_];
    return row;
  }

 private:
  static constexpr int kStart[4] = {0, 4, 2, 1};
  static constexpr int kStep[4] = {8, 8, 4, 2};
  std::int64_t height_;
  bool interlaced_;
  std::int64_t at_ = 0;
  int pass_ = 0;
};

void paint(std::uint8_t* rgb, const std::uint8_t* indices, std::int64_t count, const Palette& palette) {
  for (std::int64_t x = 0; x < count; ++x, rgb += 3) std::memcpy(rgb, palette[indices[x]].data(), 3);
}

}  // namespace

Decoded decode_gif(Bytes file, std::string_view where) {
  int error = 0;
  Bytes rest = file;
  GifFileType* opened = DGifOpen(&rest, read_bytes, &error);
  if (opened == nullptr) fail_with(error, where);
  const std::unique_ptr<GifFileType, void (*)(GifFileType*)> gif(opened, [](GifFileType* g) { DGifCloseFile(g, nullptr); });

  const std::optional<int> transparent = find_first_image(gif.get(), where);
  const GifImageDesc& image = gif->Image;
  if (image.Width < 1 || image.Height < 1 || image.Left < 0 || image.Top < 0) {
    fail(ErrorCode::bad_file, "{}: GIF: first frame of {} x {} pixels", where, image.Width, image.Height);
  }
  // PIL lets the picture grow where its frame reaches out of it.
  const std::int64_t width = std::max<std::int64_t>(gif->SWidth, std::int64_t{image.Left} + image.Width);
  const std::int64_t height = std::max<std::int64_t>(gif->SHeight, std::int64_t{image.Top} + image.Height);
  const Palette palette = colors_of(*gif);

  Decoded out;
  Picture& picture = out.picture = make_picture(width, height, where);
  if (transparent) picture.transparent = palette[static_cast<std::size_t>(*transparent)];
  if (image.Width != width || image.Height != height) {
    const std::vector<std::uint8_t> background(static_cast<std::size_t>(width),
                                               static_cast<std::uint8_t>(transparent.value_or(0)));
    for (std::int64_t y = 0; y < height; ++y) paint(picture.row(y), background.data(), width, palette);
  }
  std::vector<std::uint8_t> indices(static_cast<std::size_t>(image.Width));
  RowOrder order(image.Height, image.Interlace);
  for (int i = 0; i < image.Height; ++i) {
    if (DGifGetLine(gif.get(), indices.data(), image.Width) == GIF_ERROR) fail_with(gif->Error, where);
    paint(picture.row(image.Top + order.next()) + std::int64_t{image.Left} * 3, indices.data(), image.Width, palette);
  }
  return out;
}

}  // namespace lmm::media
