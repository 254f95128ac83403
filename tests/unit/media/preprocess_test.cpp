#include "lib/models/idefics3/preprocess.hpp"

#include "lib/core/error.hpp"

#include <doctest/doctest.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>

namespace lmm::models::idefics3 {
namespace {

ImageProcessorConfig parsed(const char* json) {
  return ImageProcessorConfig::parse(parse_json(json, "test"), "preprocessor_config.json");
}

Error refusal(const char* json) {
  try {
    parsed(json);
  } catch (const Error& error) {
    return error;
  }
  return Error(ErrorCode::internal, "no error");
}

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

media::Picture flat(std::int64_t width, std::int64_t height, std::uint8_t value) {
  media::Picture picture = media::make_picture(width, height, "test");
  std::memset(picture.rgb.get(), value, picture.bytes());
  return picture;
}

/// A checkpoint folder of this test's own, gone with it.
class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "lmm-preprocess-XXXXXX").string();
    REQUIRE(mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  void write(const char* name, const char* text) const { std::ofstream(path_ / name) << text; }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace

TEST_CASE("an empty object gives the reference's defaults") {
  const ImageProcessorConfig config = parsed("{}");
  CHECK(config.longest_edge == 4 * 364);
  CHECK(config.tile == 364);
  CHECK(config.resample == media::Resample::lanczos);
  CHECK(config.do_image_splitting);
  CHECK(config.image_seq_len == 169);
  CHECK(config.scale.rescale_factor == 1 / 255.0);
}

TEST_CASE("sizes in all their spellings") {
  CHECK(parsed(R"({"size": {"longest_edge": 2048}})").longest_edge == 2048);
  CHECK(parsed(R"({"size": {"longest_edge": 70, "shortest_edge": 5}})").longest_edge == 70);
  const ImageProcessorConfig fixed = parsed(R"({"size": {"height": 30, "width": 40}})");
  CHECK(fixed.longest_edge == 0);
  CHECK(fixed.height == 30);
  CHECK(fixed.width == 40);
  CHECK(parsed(R"({"size": 224})").width == 224);
  CHECK(parsed(R"({"size": [30, 40]})").width == 40);
}

TEST_CASE("fields and values that are not implemented are refused by name") {
  const auto check = [](const char* json, ErrorCode code, const char* part) {
    const Error error = refusal(json);
    CAPTURE(std::string(error.what()));
    CHECK(error.code() == code);
    CHECK(contains(error.what(), part));
    CHECK(contains(error.what(), "preprocessor_config.json"));
  };
  check(R"({"do_magic": true})", ErrorCode::unsupported, "do_magic is not a field");
  check(R"({"image_processor_type": "CLIPImageProcessor"})", ErrorCode::unsupported, "CLIPImageProcessor");
  check(R"({"size": {"shortest_edge": 5}})", ErrorCode::unsupported, "size is");
  check(R"({"size": {"height": 5}})", ErrorCode::unsupported, "size is");
  check(R"({"size": {"longest_edge": 0}})", ErrorCode::bad_file, "longest_edge is 0");
  check(R"({"size": {"longest_edge": 99999}})", ErrorCode::bad_file, "longest_edge is 99999");
  check(R"({"size": [1, 2, 3]})", ErrorCode::bad_file, "size is [1,2,3]");
  check(R"({"size": 5, "default_to_square": false})", ErrorCode::unsupported, "default_to_square");
  check(R"({"size": "large"})", ErrorCode::bad_file, "size is \"large\"");
  check(R"({"max_image_size": {"height": 5}})", ErrorCode::bad_file, "longest_edge is missing");
  check(R"({"max_image_size": {"longest_edge": -1}})", ErrorCode::bad_file, "longest_edge is -1");
  check(R"({"resample": 8})", ErrorCode::bad_file, "resample is 8");
  check(R"({"resample": "lanczos"})", ErrorCode::bad_file, "resample is \"lanczos\"");
  check(R"({"resample": null})", ErrorCode::bad_file, "resample is null");
  check(R"({"image_mean": [0.5, 0.5]})", ErrorCode::bad_file, "image_mean is [0.5,0.5]");
  check(R"({"image_mean": null})", ErrorCode::bad_file, "image_mean is null");
  check(R"({"rescale_factor": "1/255"})", ErrorCode::bad_file, "rescale_factor");
  check(R"({"do_resize": 1})", ErrorCode::bad_file, "do_resize is 1");
}

TEST_CASE("nulls turn flags off, and what they need may be null then") {
  const ImageProcessorConfig config =
      parsed(R"({"do_normalize": null, "image_mean": null, "do_rescale": null, "rescale_factor": null, "a": null})");
  CHECK_FALSE(config.scale.do_normalize);
  CHECK_FALSE(config.scale.do_rescale);
}

TEST_CASE("the checkpoint folder: which file counts") {
  const Folder folder;
  const auto load = [&] { return ImageProcessorConfig::load(folder.path()); };
  CHECK_THROWS_AS(load(), Error);
  folder.write("preprocessor_config.json", R"({"max_image_size": {"longest_edge": 48}})");
  CHECK(load().tile == 48);
  CHECK(load().image_seq_len == 169);
  folder.write("processor_config.json", R"({"image_seq_len": 64, "image_processor": null})");
  CHECK(load().tile == 48);
  CHECK(load().image_seq_len == 64);
  folder.write("processor_config.json", R"({"image_seq_len": 64, "image_processor": {"do_pad": true}})");
  CHECK(load().tile == 364);
  folder.write("processor_config.json", R"({"image_seq_len": 0})");
  CHECK_THROWS_AS(load(), Error);
  folder.write("processor_config.json", R"({"image_seq_len": 64,)");
  CHECK_THROWS_AS(load(), Error);
}

TEST_CASE("the grid of many sizes") {
  ImageProcessorConfig config = parsed(R"({"size": {"longest_edge": 2048}, "max_image_size": {"longest_edge": 512}})");
  const auto grid = [&](std::int64_t width, std::int64_t height) {
    const TileGrid found = tile_grid(width, height, config);
    return std::pair{found.rows, found.cols};
  };
  CHECK(grid(6000, 4000) == std::pair<std::int64_t, std::int64_t>{3, 4});
  CHECK(grid(100, 100) == std::pair<std::int64_t, std::int64_t>{4, 4});
  CHECK(grid(4000, 1) == std::pair<std::int64_t, std::int64_t>{1, 4});
  CHECK(grid(1, 4000) == std::pair<std::int64_t, std::int64_t>{4, 1});
  config.longest_edge = 512;
  CHECK(grid(640, 480) == std::pair<std::int64_t, std::int64_t>{0, 0});
  config.do_image_splitting = false;
  CHECK(grid(9000, 9000) == std::pair<std::int64_t, std::int64_t>{0, 0});
  config.do_image_splitting = true;
  config.do_resize = false;
  CHECK_THROWS_AS(grid(178'956'970, 1), Error);  // would become 512 rows of tiles
}

TEST_CASE("pixel values: tiles, then the whole picture") {
  ImageProcessorConfig config = parsed(R"({"size": {"longest_edge": 8}, "max_image_size": {"longest_edge": 4}})");
  media::Picture picture = flat(8, 4, 255);
  for (std::int64_t y = 0; y < 4; ++y) std::memset(picture.row(y) + 12, 0, 12);  // the right half is black
  const ImageTiles tiles = preprocess(picture, config);
  CHECK(tiles.tiles == 3);
  CHECK(tiles.rows == 1);
  CHECK(tiles.cols == 2);
  REQUIRE(tiles.pixel_values.size() == 3 * 3 * 4 * 4);
  CHECK(tiles.pixel_values[0] == 1.0f);
  CHECK(tiles.pixel_values[47] == 1.0f);
  CHECK(tiles.pixel_values[48] == -1.0f);
  CHECK(tiles.pixel_values[95] == -1.0f);
  CHECK(tiles.pixel_values[96] > 0.9f);
  CHECK(tiles.pixel_values[96 + 3] < -0.9f);
}

TEST_CASE("a transparent colour turns white where do_convert_rgb is set") {
  ImageProcessorConfig config = parsed(R"({"size": {"longest_edge": 4}, "max_image_size": {"longest_edge": 4}})");
  media::Picture picture = flat(4, 4, 9);
  picture.transparent = {9, 9, 9};
  CHECK(preprocess(picture, config).pixel_values[0] == 1.0f);
  config.do_convert_rgb = false;
  CHECK(preprocess(picture, config).pixel_values[0] < -0.9f);
  CHECK(picture.rgb[0] == 9);
}

TEST_CASE("the text of a picture") {
  CHECK(image_prompt(0, 0, 2) == "<fake_token_around_image><global-img><image><image><fake_token_around_image>");
  CHECK(image_prompt(1, 2, 1, {"F", "I", "G"}) == "F<row_1_col_1>IF<row_1_col_2>I\n\nFGIF");
  CHECK(image_prompt(2, 1, 1, {"F", "I", "G"}) == "F<row_1_col_1>I\nF<row_2_col_1>I\n\nFGIF");
}

}  // namespace lmm::models::idefics3
