// Rotary embeddings on one and on three axes.

#include "lib/core/error.hpp"
#include "lib/nn/rope.hpp"

#include <ATen/ATen.h>
#include <doctest/doctest.h>

#include <string>

using namespace lmm;
using nn::RopeConfig;

namespace {

RopeConfig parse(const std::string& json, const RopeConfig::Defaults& defaults, std::int64_t head_dim = 16) {
  const Json object = parse_json(json, "test");
  return RopeConfig::parse(Fields(object, "config.json"), head_dim, 1000, defaults);
}

const RopeConfig::Defaults kPlain = {};
const RopeConfig::Defaults kContiguous = {1e6, RopeConfig::Sections::contiguous, {2, 3, 3}};
const RopeConfig::Defaults kInterleaved = {5e5, RopeConfig::Sections::interleaved, {4, 2, 2}};

std::string error_of(const std::string& json, const RopeConfig::Defaults& defaults) {
  try {
    parse(json, defaults);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

}  // namespace

TEST_CASE("sections in old and new spellings") {
  using Axes = std::vector<std::int64_t>;
  CHECK(parse("{}", kPlain).axes.empty());
  CHECK(parse("{}", kContiguous).axes == Axes{0, 0, 1, 1, 1, 2, 2, 2});
  CHECK(parse("{}", kContiguous).theta == 1e6);
  CHECK(parse("{}", kInterleaved).axes == Axes{0, 1, 2, 0, 1, 2, 0, 0});
  for (const char* old : {R"({"rope_theta": 5e5, "rope_scaling": {"type": "mrope", "mrope_section": [4, 2, 2]}})",
                          R"({"rope_scaling": {"rope_type": "mrope", "mrope_section": [4, 2, 2], "rope_theta": 5e5}})",
                          R"({"rope_parameters": {"rope_type": "default", "mrope_section": [4, 2, 2], "rope_theta": 5e5}})",
                          R"({"rope_scaling": {}, "rope_parameters": {"mrope_section": [4, 2, 2], "rope_theta": 5e5}})",
                          R"({"rope_theta": 5e5, "rope_scaling": {"rope_type": "mrope", "type": "mrope", "mrope_section": [4, 2, 2]},
                              "rope_parameters": {"mrope_section": [8, 0, 0]}})"}) {
    CAPTURE(old);
    CHECK(parse(old, kContiguous).axes == Axes{0, 0, 0, 0, 1, 1, 2, 2});
    CHECK(parse(old, kContiguous).theta == 5e5);
  }
  // As the reference splits them, more than three sections begin again with the time axis.
  CHECK(parse(R"({"rope_scaling": {"type": "mrope", "mrope_section": [1, 1, 2, 1, 3]}})", kContiguous).axes ==
        Axes{0, 1, 2, 2, 0, 1, 1, 1});
  const RopeConfig yarn = parse(
      R"({"rope_scaling": {"type": "yarn", "factor": 4.0, "original_max_position_embeddings": 250, "mrope_section": [2, 3, 3]}})",
      kContiguous);
  CHECK(yarn.type == RopeConfig::Type::yarn);
  CHECK(yarn.axes.size() == 8);
  CHECK(yarn.original_context == 250);
  for (const char* outside : {R"({"original_max_position_embeddings": 125, "rope_scaling": {"type": "yarn", "original_max_position_embeddings": 250}})",
                              R"({"original_max_position_embeddings": 125, "rope_scaling": {"type": "yarn"}})"}) {
    CHECK(parse(outside, kPlain).original_context == 125);  // Phi-3's place comes first (standardize_rope_params)
  }
}

TEST_CASE("sections that make no sense are refused") {
  CHECK(error_of(R"({"rope_scaling": {"type": "mrope", "mrope_section": [2, 3, 2]}})", kContiguous).find("add up to half of head_dim, 8") !=
        std::string::npos);
  CHECK(error_of(R"({"rope_scaling": {"type": "mrope", "mrope_section": [4, 4]}})", kContiguous).find("three numbers") != std::string::npos);
  CHECK(error_of(R"({"rope_scaling": {"type": "mrope", "mrope_section": [-1, 4, 5]}})", kContiguous).find("from 0 to 8") != std::string::npos);
  CHECK(error_of(R"({"rope_scaling": {"type": "mrope", "mrope_section": [9000000000000000000, 9000000000000000000, 9]}})", kContiguous)
            .find("from 0 to 8") != std::string::npos);
  CHECK(error_of(R"({"rope_scaling": {"type": "mrope", "mrope_section": [2, 3, 3]}})", kPlain).find("mrope_section") != std::string::npos);
  CHECK(error_of(R"({"rope_scaling": {"type": "mrope"}})", kPlain).find("rope_type is \"mrope\"") != std::string::npos);
  CHECK(error_of(R"({"rope_scaling": {"mrope_interleaved": false}})", kInterleaved).find("mrope_interleaved") != std::string::npos);
  CHECK(error_of(R"({"rope_scaling": {"mrope_interleaved": true}})", kContiguous).find("mrope_interleaved") != std::string::npos);
  CHECK(error_of(R"({"partial_rotary_factor": 0.5})", kPlain).find("partial_rotary_factor") != std::string::npos);
}

TEST_CASE("equal axes are plain positions, whichever way the frequencies are shared out") {
  const nn::Placement placement;
  for (const auto& defaults : {kPlain, kContiguous, kInterleaved}) {
    const nn::Rope rope(parse("{}", defaults), placement);
    const nn::RopeTable plain = rope.table(5, 3);
    const std::vector<nn::Position> positions = {{5, 5, 5}, {6, 6, 6}, {7, 7, 7}};
    const nn::RopeTable placed = rope.table(positions);
    CHECK(at::equal(plain.cos, placed.cos));
    CHECK(at::equal(plain.sin, placed.sin));
  }
}

TEST_CASE("each frequency turns by its own axis; a table and the angles of one position agree") {
  const nn::Placement placement;
  const RopeConfig config = parse("{}", kContiguous);
  const nn::Rope rope(config, placement);
  const std::vector<nn::Position> positions = {{3, 40, 500}};
  const nn::RopeTable table = rope.table(positions);
  std::vector<float> cos(8), sin(8);
  rope.angles(positions[0], cos, sin);
  const std::vector<float> inverse = config.inverse_frequencies();
  for (std::size_t i = 0; i < 8; ++i) {
    const float angle = static_cast<float>(positions[0][static_cast<std::size_t>(config.axes[i])]) * inverse[i];
    const auto index = static_cast<std::int64_t>(i);
    for (const std::int64_t half : {std::int64_t{0}, std::int64_t{8}}) {
      CHECK(table.cos[0][index + half].item<float>() == doctest::Approx(std::cos(angle)).epsilon(1e-6));
      CHECK(table.sin[0][index + half].item<float>() == doctest::Approx(std::sin(angle)).epsilon(1e-6));
    }
    CHECK(cos[i] == doctest::Approx(std::cos(angle)).epsilon(1e-6));
    CHECK(sin[i] == doctest::Approx(std::sin(angle)).epsilon(1e-6));
  }
}
