#include "lib/core/error.hpp"
#include "lib/media/codecs.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

// Own code: no packaged library reads BMP as PIL does (run lengths, bit fields, 16-bit scaling, grey palettes), and the
// format is a header and rows. Source of the rules: PIL's BmpImagePlugin.py and Unpack.c.

namespace lmm::media {
namespace {

using Color = std::array<std::uint8_t, 3>;

/// Little-endian fields of the file; beyond its end: Error bad_file.
class Reader {
 public:
  Reader(Bytes file, std::string_view where) : file_(file), where_(where) {}

  Bytes take(std::uint64_t offset, std::uint64_t count, const char* what) const {
    if (offset > file_.size() || count > file_.size() - offset) {
      fail(ErrorCode::bad_file, "{}: BMP: {} needs bytes {} to {}, the file has {}", where_, what, offset,
           offset + count, file_.size());
    }
    return file_.subspan(static_cast<std::size_t>(offset), static_cast<std::size_t>(count));
  }
  std::uint32_t u16(std::uint64_t offset) const {
    const Bytes b = take(offset, 2, "the header");
    return static_cast<std::uint32_t>(b[0] | b[1] << 8);
  }
  std::uint32_t u32(std::uint64_t offset) const { return u16(offset) | u16(offset + 2) << 16; }

  Bytes file() const { return file_; }
  std::string_view where() const { return where_; }

 private:
  Bytes file_;
  std::string_view where_;
};

enum Compression : std::uint32_t { raw = 0, rle8 = 1, rle4 = 2, bit_fields = 3 };

struct Header {
  std::uint32_t size = 0;
  std::int64_t width = 0;
  std::int64_t height = 0;
  bool top_down = false;
  std::uint32_t bits = 0;
  std::uint32_t compression = raw;
  std::uint64_t colors = 0;         ///< entries of the palette
  std::uint32_t color_bytes = 4;    ///< of one entry
  std::array<std::uint32_t, 4> masks{};
  std::uint64_t palette_at = 0;
  std::uint64_t pixels_at = 0;
};

void read_masks(const Reader& in, Header& header) {
  const bool inside = header.size >= 52;
  const std::uint64_t at = inside ? 14 + 40 : 14 + std::uint64_t{header.size};
  const int count = header.size >= 56 ? 4 : 3;
  for (int i = 0; i < count; ++i) header.masks[static_cast<std::size_t>(i)] = in.u32(at + 4 * static_cast<unsigned>(i));
  if (!inside) header.palette_at += 12;
}

Header read_header(const Reader& in) {
  Header header;
  header.size = in.u32(14);
  header.palette_at = 14 + std::uint64_t{header.size};
  header.pixels_at = in.u32(10);
  switch (header.size) {
    case 12:
      header.width = in.u16(18);
      header.height = in.u16(20);
      header.bits = in.u16(24);
      header.color_bytes = 3;
      break;
    case 40: case 52: case 56: case 64: case 108: case 124:
      in.take(14, header.size, "the header");
      header.width = in.u32(18);
      header.height = in.u32(22);
      header.top_down = header.height >> 24 == 0xFF;  // a negative height
      if (header.top_down) header.height = (std::int64_t{1} << 32) - header.height;
      header.bits = in.u16(28);
      header.compression = in.u32(30);
      header.colors = in.u32(46);
      if (header.compression == bit_fields) read_masks(in, header);
      break;
    default: fail(ErrorCode::bad_file, "{}: BMP: header of {} bytes is no known kind", in.where(), header.size);
  }
  if (header.bits != 1 && header.bits != 4 && header.bits != 8 && header.bits != 16 && header.bits != 24 &&
      header.bits != 32) {
    fail(ErrorCode::bad_file, "{}: BMP: {} bits a pixel, expected 1, 4, 8, 16, 24 or 32", in.where(), header.bits);
  }
  const bool indexed = header.bits <= 8;
  const bool allowed = header.compression == raw || (indexed && header.compression <= rle4) ||
                       (!indexed && header.compression == bit_fields);
  if (!allowed) {
    fail(ErrorCode::bad_file, "{}: BMP: compression {} with {} bits a pixel is not supported", in.where(),
         header.compression, header.bits);
  }
  if (header.colors == 0) header.colors = std::uint64_t{1} << header.bits;
  const std::uint64_t after_header = 14 + std::uint64_t{header.size};
  if (header.pixels_at == after_header && header.bits <= 8) header.pixels_at += header.color_bytes * header.colors;
  if (header.pixels_at == 0) {
    header.pixels_at = header.palette_at + (header.bits <= 8 ? header.color_bytes * header.colors : 0);
  }
  return header;
}

/// Colours of the indices; entries that the file does not have are black. A palette that is plain grey is none.
std::array<Color, 256> read_palette(const Reader& in, const Header& header) {
  if (header.colors > 65536) {
    fail(ErrorCode::bad_file, "{}: BMP: palette of {} colours, expected at most 65536", in.where(), header.colors);
  }
  const std::uint64_t room = in.file().size() - std::min<std::uint64_t>(header.palette_at, in.file().size());
  const std::uint64_t stored = std::min(header.colors, room / header.color_bytes);
  const Bytes bytes = in.take(header.palette_at, stored * header.color_bytes, "the palette");
  std::array<Color, 256> palette{};
  bool grey = stored == header.colors;
  for (std::uint64_t i = 0; i < stored; ++i) {
    const Bytes entry = bytes.subspan(i * header.color_bytes, 3);
    const std::uint8_t value = static_cast<std::uint8_t>(header.colors == 2 && i == 1 ? 255 : i & 0xFF);
    if (entry[0] != value || entry[1] != value || entry[2] != value) grey = false;
    if (i < 256) palette[i] = {entry[2], entry[1], entry[0]};
  }
  if (grey) {
    for (std::size_t i = 0; i < 256; ++i) palette[i].fill(static_cast<std::uint8_t>(i));
    if (header.colors <= 2) palette[1].fill(255);
  } else if (stored > 256) {
    fail(ErrorCode::bad_file, "{}: BMP: palette of {} colours, expected at most 256", in.where(), stored);
  }
  return palette;
}

/// Expands run lengths into one index a pixel, in the order of the file, as PIL's BmpRleDecoder.
std::vector<std::uint8_t> expand_runs(const Reader& in, const Header& header) {
  const std::size_t width = static_cast<std::size_t>(header.width);
  const std::size_t total = width * static_cast<std::size_t>(header.height);
  const bool nibbles = header.compression == rle4;
  std::vector<std::uint8_t> out;  // grows with the data: a run of 2 bytes gives at most 65536 pixels
  const Bytes data = in.file();
  std::size_t at = static_cast<std::size_t>(std::min<std::uint64_t>(header.pixels_at, data.size()));
  std::size_t x = 0;
  while (out.size() < total && data.size() - at >= 2) {
    const std::size_t count = data[at];
    const std::uint8_t value = data[at + 1];
    at += 2;
    if (count > 0) {
      const std::size_t fits = x < width ? std::min(count, width - x) : 0;
      for (std::size_t i = 0; i < fits; ++i) {
        out.push_back(!nibbles ? value : static_cast<std::uint8_t>(i % 2 == 0 ? value >> 4 : value & 15));
      }
      x += fits;
    } else if (value == 0) {
      out.resize((out.size() + width - 1) / width * width);
      x = 0;
    } else if (value == 1) {
      break;
    } else if (value == 2) {
      if (data.size() - at < 2) break;
      out.resize(out.size() + std::min(total - out.size(), data[at] + data[at + 1] * width));
      at += 2;
      x = out.size() % width;
    } else {
      const std::size_t pixels = std::min<std::size_t>(total - out.size(), value);
      const std::size_t bytes = nibbles ? (pixels + 1) / 2 : pixels;
      if (data.size() - at < bytes) break;
      for (std::size_t i = 0; i < pixels; ++i) {
        const std::uint8_t byte = data[at + (nibbles ? i / 2 : i)];
        out.push_back(!nibbles ? byte : static_cast<std::uint8_t>(i % 2 == 0 ? byte >> 4 : byte & 15));
      }
      at += bytes;
      x += value;
      at += at % 2;
      if (at > data.size()) break;
    }
  }
  if (out.size() < total) {
    fail(ErrorCode::bad_file, "{}: BMP: run lengths for {} pixels, expected {}", in.where(), out.size(), total);
  }
  return out;
}

/// Where red, green and blue of a 32-bit pixel lie, in bytes; the masks that PIL knows.
Color byte_order(const Reader& in, const Header& header) {
  struct Known {
    std::array<std::uint32_t, 4> masks;
    Color order;
  };
  static constexpr Known kKnown[] = {
      {{0xFF0000, 0xFF00, 0xFF, 0}, {2, 1, 0}},
      {{0xFF000000, 0xFF0000, 0xFF00, 0}, {3, 2, 1}},
      {{0xFF000000, 0xFF00, 0xFF, 0}, {3, 1, 0}},
      {{0xFF000000, 0xFF0000, 0xFF00, 0xFF}, {3, 2, 1}},
      {{0xFF, 0xFF00, 0xFF0000, 0xFF000000}, {0, 1, 2}},
      {{0xFF0000, 0xFF00, 0xFF, 0xFF000000}, {2, 1, 0}},
      {{0xFF000000, 0xFF00, 0xFF, 0xFF0000}, {3, 1, 0}},
      {{0, 0, 0, 0}, {2, 1, 0}},
  };
  if (header.compression == raw) return {2, 1, 0};
  for (const Known& known : kKnown) {
    if (known.masks == header.masks) return known.order;
  }
  fail(ErrorCode::bad_file, "{}: BMP: bit fields {:x}, {:x}, {:x}, {:x} are not supported", in.where(),
       header.masks[0], header.masks[1], header.masks[2], header.masks[3]);
}

/// True for 5-6-5 bits, false for 5-5-5.
bool six_green_bits(const Reader& in, const Header& header) {
  if (header.compression == raw) return false;
  const std::array<std::uint32_t, 3> masks{header.masks[0], header.masks[1], header.masks[2]};
  if (masks == std::array<std::uint32_t, 3>{0xF800, 0x7E0, 0x1F}) return true;
  if (masks == std::array<std::uint32_t, 3>{0x7C00, 0x3E0, 0x1F}) return false;
  fail(ErrorCode::bad_file, "{}: BMP: bit fields {:x}, {:x}, {:x} are not supported", in.where(), masks[0], masks[1],
       masks[2]);
}

void unpack_indices(const std::uint8_t* in, unsigned bits, const std::array<Color, 256>& palette, std::uint8_t* rgb,
                    std::int64_t width) {
  for (std::int64_t x = 0; x < width; ++x, rgb += 3) {
    std::uint8_t index = in[x * bits / 8];
    if (bits == 4) index = static_cast<std::uint8_t>(x % 2 == 0 ? index >> 4 : index & 15);
    if (bits == 1) index = static_cast<std::uint8_t>(index >> (7 - x % 8) & 1);
    std::memcpy(rgb, palette[index].data(), 3);
  }
}

void unpack_16(const std::uint8_t* in, bool green6, std::uint8_t* rgb, std::int64_t width) {
  for (std::int64_t x = 0; x < width; ++x, in += 2, rgb += 3) {
    const int pixel = in[0] | in[1] << 8;
    rgb[0] = static_cast<std::uint8_t>((pixel >> (green6 ? 11 : 10) & 31) * 255 / 31);
    rgb[1] = static_cast<std::uint8_t>(green6 ? (pixel >> 5 & 63) * 255 / 63 : (pixel >> 5 & 31) * 255 / 31);
    rgb[2] = static_cast<std::uint8_t>((pixel & 31) * 255 / 31);
  }
}

void unpack_bytes(const std::uint8_t* in, unsigned step, Color order, std::uint8_t* rgb, std::int64_t width) {
  for (std::int64_t x = 0; x < width; ++x, in += step, rgb += 3) {
    rgb[0] = in[order[0]];
    rgb[1] = in[order[1]];
    rgb[2] = in[order[2]];
  }
}

}  // namespace

Decoded decode_bmp(Bytes file, std::string_view where) {
  const Reader in(file, where);
  const Header header = read_header(in);
  check_size(header.width, header.height, where);
  const unsigned bits = header.bits;
  const std::array<Color, 256> palette = bits <= 8 ? read_palette(in, header) : std::array<Color, 256>{};
  const bool green6 = bits == 16 && six_green_bits(in, header);
  const Color order = bits >= 24 ? byte_order(in, header) : Color{2, 1, 0};
  if (bits == 24 && order != Color{2, 1, 0}) {
    fail(ErrorCode::bad_file, "{}: BMP: 24 bits a pixel with masks other than those of blue, green and red", where);
  }

  const bool runs = header.compression == rle8 || header.compression == rle4;
  const std::vector<std::uint8_t> indices = runs ? expand_runs(in, header) : std::vector<std::uint8_t>();
  const std::uint64_t row_bytes = (static_cast<std::uint64_t>(header.width) * bits + 7) / 8;
  const std::uint64_t stride = (row_bytes + 3) / 4 * 4;
  const std::uint64_t needed = stride * static_cast<std::uint64_t>(header.height - 1) + row_bytes;
  const Bytes pixels = runs ? Bytes(indices) : in.take(header.pixels_at, needed, "the picture");

  Decoded out;
  out.picture = make_picture(header.width, header.height, where);
  for (std::int64_t y = 0; y < header.height; ++y) {
    std::uint8_t* rgb = out.picture.row(header.top_down ? y : header.height - 1 - y);
    const std::uint64_t at = static_cast<std::uint64_t>(y) * (runs ? static_cast<std::uint64_t>(header.width) : stride);
    const std::uint8_t* row = pixels.data() + at;
    if (bits <= 8) {
      unpack_indices(row, runs ? 8 : bits, palette, rgb, header.width);
    } else if (bits == 16) {
      unpack_16(row, green6, rgb, header.width);
    } else {
      unpack_bytes(row, bits / 8, order, rgb, header.width);
    }
  }
  return out;
}

}  // namespace lmm::media
