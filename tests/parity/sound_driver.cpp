// Reads recordings for test_sound.py. Jobs from standard input, one a line, tab-separated; each is answered with one line:
// numbers, or "error <code name> <message>".
//   open <recording>                          -> rate channels frames
//   read <recording> <rate> <block> <out>     -> samples                            (out: floats; block: samples a call)
//   features <recording> <folder> <samples> <step> <out> -> mels frames sound_frames seconds      (out: floats, in steps
//                                                           of `step` frames, one behind the other)

#include "lib/media/log_mel.hpp"
#include "lib/media/sound_file.hpp"

#include <lmm/error.hpp>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

namespace {

using Words = std::vector<std::string>;
using namespace lmm::media;

void write_floats(std::ofstream& file, std::span<const float> numbers) {
  file.write(reinterpret_cast<const char*>(numbers.data()), static_cast<std::streamsize>(numbers.size_bytes()));
}

void open(const Words& words) {
  const auto sound = open_sound(words.at(1));
  std::cout << sound->rate << ' ' << sound->channels << ' ' << sound->frames;
}

void read(const Words& words) {
  const auto reader = open_sound(words.at(1))->read(std::stoll(words.at(2)));
  std::vector<float> block(std::stoul(words.at(3)));
  std::ofstream file(words.at(4), std::ios::binary);
  std::size_t total = 0;
  while (const std::size_t got = reader->read(block)) {
    write_floats(file, std::span(block).first(got));
    total += got;
  }
  std::cout << total;
}

void features(const Words& words) {
  const auto sound = open_sound(words.at(1));
  const LogMelConfig config = LogMelConfig::load(words.at(2));
  const std::int64_t step = std::stoll(words.at(4));
  std::ofstream file(words.at(5), std::ios::binary);
  const auto start = std::chrono::steady_clock::now();
  LogMel mel(config, sound, std::stoll(words.at(3)));
  std::vector<float> out;
  for (std::int64_t first = 0; first < mel.frames(); first += step) {
    const std::int64_t count = std::min(step, mel.frames() - first);
    out.resize(static_cast<std::size_t>(mel.mels() * count));
    mel.features(first, count, out);
    write_floats(file, out);
  }
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  std::cout << mel.mels() << ' ' << mel.frames() << ' ' << mel.sound_frames() << ' ' << seconds.count();
}

}  // namespace

int main() {
  for (std::string line; std::getline(std::cin, line);) {
    Words words;
    std::stringstream parts(line);
    for (std::string word; std::getline(parts, word, '\t');) words.push_back(word);
    try {
      if (words.at(0) == "open") open(words);
      else if (words.at(0) == "read") read(words);
      else if (words.at(0) == "features") features(words);
      else return 2;
    } catch (const lmm::Error& error) {
      std::cout << "error " << lmm::error_name(error.code()) << ' ' << error.what();
    }
    std::cout << std::endl;
  }
  return 0;
}
