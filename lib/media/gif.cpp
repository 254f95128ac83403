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
    Bytes& rest = *static_cast<Bytes*>(gif->UserData);
    const auto begins_block = [](std::uint8_t byte) { return byte == '!' || byte == ',' || byte == ';'; };
    rest = rest.subspan(static_cast<std::size_t>(std::find_if(rest.begin(), rest.end(), begins_block) - rest.begin()));  // as PIL
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

/// The colours of a map, entries beyond it black. False where it is missing or plain grey (entry i is grey i), which
/// PIL takes for no palette.
bool read_map(const ColorMapObject* map, Palette& palette) {
  if (map == nullptr) return false;
  bool grey = true;
  palette = {};
  for (int i = 0; i < std::min(map->ColorCount, 256); ++i) {
    const GifColorType& color = map->Colors[i];
    palette[static_cast<std::size_t>(i)] = {color.Red, color.Green, color.Blue};
    if (color.Red != i || color.Green != i || color.Blue != i) grey = false;
  }
  return !grey;
}

struct Colors {
  Palette of_index;
  std::optional<Color> transparent;
};

/// Colours as GifImagePlugin.py ends up with: the local palette, else the global one (also where a plain grey local
/// one should hide it), else grey.
Colors read_colors(const GifFileType& gif, std::optional<int> transparent) {
  Palette grey;
  for (std::size_t i = 0; i < 256; ++i) grey[i].fill(static_cast<std::uint8_t>(i));
  Colors colors;
  if (!read_map(gif.Image.ColorMap, colors.of_index) && !read_map(gif.SColorMap, colors.of_index)) {
    colors.of_index = grey;
  }
  if (transparent) {  // a frame with a grey palette of its own is mode "L" there, and its transparent index a grey
    Palette local;
    const bool is_grey = gif.Image.ColorMap != nullptr && !read_map(gif.Image.ColorMap, local);
    colors.transparent = (is_grey ? grey : colors.of_index)[static_cast<std::size_t>(*transparent)];
  }
  return colors;
}

/// Puts indices where they belong, row by row in the order of the file. True once the frame is full.
class Painter {
 public:
  Painter(Picture& picture, const GifImageDesc& frame, const Palette& palette)
      : picture_(picture), frame_(frame), palette_(palette), row_(row_start()) {}

  bool put(std::uint8_t index) {
    std::memcpy(row_ + x_ * 3, palette_[index].data(), 3);
    if (++x_ < frame_.Width) return false;
    x_ = 0;
    y_ += frame_.Interlace ? kStep[pass_] : 1;
    while (frame_.Interlace && y_ >= frame_.Height && pass_ < 3) y_ = kStart[++pass_];
    if (y_ >= frame_.Height) return true;
    row_ = row_start();
    return false;
  }

 private:
  static constexpr int kStart[4] = {0, 4, 2, 1};
  static constexpr int kStep[4] = {8, 8, 4, 2};
  std::uint8_t* row_start() { return picture_.row(std::int64_t{frame_.Top} + y_) + std::int64_t{frame_.Left} * 3; }

  Picture& picture_;
  const GifImageDesc& frame_;
  const Palette& palette_;
  int y_ = 0;
  int x_ = 0;
  int pass_ = 0;
  std::uint8_t* row_;
};

/// Expands the frame's LZW codes. giflib reads the codes; its own expansion accepts codes that stand for nothing yet,
/// where GifDecode.c of Pillow (and this) reports a broken file.
void expand_codes(GifFileType* gif, int code_size, Painter& painter, std::string_view where) {
  constexpr int kTable = 4096;
  std::vector<std::uint16_t> prefix(kTable);
  std::vector<std::uint8_t> suffix(kTable);
  std::vector<std::uint8_t> text;  // of one code, its last index first
  const int clear = 1 << code_size;
  int next = clear + 2;            // the code that the next text gets
  int last = -1;                   // -1 right after a clear code
  std::uint8_t last_first = 0;     // first index of the text of `last`
  for (;;) {
    int code = 0;
    if (DGifGetLZCodes(gif, &code) == GIF_ERROR) fail_with(gif->Error, where);
    if (code < 0) fail(ErrorCode::bad_file, "{}: GIF: the data ends before the picture does", where);
    if (code == clear) {
      next = clear + 2;
      last = -1;
      continue;
    }
    if (last < 0 ? code > clear : code > next) fail(ErrorCode::bad_file, "{}: GIF: corrupt data", where);
    text.clear();
    int rest = code;
    if (last >= 0 && code == next) {
      text.push_back(last_first);
      rest = last;
    }
    for (; rest > clear; rest = prefix[static_cast<std::size_t>(rest)]) {
      text.push_back(suffix[static_cast<std::size_t>(rest)]);
    }
    last_first = static_cast<std::uint8_t>(rest);
    text.push_back(last_first);
    if (last >= 0 && next < kTable) {
      prefix[static_cast<std::size_t>(next)] = static_cast<std::uint16_t>(last);
      suffix[static_cast<std::size_t>(next)] = last_first;
      ++next;
    }
    last = code;
    for (std::size_t i = text.size(); i-- > 0;) {
      if (painter.put(text[i])) return;
    }
  }
}

}  // namespace

Decoded decode_gif(Bytes file, std::string_view where) {
  int error = 0;
  Bytes rest = file;
  GifFileType* opened = DGifOpen(&rest, read_bytes, &error);
  if (opened == nullptr) fail_with(error, where);
  const auto close = [](GifFileType* file_type) { DGifCloseFile(file_type, nullptr); };
  const std::unique_ptr<GifFileType, decltype(close)> gif(opened, close);

  const std::optional<int> transparent = find_first_image(gif.get(), where);
  const GifImageDesc& image = gif->Image;
  if (image.Width < 1 || image.Height < 1 || image.Left < 0 || image.Top < 0) {
    fail(ErrorCode::bad_file, "{}: GIF: first frame of {} x {} pixels", where, image.Width, image.Height);
  }
  // PIL lets the picture grow where its frame reaches out of it.
  const std::int64_t width = std::max<std::int64_t>(gif->SWidth, std::int64_t{image.Left} + image.Width);
  const std::int64_t height = std::max<std::int64_t>(gif->SHeight, std::int64_t{image.Top} + image.Height);
  const Colors colors = read_colors(*gif, transparent);
  const Palette& palette = colors.of_index;

  Decoded out;
  Picture& picture = out.picture = make_picture(width, height, where);
  picture.transparent = colors.transparent;
  if (image.Width != width || image.Height != height) {  // PIL fills with the transparent index, else with index 0
    const Color color = palette[static_cast<std::size_t>(transparent.value_or(0))];
    for (std::size_t at = 0; at < picture.bytes(); at += 3) std::memcpy(picture.rgb.get() + at, color.data(), 3);
  }
  Painter painter(picture, image, palette);
  // giflib keeps the code size to itself: it is the byte that it read last, and checked to be at most 8.
  const int code_size = *(rest.data() - 1);
  expand_codes(gif.get(), code_size, painter, where);
  return out;
}

}  // namespace lmm::media
