#include "tests/unit/media/files.hpp"

#include <lmm/message.hpp>

#include <doctest/doctest.h>

#include <array>
#include <cstring>

namespace lmm {
namespace {

using media::contains;

/// 2 x 2 pixels: red, green / blue, white.
constexpr std::array<std::uint8_t, 12> kColors{255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 255};

PixelView view(const void* data, std::size_t size, PixelFormat format, std::int64_t stride = 0) {
  PixelView pixels;
  pixels.data = data;
  pixels.size = size;
  pixels.width = 2;
  pixels.height = 2;
  pixels.stride = stride;
  pixels.format = format;
  return pixels;
}

std::string refusal(const PixelView& pixels) {
  try {
    Image::from_pixels(pixels);
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::invalid_argument);
    return error.what();
  }
  return "";
}

bool has_colors(const Image& image) {
  return image.width() == 2 && image.height() == 2 && std::memcmp(image.rgb(), kColors.data(), kColors.size()) == 0;
}

}  // namespace

TEST_CASE("pixels of every format become RGB") {
  CHECK(has_colors(Image::from_pixels(view(kColors.data(), 12, PixelFormat::rgb))));
  const std::uint8_t bgr[]{0, 0, 255, 0, 255, 0, 255, 0, 0, 255, 255, 255};
  CHECK(has_colors(Image::from_pixels(view(bgr, 12, PixelFormat::bgr))));
  const std::uint8_t rgba[]{255, 0, 0, 9, 0, 255, 0, 0, 0, 0, 255, 1, 255, 255, 255, 255};
  CHECK(has_colors(Image::from_pixels(view(rgba, 16, PixelFormat::rgba))));
  const std::uint8_t bgra[]{0, 0, 255, 9, 0, 255, 0, 0, 255, 0, 0, 1, 255, 255, 255, 255};
  CHECK(has_colors(Image::from_pixels(view(bgra, 16, PixelFormat::bgra))));
  const std::uint8_t gray[]{1, 2, 3, 4};
  const std::uint8_t expected[]{1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4};
  CHECK(std::memcmp(Image::from_pixels(view(gray, 4, PixelFormat::gray)).rgb(), expected, 12) == 0);
}

TEST_CASE("rows may be padded and bottom-up") {
  const std::uint8_t padded[]{255, 0, 0, 0, 255, 0, 77, 77, 0, 0, 255, 255, 255, 255, 77, 77};
  CHECK(has_colors(Image::from_pixels(view(padded, 16, PixelFormat::rgb, 8))));
  const std::uint8_t upside_down[]{0, 0, 255, 255, 255, 255, 77, 255, 0, 0, 0, 255, 0, 77};
  PixelView pixels = view(upside_down, 14, PixelFormat::rgb, 7);
  pixels.bottom_up = true;
  CHECK(has_colors(Image::from_pixels(pixels)));
}

TEST_CASE("pixels that do not fit are refused with expected and actual") {
  const auto* data = kColors.data();
  CHECK(refusal(view(data, 11, PixelFormat::rgb)) == "pixels: 11 bytes, expected at least 2 rows of 6 bytes");
  CHECK(refusal(view(data, 12, PixelFormat::rgba)) == "pixels: 12 bytes, expected at least 2 rows of 8 bytes");
  CHECK(contains(refusal(view(data, 12, PixelFormat::rgb, 5)), "stride is 5 bytes, expected 0 or at least 6"));
  CHECK(contains(refusal(view(kColors.data(), 12, PixelFormat::rgb, -6)), "stride is -6 bytes"));
  CHECK(contains(refusal(view(nullptr, 12, PixelFormat::rgb)), "data is null"));
  CHECK(contains(refusal(view(kColors.data(), 12, static_cast<PixelFormat>(5))), "format is 5"));
  CHECK(contains(refusal(view(kColors.data(), 12, static_cast<PixelFormat>(-1))), "format is -1"));
  // the product of stride and height overflows
  CHECK(contains(refusal(view(data, SIZE_MAX, PixelFormat::rgb, INT64_MAX)), "2 rows of 9223372036854775807"));
  for (const std::int64_t side : {std::int64_t{0}, std::int64_t{-1}, std::int64_t{65536}, INT64_MIN, INT64_MAX}) {
    PixelView pixels = view(kColors.data(), 12, PixelFormat::rgb);
    pixels.width = side;
    CHECK(contains(refusal(pixels), "expected 1 x 1 to 65535 x 65535"));
    pixels.width = 2;
    pixels.height = side;
    CHECK(contains(refusal(pixels), "expected 1 x 1 to 65535 x 65535"));
  }
  PixelView large = view(kColors.data(), SIZE_MAX, PixelFormat::gray);
  large.width = large.height = 65535;
  CHECK(contains(refusal(large), "more than the limit of 178956970 pixels"));
}

TEST_CASE("pictures are read from files and from memory") {
  const auto path = std::filesystem::path(LMM_TEST_DATA) / "pictures" / "oriented-exif6.jpg";
  const Image from_file = Image::open(path);
  CHECK(from_file.width() == 17);  // stored as 23 x 17
  CHECK(from_file.height() == 23);
  const media::Data bytes = media::read_bytes(path);
  const Image from_memory = Image::from_memory(bytes.data(), bytes.size());
  CHECK(media::content_key(*from_file.picture()) == media::content_key(*from_memory.picture()));
  const Image copy = from_file;  // NOLINT: copies share
  CHECK(copy.rgb() == from_file.rgb());
}

TEST_CASE("a BMP of 24 bits with masks has those of its bytes, or is refused") {
  const auto bmp = [](std::uint8_t red_place, std::uint8_t blue_place) {
    std::array<std::uint8_t, 70> file{'B', 'M', 70, 0, 0, 0, 0, 0, 0, 0, 66, 0, 0, 0, 52};
    file[18] = file[22] = file[26] = 1;  // width, height, planes
    file[28] = 24;
    file[30] = 3;  // bit fields
    file[54 + red_place] = file[58 + 1] = file[62 + blue_place] = 0xFF;
    file[66] = 9;  // the first byte of the pixel
    return file;
  };
  const auto usual = bmp(2, 0), swapped = bmp(0, 2);
  CHECK(Image::from_memory(usual.data(), usual.size()).rgb()[2] == 9);
  CHECK_THROWS_WITH_AS(Image::from_memory(swapped.data(), swapped.size()),
                       doctest::Contains("bit fields ff, ff00, ff0000, 0 are not supported"), Error);
}

TEST_CASE("files that are not there, folders, and nothing in memory are errors") {
  const auto code = [](auto call) {
    try {
      call();
    } catch (const Error& error) {
      return error.code();
    }
    return ErrorCode::internal;
  };
  CHECK(code([] { Image::open("no/such/picture.png"); }) == ErrorCode::not_found);
  CHECK(code([] { Image::open(LMM_TEST_DATA); }) == ErrorCode::io);
  CHECK(code([] { Image::from_memory(nullptr, 0); }) == ErrorCode::bad_file);
  CHECK(code([] { Image::from_memory(nullptr, 5); }) == ErrorCode::invalid_argument);
  CHECK(code([] { Image::from_memory("hello", 5); }) == ErrorCode::bad_file);
}

}  // namespace lmm
