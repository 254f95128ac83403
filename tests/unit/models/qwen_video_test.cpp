#include "lib/core/json.hpp"
#include "lib/models/qwen2_vl/preprocess_video.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace lmm::models::qwen2_vl {
namespace {

using Indices = std::vector<std::int64_t>;

VideoProcessorConfig config_of(const char* json, VideoClass kind = VideoClass::qwen2_vl) {
  return VideoProcessorConfig::parse(parse_json(json, "test"), "test", kind);
}

template <typename Call>
std::string refusal(ErrorCode code, Call call) {
  try {
    call();
  } catch (const Error& error) {
    CHECK(error.code() == code);
    return error.what();
  }
  return "none";
}

media::Video video_of(std::int64_t frames, std::int64_t width, std::int64_t height, double fps) {
  std::vector<std::shared_ptr<const media::Picture>> pictures;
  std::vector<double> times;
  for (std::int64_t i = 0; i < frames; ++i) {
    media::Picture picture = media::make_picture(width, height, "test");
    std::fill_n(picture.rgb.get(), picture.bytes(), static_cast<std::uint8_t>(i));
    pictures.push_back(std::make_shared<const media::Picture>(std::move(picture)));
    times.push_back(static_cast<double>(i) / fps);
  }
  return media::make_video(std::move(pictures), std::move(times));
}

}  // namespace

TEST_CASE("frames that Qwen2VLVideoProcessor samples") {
  CHECK(sample_frames(5, 30.0, config_of("{}")) == Indices{0, 1, 2, 3, 4});  // none is left out by default
  const auto two = config_of(R"({"do_sample_frames": true, "fps": 2})");
  CHECK(sample_frames(24, 10.0, two) == Indices{0, 6, 12, 18});
  CHECK(sample_frames(3, 10.0, two) == Indices{0, 1});  // 3 are no whole number of temporal patches
  CHECK(sample_frames(7, 30.0, two) == Indices{0, 1, 3, 5});
  CHECK(sample_frames(100, 1.0, config_of(R"({"do_sample_frames": true, "num_frames": 5})")) == Indices{0, 25, 50, 75});
  CHECK(refusal(ErrorCode::invalid_argument, [&] { sample_frames(1, 10.0, two); }).starts_with("the video has 1 frames"));
  CHECK(refusal(ErrorCode::invalid_argument, [] {
          sample_frames(3, 1.0, config_of(R"({"do_sample_frames": true, "num_frames": 8})"));
        }) == "the video has 3 frames, the model's video processor samples 8");
  CHECK(refusal(ErrorCode::unsupported, [] { sample_frames(3, 1.0, config_of(R"({"do_sample_frames": true})")); })
            .find("neither fps nor num_frames") != std::string::npos);
}

TEST_CASE("frames that Qwen3VLVideoProcessor samples") {
  const auto two = config_of("{}", VideoClass::qwen3_vl);
  CHECK(sample_frames(24, 10.0, two) == Indices{0, 8, 15, 23});
  CHECK(sample_frames(3, 30.0, two) == Indices{0, 1, 2});
  CHECK(sample_frames(1, std::nullopt, two) == Indices{0});
  CHECK(sample_frames(1'000'000, 30.0, two).size() == 768);
  CHECK(sample_frames(1'000'000, 30.0, two).back() == 999'999);
}

TEST_CASE("numbers of frames and rates that are none") {
  const auto config = config_of("{}");
  for (const std::int64_t total : {std::int64_t{0}, std::int64_t{-1}, std::int64_t{1} << 40}) {
    CHECK(refusal(ErrorCode::invalid_argument, [&] { sample_frames(total, 1.0, config); }).find("frames, expected 1 to") !=
          std::string::npos);
  }
  for (const double fps : {0.0, -1.0, 1.0 / 0.0, 0.0 / 0.0}) {
    CHECK(refusal(ErrorCode::invalid_argument, [&] { sample_frames(5, fps, config); }).starts_with("fps is"));
  }
}

TEST_CASE("what the model is told of a video") {
  const auto config = config_of(R"({"size": {"shortest_edge": 3136, "longest_edge": 12544}})");
  const VideoPlan plan = plan_video(video_of(5, 60, 40, 2.0), config);
  CHECK(plan.frames.size() == 5);
  CHECK(plan.steps == 3);
  CHECK(plan.sampled_fps == 2.0);
  CHECK(plan.grid.rows == 4);   // 40 pixels become 56, at 14 a patch
  CHECK(plan.grid.columns == 6);  // 60: 84
  CHECK(plan.step_times(2) == std::vector<double>{0.25, 1.25, 2.0});  // the last frame is its own companion
  const VideoPlan one = plan_video(video_of(1, 60, 40, 2.0), config);
  CHECK(one.steps == 1);
  CHECK(one.sampled_fps == 24.0);  // as transformers takes an unknown rate
}

TEST_CASE("the budget is a frame's, or that of all frames together") {
  const char* limits = R"({"size": {"shortest_edge": 4096, "longest_edge": 65536}})";
  const auto patches = [&](VideoClass kind, std::int64_t frames) {
    return plan_video(video_of(frames, 320, 320, 1.0), config_of(limits, kind)).grid.patches();
  };
  CHECK(patches(VideoClass::qwen2_vl, 2) == patches(VideoClass::qwen2_vl, 4));
  CHECK(patches(VideoClass::qwen3_vl, 4) < patches(VideoClass::qwen3_vl, 2));
  CHECK(refusal(ErrorCode::invalid_argument, [&] { patches(VideoClass::qwen3_vl, 1); }).starts_with("the video has 1 frames"));
}

TEST_CASE("settings that contradict each other are named") {
  CHECK(refusal(ErrorCode::bad_file, [] { config_of(R"({"min_pixels": 9000, "max_pixels": 4000})"); }) ==
        "test: min_pixels (size.shortest_edge) is 9000, more than the 4000 of max_pixels (size.longest_edge)");
  CHECK(refusal(ErrorCode::bad_file, [] { config_of(R"({"do_sample_frames": true, "fps": 2, "num_frames": 4})"); }) ==
        "test: num_frames is 4 and fps is 2, expected one of them");
  CHECK(refusal(ErrorCode::unsupported, [] { config_of(R"({"resample": 2})"); }).starts_with("test: resample is 2"));
  CHECK(refusal(ErrorCode::unsupported, [] { config_of(R"({"video_processor_type": "Other"})"); }).find("Other") !=
        std::string::npos);
}

TEST_CASE("bytes become numbers in fp32, as torchvision's fused arithmetic has them") {
  media::PixelScale scale;  // mean and deviation 0.5
  const auto table = scale.table_as_torch("video");
  CHECK(table[0][0] == -1.0f);
  CHECK(table[2][255] == 1.0f);
  const float center = 0.5f * static_cast<float>(255.0);
  CHECK(table[1][100] == (100.0f - center) / center);
  scale.deviation[1] = 0.0;
  CHECK(refusal(ErrorCode::bad_file, [&] { scale.table_as_torch("video"); }).starts_with("image_std of the video processor is 0"));
  scale.do_normalize = false;
  CHECK(scale.table_as_torch("video")[1][255] == 255.0f * static_cast<float>(1.0 / 255.0));
}

}  // namespace lmm::models::qwen2_vl
