#include "lib/media/picture.hpp"

#include "lib/core/error.hpp"
#include "lib/media/content_hash.hpp"

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

namespace lmm::media {
namespace {

/// out(x, y) = in(a(x, y)) where in is walked with constant steps: `along` bytes per x, `down` bytes per y.
void walk(const std::uint8_t* from, std::ptrdiff_t along, std::ptrdiff_t down, Picture& out) {
  constexpr std::int64_t kBlock = 64;  // a block of either picture stays in the first-level cache
  for (std::int64_t top = 0; top < out.height; top += kBlock) {
    for (std::int64_t left = 0; left < out.width; left += kBlock) {
      const std::int64_t bottom = std::min(top + kBlock, out.height);
      const std::int64_t right = std::min(left + kBlock, out.width);
      for (std::int64_t y = top; y < bottom; ++y) {
        const std::uint8_t* source = from + y * down + left * along;
        std::uint8_t* target = out.row(y) + left * 3;
        for (std::int64_t x = left; x < right; ++x, source += along, target += 3) {
          target[0] = source[0];
          target[1] = source[1];
          target[2] = source[2];
        }
      }
    }
  }
}

}  // namespace

void check_size(std::int64_t width, std::int64_t height, std::string_view where, ErrorCode code) {
  if (width < 1 || height < 1) {
    fail(code, "{}: picture of {} x {} pixels, expected at least 1 x 1", where, width, height);
  }
  if (width > kMaxPixels / height) {
    fail(code, "{}: picture of {} x {} pixels, more than the limit of {} pixels", where, width, height, kMaxPixels);
  }
}

Picture make_picture(std::int64_t width, std::int64_t height, std::string_view where) {
  check_size(width, height, where);
  Picture picture;
  picture.width = width;
  picture.height = height;
  try {
    picture.rgb = std::make_unique_for_overwrite<std::uint8_t[]>(picture.bytes() + kPixelSlack);
  } catch (const std::bad_alloc&) {
    fail(ErrorCode::out_of_memory, "{}: no memory for {} x {} pixels ({} bytes)", where, width, height,
         picture.bytes());
  }
  std::memset(picture.rgb.get() + picture.bytes(), 0, kPixelSlack);
  return picture;
}

Picture turn_upright(Picture picture, int orientation) {
  if (orientation < 2 || orientation > 8) return picture;
  const bool swaps = orientation >= 5;
  Picture out = swaps ? make_picture(picture.height, picture.width, "picture")
                      : make_picture(picture.width, picture.height, "picture");
  out.transparent = picture.transparent;
  const std::ptrdiff_t stride = static_cast<std::ptrdiff_t>(picture.row_bytes());
  const std::uint8_t* top_left = picture.rgb.get();
  const std::uint8_t* top_right = top_left + stride - 3;
  const std::uint8_t* bottom_left = top_left + (picture.height - 1) * stride;
  const std::uint8_t* bottom_right = bottom_left + stride - 3;
  switch (orientation) {
    case 2: walk(top_right, -3, stride, out); break;
    case 3: walk(bottom_right, -3, -stride, out); break;
    case 4: walk(bottom_left, 3, -stride, out); break;
    case 5: walk(top_left, stride, 3, out); break;
    case 6: walk(bottom_left, -stride, 3, out); break;
    case 7: walk(bottom_right, -stride, -3, out); break;
    default: walk(top_right, stride, -3, out); break;
  }
  return out;
}

std::string content_key(const Picture& picture) {
  const std::string hash = ContentHash::of(std::as_bytes(std::span(picture.rgb.get(), picture.bytes())));
  std::string key = fmt::format("{}x{}:{}", picture.width, picture.height, hash);
  if (picture.transparent) {
    const auto& color = *picture.transparent;
    key += fmt::format(":{:02x}{:02x}{:02x}", color[0], color[1], color[2]);
  }
  return key;
}

}  // namespace lmm::media
