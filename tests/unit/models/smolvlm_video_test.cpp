#include "lib/core/json.hpp"
#include "lib/models/idefics3/preprocess_video.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace lmm::models::idefics3 {
namespace {

using Indices = std::vector<std::int64_t>;

VideoProcessorConfig config_of(const char* json) { return VideoProcessorConfig::parse(parse_json(json, "test"), "test"); }

VideoProcessorConfig sampling(const char* numbers) {
  return config_of(("{\"max_image_size\": {\"longest_edge\": 32}, " + std::string(numbers) + "}").c_str());
}

std::string refusal(ErrorCode code, const char* json) {
  try {
    config_of(json);
  } catch (const Error& error) {
    CHECK(error.code() == code);
    return error.what();
  }
  return "none";
}

media::Video video_of(std::vector<double> times, std::int64_t width = 20, std::int64_t height = 10) {
  std::vector<std::shared_ptr<const media::Picture>> frames;
  for (std::size_t i = 0; i < times.size(); ++i) {
    media::Picture picture = media::make_picture(width, height, "test");
    std::fill_n(picture.rgb.get(), picture.bytes(), static_cast<std::uint8_t>(i));
    frames.push_back(std::make_shared<const media::Picture>(std::move(picture)));
  }
  return media::make_video(std::move(frames), std::move(times));
}

}  // namespace

TEST_CASE("frames that SmolVLMVideoProcessor samples") {
  CHECK(sample_frames(5, 30.0, config_of("{}")) == Indices{0, 1, 2, 3, 4});  // no number of frames: all
  const auto six = sampling(R"("num_frames": 6, "fps": 1)");
  CHECK(sample_frames(90, 30.0, six) == Indices{0, 44, 89});
  CHECK(sample_frames(10, 30.0, six) == Indices{0});  // a third of a second
  CHECK(sample_frames(240, 30.0, six) == Indices{0, 47, 95, 143, 191, 239});
  CHECK(sample_frames(3000, 30.0, six) == Indices{30, 618, 1206, 1794, 2382, 2970});  // not its first second, nor its last
  CHECK(sample_frames(3, 0.1, six) == Indices{0, 1, 2});  // half a minute, of three frames
  CHECK(sample_frames(48, std::nullopt, six) == Indices{0, 47});  // an unknown rate is taken for 24
}

TEST_CASE("where a SmolVLM checkpoint says how frames are sampled") {
  const auto published = config_of(R"({"image_processor_type": "SmolVLMImageProcessor", "size": {"longest_edge": 2048},
      "max_image_size": {"longest_edge": 512}, "do_image_splitting": true, "do_pad": true, "processor_class": "SmolVLMProcessor",
      "video_sampling": {"fps": 1, "max_frames": 64, "video_size": {"longest_edge": 512}}})");
  CHECK(published.num_frames == 64);
  CHECK(published.fps == 1.0);
  CHECK(published.frame.longest_edge == 2048);  // as the reference, which passes video_size over where there is a size
  CHECK(published.frame.tile == 512);
  CHECK(!published.frame.do_image_splitting);
  CHECK(config_of(R"({"video_sampling": {"fps": 2, "max_frames": 8, "video_size": {"longest_edge": 99}}})").frame.longest_edge == 99);
  CHECK(config_of(R"({"size": {"longest_edge": 9000}})").frame.longest_edge == 4096);
  CHECK(refusal(ErrorCode::unsupported, R"({"fps": 2})") ==
        "test: num_frames is not there and fps is 2, expected both or neither: the reference samples by both");
  CHECK(refusal(ErrorCode::bad_file, R"({"video_sampling": {"fps": 2, "max_frames": 8}})").find("video_size") != std::string::npos);
  CHECK(refusal(ErrorCode::bad_file, R"({"num_frames": 8, "fps": 0})") == "test: fps is 0, expected a number above 0, at most 1000000");
  CHECK(refusal(ErrorCode::unsupported, R"({"patch_size": 14})").find("patch_size") != std::string::npos);
}

TEST_CASE("what stands for a video in SmolVLM's prompt") {
  VideoPlan plan;
  plan.frames = {0, 7};
  plan.times = {59.99, 6000.0};
  plan.duration = 90061.9;
  CHECK(video_prompt(plan, 2) ==
        "You are provided the following series of two frames from a 1 day, 1:01:01 [H:MM:SS] video.\n"
        "\nFrame from 00:59:<fake_token_around_image><global-img><image><image><fake_token_around_image>"
        "\nFrame from 100:00:<fake_token_around_image><global-img><image><image><fake_token_around_image>\n\n");
}

TEST_CASE("numbers in words") {
  CHECK(in_words(0) == "zero");
  CHECK(in_words(19) == "nineteen");
  CHECK(in_words(64) == "sixty-four");
  CHECK(in_words(110) == "one hundred and ten");
  CHECK(in_words(1001) == "one thousand and one");
  CHECK(in_words(999'999) == "nine hundred and ninety-nine thousand, nine hundred and ninety-nine");
}

TEST_CASE("SmolVLM's plan and pixels of a video") {
  const auto config = sampling(R"("num_frames": 2, "fps": 1)");
  const media::Video video = video_of({0.0, 0.5, 1.0, 1.5});
  const VideoPlan plan = plan_video(video, config);
  CHECK(plan.frames == std::vector<std::size_t>{0, 3});
  CHECK(plan.times == std::vector<double>{0.0, 1.5});
  CHECK(plan.duration == 2.0);
  const ImageTiles tiles = preprocess(video, plan, config);
  CHECK(tiles.tiles == 2);
  CHECK(tiles.pixel_values.size() == 2 * 3 * 32 * 32);
  CHECK(tiles.pixel_values.front() == -1.0f);
  CHECK(tiles.pixel_values.back() == doctest::Approx(3 / 127.5 - 1));

  CHECK(plan_video(video_of({3.0}), config).duration == 0.0);  // no rate is known
  CHECK_THROWS_WITH_AS(plan_video(video_of({0.0, 1e300}), config), doctest::Contains("expected at most 1000000000000 s"), Error);
  CHECK_THROWS_WITH_AS(plan_video(video, config_of(R"({"do_resize": false})")),
                       "the video's frames are 20 x 10 pixels, expected 364 x 364: the checkpoint's do_resize is false", Error);
}

}  // namespace lmm::models::idefics3
