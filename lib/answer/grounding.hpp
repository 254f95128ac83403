#pragma once

#include <lmm/reply.hpp>

#include <cstddef>
#include <string_view>
#include <vector>

namespace lmm::answer {

/// How models write down where something is.
enum class Format {
  pocket,      ///< `<box> x0 y0 x1 y1</box>`, 0 to 1000 over the picture
  qwen2_vl,    ///< `<|object_ref_start|>label<|object_ref_end|><|box_start|>(x0,y0),(x1,y1)<|box_end|>`, 0 to 1000; one
               ///< pair alone is a point. The label holds for the boxes up to the next label.
  qwen2_5_vl,  ///< JSON objects with "bbox_2d": [x0, y0, x1, y1] or "point_2d": [x, y] and "label", in pixels of the
               ///< picture as the model saw it
  qwen3_vl,    ///< the same, 0 to 1000 over the picture
  doctags,     ///< Granite-Docling's `<tag><loc_x0><loc_y0><loc_x1><loc_y1>`, 0 to 500; the label is the tag
  paligemma,   ///< `<locY0><locX0><locY1><locX1> label`, four digits each, 0 to 1024, entries parted by ";"
};

/// From the grid of a notation to pixels. The model saw the whole picture, stretched to another size.
struct GridToPixels {
  double width = 0;  ///< of the picture given, pixels
  double height = 0;
  double seen_width = 0;  ///< of the picture as the model saw it, pixels; only qwen2_5_vl needs them
  double seen_height = 0;
  std::size_t image = 0;  ///< put into what is found
};

struct Regions {
  std::vector<Box> boxes;
  std::vector<Point> points;
};

/// Boxes and points in a reply, in the order in which they stand. `text` is the reply with its special tokens, which
/// some notations are made of. Corners are put in order and cut to the picture. What is malformed, truncated, not a
/// number or empty after cutting is no box; nothing is thrown (but std::bad_alloc).
Regions find_regions(std::string_view text, Format format, const GridToPixels& to_pixels);

}  // namespace lmm::answer
