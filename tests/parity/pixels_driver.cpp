// Decodes and preprocesses pictures for test_pixels.py. Reads jobs from standard input, one a line, tab-separated, and
// answers each with one line: numbers, or "error <code name> <message>".
//   decode <picture> <out>                            -> width height        (out: RGB bytes)
//   resize <picture> <width> <height> <filter> <kernel> <out> -> seconds     (out: RGB bytes)
//   tiles <picture> <folder> <out> [torchvision]      -> tiles rows cols height width   (out: floats)
//   patches <picture> <folder> <out>                  -> patches values rows columns        (out: floats)
//   grid <width> <height> <folder>                    -> rows columns
//   video <folder> <class: 2 or 3> <out> <fps> <total> <index,...> <picture>...  -> steps values rows columns sampled_fps
//       seconds,... (out: floats; total 0: the times are index / fps; else a choice of a longer video)
//   sample <folder> <class> <total> <fps>             -> index,...
//   frames <folder> <total> <fps, or 0: unknown>      -> index,...           (of SmolVLM2)
//   words <number>                                    -> the number in words
//   prompt <rows> <cols> <image_seq_len> <out>        -> bytes               (out: the text)

#include "lib/media/resample.hpp"
#include "lib/models/idefics3/preprocess_video.hpp"
#include "lib/models/qwen2_vl/preprocess_video.hpp"

#include <lmm/error.hpp>
#include <lmm/message.hpp>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

namespace {

using Words = std::vector<std::string>;

void write_file(const std::string& path, const void* data, std::size_t size) {
  std::ofstream file(path, std::ios::binary);
  file.write(static_cast<const char*>(data), static_cast<std::streamsize>(size));
  if (!file.flush()) throw std::runtime_error("cannot write " + path);
}

void decode(const Words& words) {
  const lmm::Image image = lmm::Image::open(words.at(1));
  write_file(words.at(2), image.rgb(), image.picture()->bytes());
  std::cout << image.width() << ' ' << image.height();
}

void resize(const Words& words) {
  const lmm::Image image = lmm::Image::open(words.at(1));
  const std::int64_t width = std::stoll(words.at(2));
  const std::int64_t height = std::stoll(words.at(3));
  const auto kernel = static_cast<lmm::media::Kernel>(std::stoi(words.at(5)));
  const auto start = std::chrono::steady_clock::now();
  const auto filter = static_cast<lmm::media::Resample>(std::stoi(words.at(4)));
  const lmm::media::Picture out = lmm::media::resize(*image.picture(), width, height, filter, {}, kernel);
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  write_file(words.at(6), out.rgb.get(), out.bytes());
  std::cout << seconds.count();
}

void tiles(const Words& words) {
  const lmm::Image image = lmm::Image::open(words.at(1));
  const auto config = lmm::models::idefics3::ImageProcessorConfig::load(words.at(2), words.size() > 4 && words[4] == "torchvision");
  const auto start = std::chrono::steady_clock::now();
  const auto out = lmm::models::idefics3::preprocess(*image.picture(), config);
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  write_file(words.at(3), out.pixel_values.data(), out.pixel_values.size() * sizeof(float));
  std::cout << out.tiles << ' ' << out.rows << ' ' << out.cols << ' ' << out.height << ' ' << out.width << ' '
            << seconds.count();
}

void patches(const Words& words) {
  using namespace lmm::models::qwen2_vl;
  const lmm::Image image = lmm::Image::open(words.at(1));
  const auto config = ImageProcessorConfig::load(words.at(2));
  const auto start = std::chrono::steady_clock::now();
  const ResizedPicture resized = preprocess(*image.picture(), config);
  const std::int64_t count = resized.grid.patches();
  const std::int64_t values = patch_values(config);
  std::vector<float> out(static_cast<std::size_t>(count * values));
  write_patches(resized, config, config.scale.table_as_torch("picture"), 0, count, out);
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  write_file(words.at(3), out.data(), out.size() * sizeof(float));
  std::cout << count << ' ' << values << ' ' << resized.grid.rows << ' ' << resized.grid.columns << ' '
            << seconds.count();
}

void grid(const Words& words) {
  using namespace lmm::models::qwen2_vl;
  const PatchGrid grid =
      patch_grid(std::stoll(words.at(1)), std::stoll(words.at(2)), ImageProcessorConfig::load(words.at(3)));
  std::cout << grid.rows << ' ' << grid.columns;
}

lmm::models::qwen2_vl::VideoProcessorConfig video_processor(const std::string& folder, const std::string& kind) {
  using namespace lmm::models::qwen2_vl;
  return VideoProcessorConfig::load(folder, kind == "2" ? VideoClass::qwen2_vl : VideoClass::qwen3_vl);
}

lmm::media::Video video_of(const Words& words) {
  const double fps = std::stod(words.at(4));
  const std::int64_t total = std::stoll(words.at(5));
  std::vector<std::shared_ptr<const lmm::media::Picture>> frames;
  for (std::size_t i = 7; i < words.size(); ++i) frames.push_back(lmm::Image::open(words[i]).picture());
  lmm::media::Video::Source source{total, fps};
  std::vector<double> times;
  std::istringstream indices(words.at(6));
  for (std::string index; std::getline(indices, index, ',');) {
    source.indices.push_back(std::stoll(index));
    times.push_back(static_cast<double>(source.indices.back()) / fps);
  }
  return total == 0 ? lmm::media::make_video(std::move(frames), std::move(times))
                    : lmm::media::make_video(std::move(frames), std::move(source));
}

template <typename Numbers>
void put_list(const Numbers& numbers) {
  for (std::size_t i = 0; i < numbers.size(); ++i) std::cout << (i == 0 ? "" : ",") << numbers[i];
}

void video(const Words& words) {
  using namespace lmm::models::qwen2_vl;
  const VideoProcessorConfig config = video_processor(words.at(1), words.at(2));
  const lmm::media::Video video = video_of(words);
  const VideoPlan plan = plan_video(video, config);
  std::vector<lmm::media::Picture> resized;
  for (const std::size_t frame : plan.frames) resized.push_back(resize_frame(*video.frames[frame], plan.grid, config));
  const std::int64_t values = 3 * config.temporal_patch_size * config.patch_size * config.patch_size;
  std::vector<float> out(static_cast<std::size_t>(plan.steps * plan.grid.patches() * values));
  const auto table = config.scale.table_as_torch("video");
  for (std::int64_t step = 0; step < plan.steps; ++step) {
    std::vector<const lmm::media::Picture*> frames;
    for (std::int64_t i = 0; i < config.temporal_patch_size; ++i) {
      const auto frame = static_cast<std::size_t>(step * config.temporal_patch_size + i);
      frames.push_back(&resized[std::min(frame, resized.size() - 1)]);
    }
    const auto begin = static_cast<std::size_t>(step * plan.grid.patches() * values);
    write_patches(frames, {plan.grid, config.patch_size, config.merge_size}, table, 0, plan.grid.patches(),
                  std::span(out).subspan(begin, static_cast<std::size_t>(plan.grid.patches() * values)));
  }
  write_file(words.at(3), out.data(), out.size() * sizeof(float));
  std::cout.precision(17);
  std::cout << plan.steps << ' ' << values << ' ' << plan.grid.rows << ' ' << plan.grid.columns << ' ' << plan.sampled_fps
            << ' ';
  put_list(plan.step_times(config.temporal_patch_size));
}

void sample(const Words& words) {
  const auto config = video_processor(words.at(1), words.at(2));
  put_list(lmm::models::qwen2_vl::sample_frames(std::stoll(words.at(3)), std::stod(words.at(4)), config));
}

void frames(const Words& words) {
  using namespace lmm::models::idefics3;
  const VideoProcessorConfig config = VideoProcessorConfig::load(words.at(1));
  const double fps = std::stod(words.at(3));
  put_list(lmm::models::idefics3::sample_frames(std::stoll(words.at(2)), fps > 0 ? std::optional(fps) : std::nullopt, config));
}

void words_of(const Words& words) { std::cout << lmm::models::idefics3::in_words(std::stoll(words.at(1))); }

void prompt(const Words& words) {
  const std::string text =
      lmm::models::idefics3::image_prompt(std::stoll(words.at(1)), std::stoll(words.at(2)), std::stoll(words.at(3)));
  write_file(words.at(4), text.data(), text.size());
  std::cout << text.size();
}

void answer(const Words& words) {
  if (words.at(0) == "decode") return decode(words);
  if (words.at(0) == "resize") return resize(words);
  if (words.at(0) == "tiles") return tiles(words);
  if (words.at(0) == "patches") return patches(words);
  if (words.at(0) == "grid") return grid(words);
  if (words.at(0) == "video") return video(words);
  if (words.at(0) == "sample") return sample(words);
  if (words.at(0) == "frames") return frames(words);
  if (words.at(0) == "words") return words_of(words);
  if (words.at(0) == "prompt") return prompt(words);
  throw std::runtime_error("unknown job " + words.at(0));
}

}  // namespace

int main() {
  std::string line;
  while (std::getline(std::cin, line)) {
    Words words;
    std::istringstream stream(line);
    for (std::string word; std::getline(stream, word, '\t');) words.push_back(word);
    try {
      answer(words);
    } catch (const lmm::Error& error) {
      std::cout << "error " << lmm::error_name(error.code()) << ' ' << error.what();
    } catch (const std::exception& error) {
      std::cout << "error exception " << error.what();
    }
    std::cout << std::endl;
  }
  return 0;
}
