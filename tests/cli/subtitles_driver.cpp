// Subtitles of made-up transcripts, for test_subtitles.py: a JSON list of segments from standard input; "srt" or "vtt", and
// "words" or not, as arguments.

#include "examples/lmm/subtitles.hpp"

#include <nlohmann/json.hpp>

#include <iostream>
#include <string>

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  std::vector<lmm::Segment> segments;
  for (const auto& given : nlohmann::json::parse(std::cin)) {
    lmm::Segment segment;
    segment.begin = given["begin"];
    segment.end = given["end"];
    segment.text = given["text"];
    for (const auto& word : given["words"]) {
      segment.words.push_back({word["text"], word["begin"], word["end"], 1.0});
    }
    segments.push_back(segment);
  }
  std::cout << (std::string(argv[1]) == "srt" ? command::to_srt(segments, argc > 2) : command::to_vtt(segments, argc > 2));
  return 0;
}
