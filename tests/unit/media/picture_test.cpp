#include "lib/media/exif.hpp"
#include "lib/media/picture.hpp"

#include <doctest/doctest.h>

#include <cstring>
#include <vector>

namespace lmm::media {
namespace {

/// A picture whose red channel holds `values`, row by row.
Picture reds(std::int64_t width, std::int64_t height, const std::vector<int>& values) {
  Picture picture = make_picture(width, height, "test");
  std::memset(picture.rgb.get(), 0, picture.bytes());
  for (std::size_t i = 0; i < values.size(); ++i) picture.rgb[i * 3] = static_cast<std::uint8_t>(values[i]);
  return picture;
}

std::vector<int> reds_of(const Picture& picture) {
  std::vector<int> values;
  for (std::int64_t i = 0; i < picture.width * picture.height; ++i) values.push_back(picture.rgb[i * 3]);
  return values;
}

}  // namespace

TEST_CASE("EXIF orientations turn a picture upright") {
  using Values = std::vector<int>;
  const auto turned = [](int orientation) {
    return reds_of(turn_upright(reds(3, 2, {1, 2, 3, 4, 5, 6}), orientation));
  };
  CHECK(turned(1) == Values{1, 2, 3, 4, 5, 6});
  CHECK(turned(2) == Values{3, 2, 1, 6, 5, 4});
  CHECK(turned(3) == Values{6, 5, 4, 3, 2, 1});
  CHECK(turned(4) == Values{4, 5, 6, 1, 2, 3});
  CHECK(turned(5) == Values{1, 4, 2, 5, 3, 6});
  CHECK(turned(6) == Values{4, 1, 5, 2, 6, 3});
  CHECK(turned(7) == Values{6, 3, 5, 2, 4, 1});
  CHECK(turned(8) == Values{3, 6, 2, 5, 1, 4});
  CHECK(turned(0) == Values{1, 2, 3, 4, 5, 6});
  CHECK(turned(9) == Values{1, 2, 3, 4, 5, 6});
  CHECK(turn_upright(reds(3, 2, {}), 6).width == 2);
}

TEST_CASE("turning there and back again gives the picture") {
  std::vector<int> values(201 * 67);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<int>(i * 31 % 251);
  for (const auto& [there, back] : {std::pair{2, 2}, {3, 3}, {4, 4}, {5, 5}, {6, 8}, {7, 7}, {8, 6}}) {
    CHECK(reds_of(turn_upright(turn_upright(reds(201, 67, values), there), back)) == values);
  }
}

TEST_CASE("orientation is read from EXIF of both byte orders, else from XMP") {
  const std::vector<std::uint8_t> little{'I', 'I', 42, 0, 8, 0, 0, 0, 1, 0, 0x12, 1, 3,
                                         0,   1,   0,  0, 0, 6, 0, 0, 0, 0, 0,    0, 0};
  const std::vector<std::uint8_t> big{'M', 'M', 0, 42, 0, 0, 0, 8, 0, 1, 1, 0x12, 0,
                                      3,   0,   0, 0,  1, 0, 5, 0, 0, 0, 0, 0,    0};
  CHECK(orientation(little, "") == 6);
  CHECK(orientation(big, "") == 5);
  CHECK(orientation(little, "tiff:Orientation=\"3\"") == 6);
  CHECK(orientation({}, "<a tiff:Orientation=\"3\"/>") == 3);
  CHECK(orientation({}, "<tiff:Orientation>8</tiff:Orientation>") == 8);
  CHECK(orientation({}, "tiff:Orientation='3' tiff:Orientation=\"4\"") == 4);
  CHECK(orientation({}, "tiff:Orientation=\"") == 1);
  CHECK(orientation({}, "") == 1);
  for (std::size_t size = 0; size < little.size(); ++size) {  // cut off anywhere: no more than unknown
    const int value = orientation({little.data(), size}, "");
    CHECK((value == 1 || value == 6 || value == 0));
  }
}

TEST_CASE("directories of EXIF that lead to each other cost nothing") {
  // IFD 0 with very many entries, all of which lead to another directory of its kind; the orientation is the last of them.
  std::vector<std::uint8_t> exif{'I', 'I', 42, 0, 8, 0, 0, 0, 0xFF, 0xFF};
  const std::uint8_t pointer[] = {0x69, 0x87, 4, 0, 1, 0, 0, 0, 8, 0, 0, 0};
  const std::uint8_t turned[] = {0x12, 1, 3, 0, 1, 0, 0, 0, 6, 0, 0, 0};
  for (int i = 0; i < 0xFFFE; ++i) exif.insert(exif.end(), std::begin(pointer), std::end(pointer));
  exif.insert(exif.end(), std::begin(turned), std::end(turned));
  CHECK(orientation(exif, "") == 6);
}

TEST_CASE("the content key tells size, pixels and transparent colour") {
  const auto key = [](const Picture& picture) { return content_key(picture); };
  const Picture base = reds(2, 3, {1, 2, 3, 4, 5, 6});
  CHECK(key(base) == key(reds(2, 3, {1, 2, 3, 4, 5, 6})));
  CHECK(key(base) != key(reds(2, 3, {1, 2, 3, 4, 5, 7})));
  CHECK(key(base) != key(reds(3, 2, {1, 2, 3, 4, 5, 6})));
  Picture keyed = reds(2, 3, {1, 2, 3, 4, 5, 6});
  keyed.transparent = {1, 0, 0};
  CHECK(key(base) != key(keyed));
}

TEST_CASE("sizes are checked before anything is allocated") {
  CHECK_NOTHROW(check_size(1, kMaxPixels, "test"));
  CHECK_THROWS_WITH(check_size(1, kMaxPixels + 1, "test"),
                    "test: picture of 1 x 178956971 pixels, more than the limit of 178956970 pixels");
  CHECK_THROWS_AS(check_size(INT64_MAX, INT64_MAX, "test"), Error);
  CHECK_THROWS_AS(check_size(0, 5, "test"), Error);
  CHECK_THROWS_AS(check_size(5, -1, "test"), Error);
}

}  // namespace lmm::media
