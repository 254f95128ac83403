#include "lib/answer/grounding.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <limits>
#include <string>

using lmm::Box;
using lmm::answer::find_regions;
using lmm::answer::Format;
using lmm::answer::GridToPixels;
using lmm::answer::Regions;

namespace {

const GridToPixels kPicture{800, 400, 560, 280, 3};

void check_box(const Box& box, double x0, double y0, double x1, double y1, const std::string& label = "") {
  CHECK(box.x0 == doctest::Approx(x0));
  CHECK(box.y0 == doctest::Approx(y0));
  CHECK(box.x1 == doctest::Approx(x1));
  CHECK(box.y1 == doctest::Approx(y1));
  CHECK(box.label == label);
  CHECK(box.image == 3);
}

std::size_t boxes(const std::string& text, Format format) {
  const Regions found = find_regions(text, format, kPicture);
  return found.boxes.size() + found.points.size();
}

}  // namespace

TEST_CASE("pocket") {
  // The recipe writes round(edge / 160 * 50) * 20 for edges of a 160 x 160 picture (x, y, x + w, y + h).
  const Regions found = find_regions("<box> 20 360 360 720</box>", Format::pocket, kPicture);
  REQUIRE(found.boxes.size() == 1);
  check_box(found.boxes[0], 16, 144, 288, 288);
  check_box(find_regions("it is here:<box> 0 0 1000 1000</box>.", Format::pocket, kPicture).boxes.at(0), 0, 0, 800,
            400);
  CHECK(boxes("<box> 20 360 360 720</box><box> 1 2 3 4</box>", Format::pocket) == 2);
  CHECK(boxes("<box> 1 2 3 <box> 1 2 3 4</box>", Format::pocket) == 1);
  for (const char* malformed : {"", "a fish", "<box>", "<box> 20 360 360", "<box> 20 360 360 720",
                                "<box> 20 360 720</box>", "<box> 20 360 360 720 5</box>", "<box> a b c d</box>",
                                "<box> nan 0 inf 9</box>", "<box> 1e999 0 5 9</box>", "<box> 50 50 50 90</box>"}) {
    CHECK_MESSAGE(boxes(malformed, Format::pocket) == 0, malformed);
  }
}

TEST_CASE("corners are put in order and cut to the picture") {
  check_box(find_regions("<box> 500 750 250 250</box>", Format::pocket, kPicture).boxes.at(0), 200, 100, 400, 300);
  check_box(find_regions("<box> -50 -1 1200 1001</box>", Format::pocket, kPicture).boxes.at(0), 0, 0, 800, 400);
  CHECK(boxes("<box> 1100 0 1200 500</box>", Format::pocket) == 0);
  CHECK(find_regions("<box> 1 2 3 4</box>", Format::pocket, GridToPixels{}).boxes.empty());
}

TEST_CASE("qwen2_vl") {
  const Regions found = find_regions(
      "See <|object_ref_start|>the dog<|object_ref_end|><|box_start|>(100,200),(300,400)<|box_end|> and "
      "<|box_start|>(0, 0), (500, "
      "500)<|box_end|><|object_ref_start|>eye<|object_ref_end|><|box_start|>(10,20)<|box_end|>",
      Format::qwen2_vl, kPicture);
  REQUIRE(found.boxes.size() == 2);
  check_box(found.boxes[0], 80, 80, 240, 160, "the dog");
  check_box(found.boxes[1], 0, 0, 400, 200, "the dog");
  REQUIRE(found.points.size() == 1);
  CHECK(found.points[0].x == doctest::Approx(8));
  CHECK(found.points[0].y == doctest::Approx(8));
  CHECK(found.points[0].label == "eye");
  CHECK(found.points[0].image == 3);
  for (const char* malformed : {"<|", "<|box_start|>", "<|box_start|>(1,2),(3,4)", "<|box_start|>(1,2),(3,4<|box_end|>",
                                "<|box_start|>(1,2)(3,4)<|box_end|>", "<|box_start|>1,2,3,4<|box_end|>",
                                "<|object_ref_start|>dog", "<|box_start|>(1,2),<|box_end|>"}) {
    CHECK_MESSAGE(boxes(malformed, Format::qwen2_vl) == 0, malformed);
  }
  CHECK(find_regions("<|object_ref_start|>dog<|box_start|>(1,2),(3,4)<|box_end|>", Format::qwen2_vl, kPicture)
            .boxes.empty());
}

TEST_CASE("qwen2_5_vl counts pixels of the picture as seen, qwen3_vl thousandths") {
  const std::string text =
      "Here:\n```json\n[\n\t{\"bbox_2d\": [56, 28, 280, 140], \"label\": \"a } \\\" é\"},\n"
      "\t{\"point_2d\": [140, 70.5], \"label\": \"tip\"}\n]\n```";
  const Regions found = find_regions(text, Format::qwen2_5_vl, kPicture);
  REQUIRE(found.boxes.size() == 1);
  check_box(found.boxes[0], 80, 40, 400, 200, "a } \" é");
  REQUIRE(found.points.size() == 1);
  CHECK(found.points[0].x == doctest::Approx(200));
  CHECK(found.points[0].y == doctest::Approx(100.714).epsilon(1e-5));
  check_box(find_regions("{\"bbox_2d\": [100, 200, 300, 400]}", Format::qwen3_vl, kPicture).boxes.at(0), 80, 80, 240,
            160);
  CHECK(find_regions(text, Format::qwen2_5_vl, GridToPixels{800, 400, 0, 0, 0}).boxes.empty());
  CHECK(find_regions(text, Format::qwen2_5_vl, GridToPixels{800, 400, 0, 0, 0}).points.empty());
}

TEST_CASE("JSON in prose, nested, or cut off") {
  CHECK(boxes("a 5\" screen {\"bbox_2d\": [1, 2, 3, 4]}", Format::qwen2_5_vl) == 1);
  CHECK(boxes("{\"objects\": [{\"bbox_2d\": [1, 2, 3, 4]}, {\"bbox_2d\": [5, 6, 7, 8]}, {\"bbox_2d\": [9, 1",
              Format::qwen2_5_vl) == 2);
  for (const char* malformed : {"{", "}", "{}", "{\"bbox_2d\": [1, 2, 3]}", "{\"bbox_2d\": [1, 2, 3, \"4\"]}",
                                "{\"bbox_2d\": \"1 2 3 4\"}", "{\"bbox_2d\": {\"x\": 1}}", "{'bbox_2d': [1, 2, 3, 4]}",
                                "{\"bbox_2d\": [1, 2, 3, 4]", "{\"bbox_2d\": [1, 2, 3, 1e999]}", "{\"label\": \"\\"}) {
    CHECK_MESSAGE(boxes(malformed, Format::qwen2_5_vl) == 0, malformed);
  }
  CHECK(boxes(std::string(200000, '{'), Format::qwen2_5_vl) == 0);
  CHECK(boxes("{" + std::string(200000, '['), Format::qwen2_5_vl) == 0);
  CHECK(boxes("{\"a\": " + std::string(200000, '[') + std::string(200000, ']') + "}", Format::qwen2_5_vl) == 0);
}

TEST_CASE("doctags") {
  const Regions found = find_regions(
      "<doctag><section_header_level_1><loc_50><loc_100><loc_250><loc_125>Title</section_header_level_1>"
      "<text><loc_0><loc_0><loc_500><loc_500>All</text>\n<loc_1><loc_2><loc_3><loc_4></doctag>",
      Format::doctags, kPicture);
  REQUIRE(found.boxes.size() == 3);
  check_box(found.boxes[0], 80, 80, 400, 100, "section_header_level_1");
  check_box(found.boxes[1], 0, 0, 800, 400, "text");
  check_box(found.boxes[2], 1.6, 1.6, 4.8, 3.2, "");
  CHECK(boxes("<loc_1><loc_2><loc_3>", Format::doctags) == 0);
  CHECK(boxes("<text><loc_1><loc_2><text><loc_3><loc_4><loc_5><loc_6>", Format::doctags) == 1);
  CHECK(boxes("<loc_><loc_-2><loc_3><loc_4><loc_99999999999999><loc_", Format::doctags) == 0);
  CHECK(find_regions("></text><loc_1><loc_2><loc_3><loc_4>", Format::doctags, kPicture).boxes.at(0).label == "");
}

TEST_CASE("paligemma") {
  const Regions found =
      find_regions("<loc0256><loc0128><loc0512><loc0640> cat ; <loc0000><loc0000><loc1024><loc1024> red car",
                   Format::paligemma, kPicture);
  REQUIRE(found.boxes.size() == 2);
  check_box(found.boxes[0], 100, 100, 500, 200, "cat");
  check_box(found.boxes[1], 0, 0, 800, 400, "red car");
  CHECK(boxes("<loc0256><loc0128><loc0512> cat", Format::paligemma) == 0);
}

TEST_CASE("random pieces of every notation never throw and never leave the picture") {
  const char* pieces[] = {"<box>",
                          "</box>",
                          " 12",
                          " 999",
                          "-5",
                          "<|box_start|>",
                          "<|box_end|>",
                          "(",
                          ")",
                          ",",
                          "{",
                          "}",
                          "[",
                          "]",
                          "\"bbox_2d\"",
                          ":",
                          "\"",
                          "\\",
                          "<loc_",
                          "<loc_40>",
                          "<loc0400>",
                          ">",
                          "<text>",
                          "</text>",
                          "é",
                          "\xff",
                          "<|object_ref_start|>",
                          "<|object_ref_end|>",
                          ";",
                          "1e300",
                          "nan",
                          "<box> 7 8",
                          " 300 400</box>",
                          "{\"bbox_2d\":[1,2",
                          ",30,40]}",
                          "<|box_start|>(1,2)",
                          ",(900,800)<|box_end|>",
                          "<loc_1><loc_2>",
                          "<loc0001><loc0002>"};
  std::uint64_t state = 1;
  std::size_t found_any[6] = {};
  for (int round = 0; round < 20000; ++round) {
    std::string text;
    for (int i = 0; i < 25; ++i) {
      state = state * 6364136223846793005u + 1442695040888963407u;
      text += pieces[(state >> 33) % std::size(pieces)];
    }
    for (const Format format :
         {Format::pocket, Format::qwen2_vl, Format::qwen2_5_vl, Format::qwen3_vl, Format::doctags, Format::paligemma}) {
      for (const Box& box : find_regions(text, format, kPicture).boxes) {
        ++found_any[static_cast<std::size_t>(format)];
        CHECK((box.x0 >= 0 && box.x0 < box.x1 && box.x1 <= 800 && box.y0 >= 0 && box.y0 < box.y1 && box.y1 <= 400));
      }
    }
  }
  for (const std::size_t found : found_any) CHECK(found > 0);
}
