// Decodes and preprocesses pictures for test_pixels.py. Reads jobs from standard input, one a line, tab-separated, and
// answers each with one line: numbers, or "error <code name> <message>".
//   decode <picture> <out>                            -> width height        (out: RGB bytes)
//   resize <picture> <width> <height> <filter> <kernel> <out> -> seconds     (out: RGB bytes)
//   tiles <picture> <folder> <out>                    -> tiles rows cols height width   (out: floats)
//   patches <picture> <folder> <out>                  -> patches values rows columns        (out: floats)
//   grid <width> <height> <folder>                    -> rows columns
//   prompt <rows> <cols> <image_seq_len> <out>        -> bytes               (out: the text)

#include "lib/media/resample.hpp"
#include "lib/models/idefics3/preprocess.hpp"
#include "lib/models/qwen2_vl/preprocess.hpp"

#include <lmm/error.hpp>
#include <lmm/message.hpp>

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
  const auto filter = static_cast<lmm::media::Resample>(std::stoi(words.at(4)));
  const auto kernel = static_cast<lmm::media::Kernel>(std::stoi(words.at(5)));
  const auto start = std::chrono::steady_clock::now();
  const lmm::media::Picture out =
      lmm::media::resize(*image.picture(), std::stoll(words.at(2)), std::stoll(words.at(3)), filter, {}, kernel);
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  write_file(words.at(6), out.rgb.get(), out.bytes());
  std::cout << seconds.count();
}

void tiles(const Words& words) {
  const lmm::Image image = lmm::Image::open(words.at(1));
  const auto config = lmm::models::idefics3::ImageProcessorConfig::load(words.at(2));
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
  write_patches(resized, config, config.scale.table(), 0, count, out);
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
