#include "tests/capi/support.hpp"

#include <fstream>
#include <iterator>

using namespace capi_test;

namespace {

std::string bytes_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

struct Pixels {
  std::vector<std::uint8_t> bytes;
  int64_t width = 0;
  int64_t height = 0;
  int64_t stride = 0;
  lmm_pixel_format format = LMM_PIXEL_RGB;
  lmm_bool bottom_up = LMM_FALSE;
};

Own<lmm_image> from(const Pixels& pixels) {
  Own<lmm_image> image;
  ok([&](lmm_error** e) {
    return lmm_image_from_pixels(nullptr, pixels.bytes.data(), pixels.bytes.size(), pixels.width, pixels.height,
                                 pixels.stride, pixels.format, pixels.bottom_up, &image, e);
  });
  return image;
}

std::vector<int> rgb_of(const lmm_image* image) {
  std::size_t size = 0;
  const uint8_t* rgb = lmm_image_rgb(image, &size);
  return {rgb, rgb + size};
}

}  // namespace

TEST_CASE("a file, and the same bytes in memory") {
  const Own<lmm_image> image = open_picture();
  CHECK(lmm_image_width(image) > 0);
  CHECK(lmm_image_height(image) > 0);
  const std::string bytes = bytes_of(picture_file());
  Own<lmm_image> same;
  ok([&](lmm_error** e) { return lmm_image_decode(nullptr, bytes.data(), bytes.size(), &same, e); });
  CHECK(rgb_of(same) == rgb_of(image));
  CHECK(rgb_of(image).size() == static_cast<std::size_t>(lmm_image_width(image) * lmm_image_height(image) * 3));
  CHECK(lmm_image_rgb(image, nullptr) != nullptr);
}

TEST_CASE("pixels in each format") {
  using Ints = std::vector<int>;
  CHECK(rgb_of(from({{1, 2, 3, 4, 5, 6}, 2, 1})) == Ints{1, 2, 3, 4, 5, 6});
  CHECK(rgb_of(from({{1, 2, 3}, 1, 1, 0, LMM_PIXEL_BGR})) == Ints{3, 2, 1});
  CHECK(rgb_of(from({{1, 2, 3, 9}, 1, 1, 0, LMM_PIXEL_RGBA})) == Ints{1, 2, 3});
  CHECK(rgb_of(from({{1, 2, 3, 9}, 1, 1, 0, LMM_PIXEL_BGRA})) == Ints{3, 2, 1});
  CHECK(rgb_of(from({{7, 8}, 2, 1, 0, LMM_PIXEL_GRAY})) == Ints{7, 7, 7, 8, 8, 8});
  CHECK(rgb_of(from({{7, 0, 0, 0, 8, 0, 0, 0}, 1, 2, 4, LMM_PIXEL_GRAY})) == Ints{7, 7, 7, 8, 8, 8});
  CHECK(rgb_of(from({{7, 8}, 1, 2, 0, LMM_PIXEL_GRAY, LMM_TRUE})) == Ints{8, 8, 8, 7, 7, 7});
}

TEST_CASE("pixels that cannot be") {
  const std::uint8_t bytes[12] = {};
  const auto refuse = [&](const void* data, std::size_t size, int64_t width, int64_t height, int64_t stride,
                          lmm_pixel_format format) {
    fails(LMM_ERROR_INVALID_ARGUMENT, {}, [&](lmm_error** e) {
      lmm_image* image = untouched<lmm_image>();
      const lmm_code code =
          lmm_image_from_pixels(nullptr, data, size, width, height, stride, format, LMM_FALSE, &image, e);
      CHECK(image == untouched<lmm_image>());
      return code;
    });
  };
  refuse(bytes, 12, 0, 2, 0, LMM_PIXEL_RGB);
  refuse(bytes, 12, 2, -2, 0, LMM_PIXEL_RGB);
  refuse(bytes, 12, 3, 2, 0, LMM_PIXEL_RGB);  // too few bytes
  refuse(bytes, 12, 2, 2, 5, LMM_PIXEL_RGB);  // a stride shorter than a row
  refuse(bytes, 12, 2, 2, -6, LMM_PIXEL_RGB);
  refuse(bytes, 12, 2, 2, INT64_MAX, LMM_PIXEL_RGB);
  refuse(bytes, 12, INT64_MAX, INT64_MAX, 0, LMM_PIXEL_RGB);
  refuse(bytes, 12, 65535, 65535, 0, LMM_PIXEL_RGBA);
  refuse(bytes, SIZE_MAX, 2, 2, 0, LMM_PIXEL_RGB);
  refuse(bytes, SIZE_MAX, INT64_MAX, INT64_MAX, INT64_MAX, LMM_PIXEL_RGB);
  refuse(bytes, 12, 2, 2, 0, 5);
  refuse(bytes, 12, 2, 2, 0, -1);
  refuse(nullptr, 12, 2, 2, 0, LMM_PIXEL_RGB);
  refuse(nullptr, 0, 2, 2, 0, LMM_PIXEL_RGB);
}

TEST_CASE("bytes that are no picture") {
  const auto refuse = [&](lmm_code code, const void* data, std::size_t size) {
    fails(code, {}, [&](lmm_error** e) {
      lmm_image* image = untouched<lmm_image>();
      const lmm_code got = lmm_image_decode(nullptr, data, size, &image, e);
      CHECK(image == untouched<lmm_image>());
      return got;
    });
  };
  const std::string png = bytes_of(picture_file());
  refuse(LMM_ERROR_BAD_FILE, "", 0);
  refuse(LMM_ERROR_BAD_FILE, "hello, world", 12);
  refuse(LMM_ERROR_BAD_FILE, png.data(), png.size() / 2);
  refuse(LMM_ERROR_INVALID_ARGUMENT, nullptr, 5);
  refuse(LMM_ERROR_INVALID_ARGUMENT, png.data(), SIZE_MAX);
}

TEST_CASE("paths that are none") {
  const auto refuse = [&](const char* path, std::size_t length) {
    fails(LMM_ERROR_INVALID_ARGUMENT, {"path"}, [&](lmm_error** e) {
      Own<lmm_image> image;
      return lmm_image_open(nullptr, path, length, &image, e);
    });
  };
  refuse("", 0);
  refuse(nullptr, 0);
  refuse(nullptr, 5);
  refuse(nullptr, LMM_STRLEN);
  refuse("a\0b", 3);
  refuse("a", std::size_t{1} << 40);
}

TEST_CASE("no picture") {
  std::size_t size = 1;
  CHECK(lmm_image_width(nullptr) == 0);
  CHECK(lmm_image_height(nullptr) == 0);
  CHECK(lmm_image_rgb(nullptr, &size) == nullptr);
  CHECK(size == 0);
  lmm_image_free(nullptr);
}
