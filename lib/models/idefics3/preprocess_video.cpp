#include "lib/models/idefics3/preprocess_video.hpp"

#include "lib/core/error.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <string_view>

namespace lmm::models::idefics3 {
namespace {

constexpr double kSkippedSeconds = 1.0;        // at both ends of a long video
constexpr std::int64_t kMostTold = 999'999;    // frames that in_words can say
constexpr double kMostSeconds = 1e12;          // whole numbers far beyond any video's

std::int64_t whole(double value) { return static_cast<std::int64_t>(value); }

/// str(datetime.timedelta(seconds=seconds))
std::string clock(std::int64_t seconds) {
  const std::int64_t days = seconds / 86400;
  const std::string whole_days = days == 0 ? "" : fmt::format("{} day{}, ", days, days == 1 ? "" : "s");
  return fmt::format("{}{}:{:02}:{:02}", whole_days, seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
}

std::string below_hundred(std::int64_t number) {
  constexpr std::array<std::string_view, 20> kSmall = {"zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine",
                                                       "ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen",
                                                       "seventeen", "eighteen", "nineteen"};
  constexpr std::array<std::string_view, 10> kTens = {"", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"};
  if (number < 20) return std::string(kSmall[static_cast<std::size_t>(number)]);
  const std::string_view tens = kTens[static_cast<std::size_t>(number / 10)];
  return number % 10 == 0 ? std::string(tens) : fmt::format("{}-{}", tens, kSmall[static_cast<std::size_t>(number % 10)]);
}

std::string below_thousand(std::int64_t number) {
  if (number < 100) return below_hundred(number);
  const std::string hundreds = below_hundred(number / 100) + " hundred";
  return number % 100 == 0 ? hundreds : fmt::format("{} and {}", hundreds, below_hundred(number % 100));
}

}  // namespace

std::string in_words(std::int64_t number) {
  if (number < 1000) return below_thousand(number);
  const std::int64_t rest = number % 1000;
  const std::string thousands = below_thousand(number / 1000) + " thousand";
  return rest == 0 ? thousands : fmt::format("{}{}{}", thousands, rest < 100 ? " and " : ", ", below_thousand(rest));
}

std::vector<std::int64_t> sample_frames(std::int64_t total, std::optional<double> fps, const VideoProcessorConfig& config) {
  media::check_sampling(total, fps);
  std::int64_t first = 0;
  std::int64_t last = total - 1;
  std::int64_t count = total;
  if (config.num_frames) {
    const double rate = fps.value_or(media::kUnknownFps);
    const double duration = static_cast<double>(total) / rate;
    const auto most = static_cast<double>(*config.num_frames);
    count = whole(std::clamp(std::nearbyint(config.fps * duration), 1.0, most));
    if (duration - 2 * kSkippedSeconds > most * config.fps) {
      first = whole(kSkippedSeconds * rate);
      last = std::min(whole(static_cast<double>(total) - kSkippedSeconds * rate), last);
      if (first >= last) {
        first = 0;
        last = total - 1;
      }
    }
  }
  // numpy.unique(numpy.linspace(first, last, count, dtype=int))
  std::vector<std::int64_t> indices;
  const double stride = count > 1 ? static_cast<double>(last - first) / static_cast<double>(count - 1) : 0.0;
  for (std::int64_t i = 0; i < count; ++i) {
    const bool end = i > 0 && i + 1 == count;
    indices.push_back(end ? last : whole(std::floor(static_cast<double>(i) * stride + static_cast<double>(first))));
  }
  indices.erase(std::unique(indices.begin(), indices.end()), indices.end());
  return indices;
}

VideoPlan plan_video(const media::Video& video, const VideoProcessorConfig& config) {
  const std::optional<double> fps = media::frame_rate(video);
  const auto given = static_cast<std::int64_t>(video.frames.size());
  VideoPlan plan;
  if (video.source) {
    plan.frames.resize(video.frames.size());
    std::iota(plan.frames.begin(), plan.frames.end(), std::size_t{0});
  } else {
    for (const std::int64_t index : sample_frames(given, fps, config)) plan.frames.push_back(static_cast<std::size_t>(index));
  }
  if (plan.frames.size() > static_cast<std::size_t>(kMostTold)) {
    fail(ErrorCode::invalid_argument, "the model would be shown {} frames of the video, expected at most {}", plan.frames.size(), kMostTold);
  }
  for (const std::size_t frame : plan.frames) plan.times.push_back(video.times[frame]);
  if (fps) plan.duration = static_cast<double>(video.source ? video.source->total : given) / *fps;
  if (!(plan.times.back() <= kMostSeconds && plan.duration <= kMostSeconds)) {
    fail(ErrorCode::invalid_argument, "the video lasts {} s with its last frame at {} s, expected at most {} s", plan.duration,
         plan.times.back(), kMostSeconds);
  }
  const std::int64_t tile = config.frame.tile;
  if (!config.frame.do_resize && (video.width() != tile || video.height() != tile)) {
    fail(ErrorCode::invalid_argument, "the video's frames are {} x {} pixels, expected {} x {}: the checkpoint's do_resize is false",
         video.width(), video.height(), tile, tile);
  }
  return plan;
}

std::string video_prompt(const VideoPlan& plan, std::int64_t image_seq_len) {
  const std::string frame = image_prompt(0, 0, image_seq_len);
  std::string text = fmt::format("You are provided the following series of {} frames from a {} [H:MM:SS] video.\n",
                                 in_words(static_cast<std::int64_t>(plan.frames.size())), clock(whole(plan.duration)));
  for (const double time : plan.times) {
    const std::int64_t seconds = whole(time);
    text += fmt::format("\nFrame from {:02}:{:02}:", seconds / 60, seconds % 60) + frame;
  }
  return text + "\n\n";
}

ImageTiles preprocess(const media::Video& video, const VideoPlan& plan, const VideoProcessorConfig& config,
                      const media::ParallelFor& parallel_for) {
  const std::int64_t tile = config.frame.tile;
  ImageTiles out;
  out.tiles = static_cast<std::int64_t>(plan.frames.size());
  out.height = out.width = tile;
  out.allocate();
  auto target = out.pixel_values.begin();
  for (const std::size_t frame : plan.frames) {
    const ImageTiles one = preprocess(*video.frames[frame], config.frame, parallel_for);
    target = std::copy(one.pixel_values.begin(), one.pixel_values.end(), target);
  }
  return out;
}

}  // namespace lmm::models::idefics3
