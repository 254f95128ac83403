#include "tests/capi/support.hpp"

#include <cmath>
#include <cstring>

using namespace capi_test;

namespace {

Own<lmm_image> flat(int64_t width, int64_t height, int shade) {
  const std::vector<std::uint8_t> pixels(static_cast<std::size_t>(width * height * 3), static_cast<std::uint8_t>(shade));
  Own<lmm_image> image;
  ok([&](lmm_error** e) {
    return lmm_image_from_pixels(nullptr, pixels.data(), pixels.size(), width, height, 0, LMM_PIXEL_RGB, LMM_FALSE, &image, e);
  });
  return image;
}

}  // namespace

TEST_CASE("a video of frames and times") {
  Own<lmm_video> video;
  {
    const Own<lmm_image> one = flat(4, 3, 1), two = flat(4, 3, 2);
    const lmm_image* frames[] = {one, two};
    const double seconds[] = {0.5, 2.0};
    ok([&](lmm_error** e) { return lmm_video_from_frames(nullptr, frames, seconds, 2, &video, e); });
  }
  CHECK(lmm_video_frame_count(video) == 2);
  CHECK(lmm_video_seconds(video) == doctest::Approx(1.5));
}

TEST_CASE("a video that was chosen from a longer one") {
  const Own<lmm_image> one = flat(4, 3, 1);
  const lmm_image* frames[] = {one, one, one};
  const int64_t indices[] = {0, 30, 61};
  Own<lmm_video> video;
  ok([&](lmm_error** e) { return lmm_video_from_sample(nullptr, frames, indices, 3, 62, 10.0, &video, e); });
  CHECK(lmm_video_frame_count(video) == 3);
  CHECK(lmm_video_seconds(video) == doctest::Approx(6.1));
}

TEST_CASE("frames and times that make no video") {
  const Own<lmm_image> one = flat(4, 3, 1), other = flat(5, 3, 1);
  const lmm_image* frames[] = {one, one};
  const lmm_image* differing[] = {one, other};
  const lmm_image* missing[] = {one, nullptr};
  const double seconds[] = {0.0, 1.0}, backwards[] = {1.0, 0.5}, nan[] = {0.0, std::nan("")}, negative[] = {-1.0, 0.0};
  const int64_t indices[] = {0, 7}, falling[] = {7, 0};
  const auto refuse = [](const char* part, const lmm_image* const* images, const double* times, std::size_t count) {
    lmm_video* video = nullptr;
    fails(LMM_ERROR_INVALID_ARGUMENT, {part},
          [&](lmm_error** e) { return lmm_video_from_frames(nullptr, images, times, count, &video, e); });
    CHECK(video == nullptr);
  };
  refuse("no frames", nullptr, nullptr, 0);
  refuse("frames is NULL", nullptr, seconds, 2);
  refuse("seconds is NULL", frames, nullptr, 2);
  refuse("frames[1] is NULL", missing, seconds, 2);
  refuse("5 x 3", differing, seconds, 2);
  refuse("0.5 s, before the 1 s", frames, backwards, 2);
  refuse("nan", frames, nan, 2);
  refuse("-1 s", frames, negative, 2);
  refuse("count", frames, seconds, SIZE_MAX);
  const auto refuse_choice = [&](const char* part, const int64_t* chosen, int64_t total, double fps) {
    lmm_video* video = nullptr;
    fails(LMM_ERROR_INVALID_ARGUMENT, {part},
          [&](lmm_error** e) { return lmm_video_from_sample(nullptr, frames, chosen, 2, total, fps, &video, e); });
    CHECK(video == nullptr);
  };
  refuse_choice("index of frame 1 is 7", indices, 7, 1.0);
  refuse_choice("index of frame 1 is 0", falling, 8, 1.0);
  refuse_choice("fps is 0", indices, 8, 0.0);
  refuse_choice("indices is NULL", nullptr, 8, 1.0);
  fails(LMM_ERROR_INVALID_ARGUMENT, {"video"},
        [&](lmm_error** e) { return lmm_video_from_frames(nullptr, frames, seconds, 2, nullptr, e); });
  fails(LMM_ERROR_INVALID_ARGUMENT, {"video"},
        [&](lmm_error** e) { return lmm_video_from_sample(nullptr, frames, indices, 2, 8, 1.0, nullptr, e); });
}

TEST_CASE("a message holds videos") {
  const Own<lmm_image> one = flat(4, 3, 1);
  const lmm_image* frames[] = {one};
  const double seconds[] = {0.0};
  Own<lmm_message> message;
  ok([&](lmm_error** e) { return lmm_message_create(nullptr, &message, e); });
  {
    Own<lmm_video> video;
    ok([&](lmm_error** e) { return lmm_video_from_frames(nullptr, frames, seconds, 1, &video, e); });
    ok([&](lmm_error** e) { return lmm_message_add_video(message, video, e); });
  }
  ok([&](lmm_error** e) { return lmm_message_add_text(message, "What happens?", LMM_STRLEN, e); });
  fails(LMM_ERROR_INVALID_ARGUMENT, {"video"}, [&](lmm_error** e) { return lmm_message_add_video(message, nullptr, e); });
  REQUIRE(lmm_message_count(message) == 2);
  CHECK(lmm_message_kind(message, 0) == LMM_PART_VIDEO);
  CHECK(lmm_message_text(message, 0, nullptr) == nullptr);
  CHECK(lmm_message_image(message, 0) == nullptr);
  CHECK(lmm_video_frame_count(lmm_message_video(message, 0)) == 1);
  CHECK(lmm_message_video(message, 1) == nullptr);
  CHECK(lmm_message_video(message, 9) == nullptr);
  Own<lmm_history> history;
  ok([&](lmm_error** e) { return lmm_history_create(nullptr, &history, e); });
  ok([&](lmm_error** e) { return lmm_history_add(history, "user", LMM_STRLEN, message, e); });
  CHECK(lmm_message_kind(lmm_history_message(history, 0), 0) == LMM_PART_VIDEO);
}

TEST_CASE("a model without videos says so") {
  const lmm_model* model = capi_test::model();
  CHECK(lmm_info_sees_videos(lmm_model_info(model)) == LMM_FALSE);
  std::size_t count = 5;
  int64_t indices[3] = {9, 9, 9};
  fails(LMM_ERROR_UNSUPPORTED, {"takes no videos"},
        [&](lmm_error** e) { return lmm_model_sample_frames(model, 100, 25.0, 0.0, indices, 3, &count, e); });
  CHECK(count == 5);
  CHECK(indices[0] == 9);
  fails(LMM_ERROR_INVALID_ARGUMENT, {"indices"},
        [&](lmm_error** e) { return lmm_model_sample_frames(model, 100, 25.0, 0.0, nullptr, 3, &count, e); });
  fails(LMM_ERROR_INVALID_ARGUMENT, {"count"},
        [&](lmm_error** e) { return lmm_model_sample_frames(model, 100, 25.0, 0.0, indices, 3, nullptr, e); });
  fails(LMM_ERROR_INVALID_ARGUMENT, {"model"},
        [&](lmm_error** e) { return lmm_model_sample_frames(nullptr, 100, 25.0, 0.0, indices, 3, &count, e); });
}

TEST_CASE("no video") {
  CHECK(lmm_video_frame_count(nullptr) == 0);
  CHECK(lmm_video_seconds(nullptr) == 0.0);
  CHECK(lmm_message_video(nullptr, 0) == nullptr);
  lmm_video_free(nullptr);
}
