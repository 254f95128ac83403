#include "subtitles.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string_view>
#include <utility>

namespace command {
namespace {

/// Milliseconds, and at least one from begin to end: players leave out cues without length.
struct Span {
  std::int64_t begin;
  std::int64_t end;
};

Span span_of(double begin, double end) {
  const std::int64_t from = std::llround(begin * 1000.0);
  return {from, std::max<std::int64_t>(std::llround(end * 1000.0), from + 1)};
}

std::string clock(std::int64_t milliseconds, char point) {
  const std::int64_t seconds = milliseconds / 1000;
  return fmt::format("{:02}:{:02}:{:02}{}{:03}", seconds / 3600, seconds / 60 % 60, seconds % 60, point, milliseconds % 1000);
}

/// One line, without white space around it.
std::string one_line(std::string_view text) {
  std::string line(text);
  std::replace_if(line.begin(), line.end(), [](char c) { return c == '\n' || c == '\r'; }, ' ');
  const std::size_t first = line.find_first_not_of(' ');
  if (first == std::string::npos) return {};
  return line.substr(first, line.find_last_not_of(' ') - first + 1);
}

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
}

/// SubRip has no way to spell the arrow between two times.
std::string srt_text(std::string_view text) {
  std::string line = one_line(text);
  replace_all(line, "-->", "->");
  return line;
}

std::string vtt_text(std::string_view text) {
  std::string spelled(text);
  replace_all(spelled, "&", "&amp;");
  replace_all(spelled, "<", "&lt;");
  replace_all(spelled, ">", "&gt;");
  return spelled;
}

}  // namespace

std::string to_srt(const std::vector<lmm::Segment>& segments, bool words) {
  std::string out;
  int number = 0;
  const auto add = [&](double begin, double end, std::string_view text) {
    const std::string line = srt_text(text);
    if (line.empty()) return;
    const Span span = span_of(begin, end);
    out += fmt::format("{}\n{} --> {}\n{}\n\n", ++number, clock(span.begin, ','), clock(span.end, ','), line);
  };
  for (const lmm::Segment& segment : segments) {
    if (!words) add(segment.begin, segment.end, segment.text);
    for (const lmm::Word& word : segment.words) {
      if (words) add(word.begin, word.end, word.text);
    }
  }
  return out;
}

std::string to_vtt(const std::vector<lmm::Segment>& segments, bool words) {
  std::string out = "WEBVTT\n\n";
  for (const lmm::Segment& segment : segments) {
    const Span span = span_of(segment.begin, segment.end);
    std::string line = vtt_text(one_line(segment.text));
    if (line.empty()) continue;
    if (words && !segment.words.empty()) {
      line.clear();
      std::int64_t last = span.begin;
      for (const lmm::Word& word : segment.words) {
        const std::int64_t begin = std::llround(word.begin * 1000.0);
        const bool timed = begin > last && begin < span.end;  // times within a cue rise, and lie in it
        const std::string text = vtt_text(line.empty() ? one_line(word.text) : word.text);
        const std::size_t space = text.starts_with(' ') ? 1 : 0;
        line += text.substr(0, space) + (timed ? "<" + clock(begin, '.') + ">" : "") + text.substr(space);
        if (timed) last = begin;
      }
      replace_all(line, "\n", " ");
    }
    out += fmt::format("{} --> {}\n{}\n\n", clock(span.begin, '.'), clock(span.end, '.'), line);
  }
  return out;
}

}  // namespace command
