#include "lib/media/video.hpp"

#include <doctest/doctest.h>

#include <lmm/message.hpp>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

namespace lmm {
namespace {

Image picture(std::int64_t width, std::int64_t height, int shade = 7) {
  const std::vector<std::uint8_t> pixels(static_cast<std::size_t>(width * height * 3), static_cast<std::uint8_t>(shade));
  return Image::from_pixels({pixels.data(), pixels.size(), width, height});
}

std::vector<Image> pictures(int count) {
  std::vector<Image> out;
  for (int i = 0; i < count; ++i) out.push_back(picture(4, 3, i));
  return out;
}

template <typename Make>
std::string refusal(Make make) {
  try {
    make();
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::invalid_argument);
    return error.what();
  }
  return "none";
}

std::vector<double> steps(int count, double fps, double start = 0.0) {
  std::vector<double> times;
  for (int i = 0; i < count; ++i) times.push_back(start + i / fps);
  return times;
}

}  // namespace

TEST_CASE("a video tells its frames and its length") {
  const Video video = Video::from_frames(pictures(3), {0.5, 0.5, 2.0});
  CHECK(video.frames() == 3);
  CHECK(video.seconds() == doctest::Approx(1.5));
  CHECK(Video::from_frames(pictures(1), {3.0}).seconds() == 0.0);
  const Video sample = Video::from_sample(pictures(2), {3, 10}, 11, 2.0);
  CHECK(sample.video()->times == std::vector<double>{1.5, 5.0});
  CHECK(sample.seconds() == doctest::Approx(3.5));
}

TEST_CASE("frames and times that make no video are named") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double infinity = std::numeric_limits<double>::infinity();
  CHECK(refusal([] { Video::from_frames({}, {}); }) == "the video has no frames, expected at least one");
  CHECK(refusal([] { Video::from_frames({picture(4, 3), picture(4, 5)}, {0, 1}); }) ==
        "frame 1 of the video is 4 x 5 pixels, expected 4 x 3 as frame 0");
  CHECK(refusal([] { Video::from_frames(pictures(3), {0, 1}); }) ==
        "the video has 3 frames and 2 times, expected one a frame");
  CHECK(refusal([] { Video::from_frames(pictures(3), {0, 1, 0.5}); }) ==
        "the time of frame 2 is 0.5 s, before the 1 s of the frame before it");
  CHECK(refusal([] { Video::from_frames(pictures(2), {-1, 0}); }) ==
        "the time of frame 0 is -1 s, expected a finite number, 0 or above");
  CHECK(refusal([&] { Video::from_frames(pictures(2), {0, nan}); }).starts_with("the time of frame 1 is nan s"));
  CHECK(refusal([&] { Video::from_frames(pictures(2), {0, infinity}); }).starts_with("the time of frame 1 is inf s"));
}

TEST_CASE("choices that make no video are named") {
  CHECK(refusal([] { Video::from_sample(pictures(2), {0}, 9, 1); }) ==
        "the video has 2 frames and 1 indices, expected one a frame");
  CHECK(refusal([] { Video::from_sample({}, {}, 9, 1); }) == "the video has no frames, expected at least one");
  CHECK(refusal([] { Video::from_sample(pictures(2), {0, 9}, 9, 1); }) == "the index of frame 1 is 9, expected 0 to 8");
  CHECK(refusal([] { Video::from_sample(pictures(2), {-1, 2}, 9, 1); }) == "the index of frame 0 is -1, expected 0 to 8");
  CHECK(refusal([] { Video::from_sample(pictures(2), {5, 4}, 9, 1); }) ==
        "the index of frame 1 is 4, before the 5 of the frame before it");
  CHECK(refusal([] { Video::from_sample(pictures(2), {0, 1}, 9, 0); }) == "fps is 0, expected a finite number above 0");
  CHECK(refusal([] { Video::from_sample(pictures(2), {0, 1}, 0, 1); }).starts_with("total is 0 frames"));
}

TEST_CASE("frame rates are those that the times were made of") {
  int tried = 0;
  for (const double fps : {1.0, 2.0, 23.976, 24.0, 24000.0 / 1001.0, 25.0, 29.97, 30.0, 30000.0 / 1001.0, 60.0, 0.1, 120.0}) {
    for (const int count : {2, 3, 5, 8, 59, 60, 61, 999, 2000}) {
      const media::Video video{std::vector<std::shared_ptr<const media::Picture>>(), steps(count, fps, 0.0)};
      CHECK(*media::frame_rate(video) == fps);
      ++tried;
    }
  }
  CHECK(tried == 108);
  CHECK(*media::frame_rate({{}, {1.0, 1.7, 2.0}}) == 2.0);
  CHECK(*media::frame_rate({{}, {0.0, 0.3}}) == doctest::Approx(1.0 / 0.3));
  CHECK_FALSE(media::frame_rate({{}, {1.0}}));
  CHECK_FALSE(media::frame_rate({{}, {1.0, 1.0}}));
}

TEST_CASE("equal videos have equal keys, others have others") {
  const auto key = [](const Video& video) { return media::content_key(*video.video()); };
  const std::string base = key(Video::from_frames(pictures(2), {0, 1}));
  CHECK(base == key(Video::from_frames(pictures(2), {0, 1})));
  CHECK(base != key(Video::from_frames(pictures(2), {0, 1.0000001})));
  CHECK(base != key(Video::from_frames(pictures(3), {0, 1, 2})));
  CHECK(base != key(Video::from_frames({picture(4, 3, 0), picture(4, 3, 9)}, {0, 1})));
  CHECK(base != key(Video::from_sample(pictures(2), {0, 1}, 2, 1)));
  CHECK(key(Video::from_sample(pictures(2), {0, 1}, 3, 1)) != key(Video::from_sample(pictures(2), {0, 1}, 2, 1)));
}

}  // namespace lmm
