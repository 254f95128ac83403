#include "lib/answer/grounding.hpp"

#include "lib/core/json.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <span>
#include <string>
#include <system_error>
#include <utility>

namespace lmm::answer {
namespace {

/// Reads a text from left to right; what does not match leaves the place as it is.
struct Cursor {
  std::string_view text;
  std::size_t at = 0;

  std::string_view rest() const { return text.substr(at); }

  bool literal(std::string_view expected) {
    if (!rest().starts_with(expected)) return false;
    at += expected.size();
    return true;
  }

  void blanks() { at = std::min(text.find_first_not_of(" \t\r\n", at), text.size()); }

  bool number(double& value) {
    blanks();
    const char* end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data() + at, end, value);
    if (error != std::errc() || !std::isfinite(value)) return false;
    at = static_cast<std::size_t>(stop - text.data());
    return true;
  }

  /// Goes behind the next `mark`; false and at the end where there is none.
  bool skip_to(std::string_view mark) {
    const std::size_t found = text.find(mark, at);
    at = found == std::string_view::npos ? text.size() : found + mark.size();
    return found != std::string_view::npos;
  }
};

using Corners = std::array<double, 4>;  // x0, y0, x1, y1 on the grid

/// Collects what is found, in pixels.
class Collector {
 public:
  Collector(const GridToPixels& to_pixels, double grid_width, double grid_height)
      : to_(to_pixels), grid_width_(grid_width), grid_height_(grid_height) {}

  void box(const Corners& corners, std::string_view label) {
    Box box{x(corners[0]), y(corners[1]), x(corners[2]), y(corners[3]), std::string(label), to_.image};
    if (box.x0 > box.x1) std::swap(box.x0, box.x1);
    if (box.y0 > box.y1) std::swap(box.y0, box.y1);
    if (box.x0 < box.x1 && box.y0 < box.y1) regions.boxes.push_back(std::move(box));
  }

  void point(double grid_x, double grid_y, std::string_view label) {
    if (!(grid_width_ > 0 && grid_height_ > 0)) return;
    regions.points.push_back({x(grid_x), y(grid_y), std::string(label), to_.image});
  }

  Regions regions;

 private:
  static double scaled(double value, double grid, double pixels) {
    return grid > 0 ? std::clamp(value / grid * pixels, 0.0, std::max(pixels, 0.0)) : 0;
  }
  double x(double value) const { return scaled(value, grid_width_, to_.width); }
  double y(double value) const { return scaled(value, grid_height_, to_.height); }

  const GridToPixels& to_;
  double grid_width_;
  double grid_height_;
};

void find_pocket(std::string_view text, Collector& out) {
  Cursor cursor{text};
  while (cursor.skip_to("<box>")) {
    Corners corners;
    if (!std::all_of(corners.begin(), corners.end(), [&](double& value) { return cursor.number(value); })) continue;
    cursor.blanks();
    if (cursor.literal("</box>")) out.box(corners, "");
  }
}

/// "(x,y)", blanks allowed.
bool pair(Cursor& cursor, double& x, double& y) {
  cursor.blanks();
  if (!cursor.literal("(") || !cursor.number(x)) return false;
  cursor.blanks();
  if (!cursor.literal(",") || !cursor.number(y)) return false;
  cursor.blanks();
  return cursor.literal(")");
}

void find_qwen2(std::string_view text, Collector& out) {
  constexpr std::string_view kRef = "<|object_ref_start|>";
  constexpr std::string_view kRefEnd = "<|object_ref_end|>";
  constexpr std::string_view kBox = "<|box_start|>";
  Cursor cursor{text};
  std::string_view label;
  while (cursor.skip_to("<|")) {
    cursor.at -= 2;
    if (cursor.literal(kRef)) {
      const std::size_t begin = cursor.at;
      label = cursor.skip_to(kRefEnd) ? text.substr(begin, cursor.at - kRefEnd.size() - begin) : std::string_view{};
    } else if (cursor.literal(kBox)) {
      Corners corners;
      if (!pair(cursor, corners[0], corners[1])) continue;
      cursor.blanks();
      const bool is_box = cursor.literal(",");
      if (is_box && !pair(cursor, corners[2], corners[3])) continue;
      cursor.blanks();
      if (!cursor.literal("<|box_end|>")) continue;
      is_box ? out.box(corners, label) : out.point(corners[0], corners[1], label);
    } else {
      cursor.at += 2;
    }
  }
}

bool numbers(const Json& json, std::string_view name, std::span<double> values) {
  const auto it = json.find(std::string(name));
  if (it == json.end() || !it->is_array() || it->size() != values.size()) return false;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (!(*it)[i].is_number()) return false;
    values[i] = (*it)[i].get<double>();
  }
  return true;
}

void take_json(std::string_view object, Collector& out) {
  const Json json = Json::parse(object.begin(), object.end(), nullptr, false);
  if (!json.is_object()) return;
  std::string label;
  if (const auto it = json.find("label"); it != json.end() && it->is_string()) label = it->get<std::string>();
  Corners corners;
  std::array<double, 2> point;
  if (numbers(json, "bbox_2d", corners)) out.box(corners, label);
  if (numbers(json, "point_2d", point)) out.point(point[0], point[1], label);
}

/// Takes the innermost JSON objects, each for itself: a list that was cut off by the token limit, or prose around it,
/// costs no more than the object that is incomplete.
void find_json(std::string_view text, Collector& out) {
  constexpr std::size_t kOutside = std::string_view::npos;
  std::size_t begin = kOutside;  // of the innermost object that is open and has no other in it
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (begin != kOutside && in_string) {
      if (text[i] == '\\')
        ++i;
      else if (text[i] == '"')
        in_string = false;
    } else if (text[i] == '{') {
      begin = i;
      in_string = false;
    } else if (begin != kOutside && text[i] == '"') {
      in_string = true;
    } else if (begin != kOutside && text[i] == '}') {
      take_json(text.substr(begin, i + 1 - begin), out);
      begin = kOutside;
    }
  }
}

/// "<loc_12>" or "<loc0012>".
bool location(Cursor& cursor, std::string_view open, double& value) {
  Cursor ahead = cursor;
  unsigned digits = 0;
  if (!ahead.literal(open)) return false;
  const std::string_view rest = ahead.rest();
  const auto [stop, error] = std::from_chars(rest.data(), rest.data() + rest.size(), digits);
  if (error != std::errc()) return false;
  ahead.at += static_cast<std::size_t>(stop - rest.data());
  if (!ahead.literal(">")) return false;
  cursor = ahead;
  value = digits;
  return true;
}

bool locations(Cursor& cursor, std::string_view open, Corners& corners) {
  return std::all_of(corners.begin(), corners.end(), [&](double& value) { return location(cursor, open, value); });
}

/// The name of the tag that ends at `end`, empty where none does or where it closes.
std::string_view tag_before(std::string_view text, std::size_t end) {
  if (end == 0 || text[end - 1] != '>') return {};
  const std::size_t begin = text.rfind('<', end - 1);
  if (begin == std::string_view::npos || text[begin + 1] == '/') return {};
  return text.substr(begin + 1, end - 1 - (begin + 1));
}

void find_doctags(std::string_view text, Collector& out) {
  constexpr std::string_view kOpen = "<loc_";
  Cursor cursor{text};
  while (cursor.skip_to(kOpen)) {
    cursor.at -= kOpen.size();
    const std::string_view label = tag_before(text, cursor.at);
    Corners corners;
    if (locations(cursor, kOpen, corners)) {
      out.box(corners, label);
    } else {
      cursor.literal(kOpen);  // one that is malformed; a number of good ones before it are passed already
    }
  }
}

void find_paligemma(std::string_view text, Collector& out) {
  Cursor cursor{text};
  constexpr std::string_view kOpen = "<loc";
  while (cursor.skip_to(kOpen)) {
    cursor.at -= kOpen.size();
    Corners corners;
    if (!locations(cursor, kOpen, corners)) {
      cursor.literal(kOpen);
      continue;
    }
    std::string_view label = cursor.rest().substr(0, cursor.rest().find_first_of(";<"));
    while (label.starts_with(' ')) label.remove_prefix(1);
    while (label.ends_with(' ') || label.ends_with('\n')) label.remove_suffix(1);
    out.box({corners[1], corners[0], corners[3], corners[2]}, label);
  }
}

}  // namespace

Regions find_regions(std::string_view text, Format format, const GridToPixels& to_pixels) {
  const auto collect = [&](auto find, double grid_width, double grid_height) {
    Collector out(to_pixels, grid_width, grid_height);
    find(text, out);
    return std::move(out.regions);
  };
  switch (format) {
    case Format::pocket:
      return collect(find_pocket, 1000, 1000);
    case Format::qwen2_vl:
      return collect(find_qwen2, 1000, 1000);
    case Format::qwen2_5_vl:
      return collect(find_json, to_pixels.seen_width, to_pixels.seen_height);
    case Format::qwen3_vl:
      return collect(find_json, 1000, 1000);
    case Format::doctags:
      return collect(find_doctags, 500, 500);
    case Format::paligemma:
      return collect(find_paligemma, 1024, 1024);
  }
  return {};
}

}  // namespace lmm::answer
