#include "lib/core/error.hpp"
#include "lib/media/codecs.hpp"
#include "lib/media/exif.hpp"

#include <png.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <csetjmp>
#include <cstdio>
#include <cstring>
#include <exception>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lmm::media {
namespace {

constexpr std::size_t kMaxText = 1u << 20;  // PIL's MAX_TEXT_CHUNK: a few bytes of compressed text may be any size

/// Text of a tEXt, zTXt or iTXt chunk, as it stands in the file.
struct ChunkText {
  bool compressed = false;
  std::vector<std::uint8_t> bytes;

  std::string text() const {
    if (!compressed) return {bytes.begin(), bytes.end()};
    std::string out(kMaxText, '\0');
    uLongf size = out.size();
    if (uncompress(reinterpret_cast<Bytef*>(out.data()), &size, bytes.data(), bytes.size()) != Z_OK) return {};
    out.resize(size);
    return out;
  }
};

/// libpng behind calls that return false where libpng reports an error. libpng leaves by longjmp, so the member
/// functions that call setjmp hold no objects with destructors, and change no local variable after it.
class PngReader {
 public:
  explicit PngReader(Bytes file) : next_(file.data()), left_(file.size()) {
    png_ = png_create_read_struct(PNG_LIBPNG_VER_STRING, this, on_error, [](png_structp, png_const_charp) {});
    if (png_ != nullptr) info_ = png_create_info_struct(png_);
    if (info_ == nullptr) {
      png_destroy_read_struct(&png_, nullptr, nullptr);
      fail(ErrorCode::out_of_memory, "no memory for a PNG reader");
    }
  }
  ~PngReader() { png_destroy_read_struct(&png_, &info_, nullptr); }
  PngReader(const PngReader&) = delete;
  PngReader& operator=(const PngReader&) = delete;

  bool read_header() {
    if (setjmp(png_jmpbuf(png_))) return false;
    png_set_read_fn(png_, this, on_read);
    png_set_user_limits(png_, PNG_UINT_31_MAX, PNG_UINT_31_MAX);  // the caller checks the size
    png_set_benign_errors(png_, 1);
    png_set_crc_action(png_, PNG_CRC_ERROR_QUIT, PNG_CRC_ERROR_QUIT);
    static const png_byte kUnused[] = "iCCP\0sPLT\0hIST";
    png_set_keep_unknown_chunks(png_, PNG_HANDLE_CHUNK_NEVER, kUnused, 3);
    // libpng would unpack and keep all texts, and drop an eXIf that begins with "Exif", which PIL reads.
    static const png_byte kOurs[] = "eXIf\0tEXt\0zTXt\0iTXt";
    png_set_keep_unknown_chunks(png_, PNG_HANDLE_CHUNK_ALWAYS, kOurs, 4);
    png_set_read_user_chunk_fn(png_, this, on_chunk);
    png_read_info(png_, info_);
    png_get_IHDR(png_, info_, &width_, &height_, &depth_, &color_, nullptr, nullptr, nullptr);
    return true;
  }

  /// Sets up rows of 8-bit RGB, or of big-endian 16-bit grey.
  bool start() {
    if (setjmp(png_jmpbuf(png_))) return false;
    if (!grey16()) {
      if (depth_ == 16) png_set_strip_16(png_);  // PIL keeps the high byte
      if (color_ == PNG_COLOR_TYPE_PALETTE) png_set_palette_to_rgb(png_);
      if (color_ == PNG_COLOR_TYPE_GRAY && depth_ < 8) png_set_expand_gray_1_2_4_to_8(png_);
      png_set_strip_alpha(png_);
      if ((color_ & PNG_COLOR_MASK_COLOR) == 0) png_set_gray_to_rgb(png_);
    }
    passes_ = png_set_interlace_handling(png_);
    png_read_update_info(png_, info_);
    return true;
  }

  bool read_row(std::uint8_t* row) {
    if (setjmp(png_jmpbuf(png_))) return false;
    png_read_row(png_, row, nullptr);
    return true;
  }

  /// Chunks after the pixels. PIL does not mind if they are cut off or broken.
  bool read_end() {
    if (setjmp(png_jmpbuf(png_))) return false;
    png_read_end(png_, info_);
    return true;
  }

  std::int64_t width() const { return width_; }
  std::int64_t height() const { return height_; }
  int depth() const { return depth_; }
  int color() const { return color_; }
  int passes() const { return passes_; }
  bool grey16() const { return color_ == PNG_COLOR_TYPE_GRAY && depth_ == 16; }
  std::size_t row_bytes() const { return png_get_rowbytes(png_, info_); }
  const std::vector<std::uint8_t>& exif() const { return exif_; }
  std::string profile() const { return profile_.text(); }
  std::string xmp() const { return xmp_.text(); }
  png_structp png() const { return png_; }
  png_infop info() const { return info_; }
  const char* message() const { return message_; }

 private:
  static void on_error(png_structp png, png_const_charp message) {
    auto* self = static_cast<PngReader*>(png_get_error_ptr(png));
    std::snprintf(self->message_, sizeof self->message_, "%s", message);
    png_longjmp(png, 1);
  }
  static void on_read(png_structp png, png_bytep out, std::size_t count) {
    auto* self = static_cast<PngReader*>(png_get_io_ptr(png));
    if (count > self->left_) png_error(png, "the data ends before the picture does");
    std::memcpy(out, self->next_, count);
    self->next_ += count;
    self->left_ -= count;
  }

  /// A chunk of ours, or one that libpng does not know; kept where it may tell the orientation, the last of a kind.
  static int on_chunk(png_structp png, png_unknown_chunkp chunk) noexcept {
    constexpr int kDone = 1, kFailed = -1;
    auto* self = static_cast<PngReader*>(png_get_user_chunk_ptr(png));
    try {
      self->take(std::string_view(reinterpret_cast<const char*>(chunk->name), 4), Bytes(chunk->data, chunk->size));
      return kDone;
    } catch (const std::exception&) {
      return kFailed;
    }
  }

  void take(std::string_view name, Bytes data) {
    if (name == "eXIf") exif_.assign(data.begin(), data.end());
    if (name != "tEXt" && name != "zTXt" && name != "iTXt") return;
    const auto until_zero = [&] {
      const auto end = std::find(data.begin(), data.end(), 0);
      const std::string_view text(reinterpret_cast<const char*>(data.data()), static_cast<std::size_t>(end - data.begin()));
      data = data.subspan(std::min(text.size() + 1, data.size()));
      return text;
    };
    const std::string_view key = until_zero();
    ChunkText* to = key == "Raw profile type exif" ? &profile_ : key == "XML:com.adobe.xmp" ? &xmp_ : nullptr;
    if (to == nullptr || data.size() < 2) return;
    to->compressed = name == "zTXt" || (name == "iTXt" && data[0] != 0);
    if (name != "tEXt") data = data.subspan(name == "zTXt" ? 1 : 2);  // how it is compressed
    if (name == "iTXt") {
      until_zero();  // language
      until_zero();  // the key in it
    }
    to->bytes.assign(data.begin(), data.end());
  }

  png_structp png_ = nullptr;
  png_infop info_ = nullptr;
  std::vector<std::uint8_t> exif_;
  ChunkText profile_;  // ImageMagick's, of EXIF
  ChunkText xmp_;
  const std::uint8_t* next_;
  std::size_t left_;
  png_uint_32 width_ = 0;
  png_uint_32 height_ = 0;
  int depth_ = 0;
  int color_ = 0;
  int passes_ = 1;
  char message_[128] = "";
};

using Color = std::array<std::uint8_t, 3>;

/// The index of the only transparent palette entry, all others being opaque.
std::optional<int> only_transparent(png_const_bytep alpha, int count) {
  std::optional<int> found;
  for (int i = 0; i < count; ++i) {
    if (alpha[i] == 255) continue;
    if (alpha[i] != 0 || found) return std::nullopt;
    found = i;
  }
  return found;
}

/// What PIL's info["transparency"] amounts to once the picture is RGB (PngImagePlugin.chunk_tRNS, Image.convert and
/// ImagingConvertTransparent, its oddities included: 1 and 16-bit grey keep a single number, taken for the red).
std::optional<Color> transparent_color(const PngReader& reader) {
  png_bytep alpha = nullptr;
  png_color_16p color = nullptr;
  int count = 0;
  if (png_get_tRNS(reader.png(), reader.info(), &alpha, &count, &color) == 0) return std::nullopt;
  const auto low = [](int value) { return static_cast<std::uint8_t>(value & 0xFF); };
  switch (reader.color()) {
    case PNG_COLOR_TYPE_PALETTE: {
      png_colorp palette = nullptr;
      int size = 0;
      if (alpha == nullptr || png_get_PLTE(reader.png(), reader.info(), &palette, &size) == 0) return std::nullopt;
      const auto index = only_transparent(alpha, count);
      if (!index) return std::nullopt;
      if (*index >= size) return Color{0, 0, 0};
      return Color{palette[*index].red, palette[*index].green, palette[*index].blue};
    }
    case PNG_COLOR_TYPE_GRAY: {
      if (color == nullptr) return std::nullopt;
      if (reader.depth() == 1) return Color{low(color->gray != 0 ? 255 : 0), 0, 0};
      if (reader.depth() == 16) return Color{low(color->gray), 0, 0};
      const std::uint8_t grey = color->gray > 255 ? 255 : low(color->gray);
      return Color{grey, grey, grey};
    }
    case PNG_COLOR_TYPE_RGB:
      if (color == nullptr) return std::nullopt;
      return Color{low(color->red), low(color->green), low(color->blue)};
    default: return std::nullopt;
  }
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/// ImageMagick's EXIF in a text chunk: "\nexif\n    1234\n" and hexadecimal lines.
std::vector<std::uint8_t> from_raw_profile(std::string_view text) {
  for (int line = 0; line < 3; ++line) {
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos) return {};
    text.remove_prefix(end + 1);
  }
  std::vector<std::uint8_t> bytes;
  int high = -1;
  for (const char c : text) {
    if (c == '\n' || c == ' ') continue;
    const int digit = hex_digit(c);
    if (digit < 0) return {};
    if (high < 0) {
      high = digit;
    } else {
      bytes.push_back(static_cast<std::uint8_t>(high * 16 + digit));
      high = -1;
    }
  }
  return bytes;
}

int stored_orientation(const PngReader& reader) {
  return orientation(!reader.exif().empty() ? reader.exif() : from_raw_profile(reader.profile()), reader.xmp());
}

/// PIL's I;16 to RGB: values above 255 become 255.
void grey16_to_rgb(const std::uint8_t* grey, std::uint8_t* rgb, std::int64_t width) {
  for (std::int64_t x = 0; x < width; ++x, grey += 2, rgb += 3) {
    rgb[0] = rgb[1] = rgb[2] = grey[0] != 0 ? 255 : grey[1];
  }
}

}  // namespace

Decoded decode_png(Bytes file, std::string_view where) {
  PngReader reader(file);
  const auto check = [&](bool good) {
    if (!good) fail(ErrorCode::bad_file, "{}: PNG: {}", where, reader.message());
  };
  check(reader.read_header());
  check_size(reader.width(), reader.height(), where);
  const std::optional<Color> transparent = transparent_color(reader);  // start() makes libpng forget it
  check(reader.start());
  Decoded out;
  Picture& picture = out.picture = make_picture(reader.width(), reader.height(), where);
  const std::size_t row_bytes = reader.row_bytes();
  if (row_bytes != (reader.grey16() ? static_cast<std::size_t>(picture.width) * 2 : picture.row_bytes())) {
    fail(ErrorCode::internal, "{}: PNG: rows of {} bytes", where, row_bytes);
  }
  const bool keeps_rows = reader.passes() > 1;  // an interlaced picture comes in several passes over all rows
  std::vector<std::uint8_t> grey;
  if (reader.grey16()) grey.resize(keeps_rows ? row_bytes * static_cast<std::size_t>(picture.height) : row_bytes);
  for (int pass = 0; pass < reader.passes(); ++pass) {
    for (std::int64_t y = 0; y < picture.height; ++y) {
      if (!reader.grey16()) {
        check(reader.read_row(picture.row(y)));
        continue;
      }
      std::uint8_t* row = grey.data() + (keeps_rows ? static_cast<std::size_t>(y) * row_bytes : 0);
      check(reader.read_row(row));
      if (pass == reader.passes() - 1) grey16_to_rgb(row, picture.row(y), picture.width);
    }
  }
  reader.read_end();
  picture.transparent = transparent;
  out.orientation = stored_orientation(reader);
  return out;
}

}  // namespace lmm::media
