// Orders and grids of the Qwen VL towers and their image processor, against what they mean.

#include "lib/core/error.hpp"
#include "lib/models/qwen2_vl/config.hpp"
#include "lib/models/qwen2_vl/preprocess.hpp"
#include "lib/models/qwen3_vl/config.hpp"
#include "lib/towers/vision/qwen2_5_vl.hpp"
#include "lib/towers/vision/qwen2_vl.hpp"
#include "lib/towers/vision/qwen3_vl.hpp"

#include <ATen/ATen.h>
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

using namespace lmm;
using towers::VisionGrid;

namespace {

std::vector<std::int64_t> numbers(const at::Tensor& tensor) {
  const at::Tensor flat = tensor.contiguous();
  return {flat.const_data_ptr<std::int64_t>(), flat.const_data_ptr<std::int64_t>() + flat.numel()};
}

/// Row and column of every patch, picture after picture, in the order in which patches come.
std::vector<std::array<std::int64_t, 3>> places(std::span<const VisionGrid> grids, std::int64_t merge) {
  std::vector<std::array<std::int64_t, 3>> out;
  for (std::size_t picture = 0; picture < grids.size(); ++picture) {
    const std::vector<std::int64_t> flat = numbers(towers::patch_places(grids.subspan(picture, 1), merge));
    for (std::size_t i = 0; i < flat.size(); i += 2) {
      out.push_back({static_cast<std::int64_t>(picture), flat[i], flat[i + 1]});
    }
  }
  return out;
}

const std::vector<std::vector<VisionGrid>> kGrids = {
    {{2, 2}}, {{2, 40}}, {{40, 2}}, {{8, 12}}, {{16, 16}}, {{18, 22}, {2, 2}, {8, 8}, {10, 6}},
};

std::string refusal(const char* json, auto parse) {
  const Json object = parse_json(json, "test");
  try {
    parse(Fields(object, "config.json"));
  } catch (const Error& error) {
    return error.what();
  }
  return "taken";
}

}  // namespace

TEST_CASE("patches come merge block by merge block") {
  const std::vector<VisionGrid> grid = {{4, 6}};
  const auto order = places(grid, 2);
  REQUIRE(order.size() == 24);
  CHECK(order[0] == std::array<std::int64_t, 3>{0, 0, 0});
  CHECK(order[1] == std::array<std::int64_t, 3>{0, 0, 1});
  CHECK(order[2] == std::array<std::int64_t, 3>{0, 1, 0});
  CHECK(order[3] == std::array<std::int64_t, 3>{0, 1, 1});
  CHECK(order[4] == std::array<std::int64_t, 3>{0, 0, 2});
  CHECK(order[12] == std::array<std::int64_t, 3>{0, 2, 0});
  CHECK(order[23] == std::array<std::int64_t, 3>{0, 3, 5});
}

TEST_CASE("windows hold exactly the patches that lie in them") {
  constexpr std::int64_t kMerge = 2;
  for (const auto& grids : kGrids) {
    for (const std::int64_t side : {1, 2, 3, 4, 50}) {
      const auto all = places(grids, kMerge);
      const towers::WindowOrder order = towers::window_order(grids, kMerge, side);
      const std::vector<std::int64_t> patches = numbers(order.patches);
      REQUIRE(patches.size() == all.size());
      CHECK(std::set<std::int64_t>(patches.begin(), patches.end()).size() == all.size());

      std::set<std::array<std::int64_t, 3>> windows;
      std::int64_t next = 0;
      for (const towers::Stretches& part : order.windows) {
        CHECK(part.first == next);
        for (std::int64_t i = 0; i < part.count; ++i) {
          std::set<std::array<std::int64_t, 3>> within;
          for (std::int64_t k = 0; k < part.length; ++k, ++next) {
            const auto& [picture, row, column] = all[static_cast<std::size_t>(patches[static_cast<std::size_t>(next)])];
            within.insert({picture, row / (kMerge * side), column / (kMerge * side)});
          }
          REQUIRE(within.size() == 1);
          CHECK(windows.insert(*within.begin()).second);
        }
      }
      CHECK(next == static_cast<std::int64_t>(all.size()));
    }
  }
}

TEST_CASE("what windows reorder comes back, and observers see windows row by row") {
  for (const auto& grids : kGrids) {
    const towers::WindowOrder order = towers::window_order(grids, 2, 3);
    const at::Tensor x = at::arange(order.patches.numel(), at::kLong);
    const at::Tensor blocks = x.index_select(0, order.patches).view({-1, 4}).select(1, 0).floor_divide(4);
    CHECK(at::equal(blocks.index_select(0, order.blocks_back), at::arange(blocks.numel(), at::kLong)));

    const std::vector<std::int64_t> shown = numbers(x.index_select(0, order.patches).index_select(0, order.taps));
    const auto all = places(grids, 2);
    std::array<std::int64_t, 5> last = {-1, 0, 0, 0, 0};
    for (const std::int64_t patch : shown) {
      const auto& [picture, row, column] = all[static_cast<std::size_t>(patch)];
      const std::array<std::int64_t, 5> key = {picture, row / 6, column / 6, row / 2, column / 2};
      CHECK(key >= last);
      last = key;
    }
  }
}

TEST_CASE("learned positions are interpolated from corner to corner") {
  const std::vector<VisionGrid> grids = {{4, 6}, {10, 2}, {6, 6}};
  const towers::Interpolation around = towers::interpolate_positions(grids, 2, 6);
  CHECK(at::allclose(around.weights.sum(1), at::ones({24 + 20 + 36})));
  const at::Tensor rows = around.indices.floor_divide(6).to(at::kFloat).mul(around.weights).sum(1);
  const at::Tensor columns = around.indices.remainder(6).to(at::kFloat).mul(around.weights).sum(1);
  const auto all = places(grids, 2);
  for (std::size_t i = 0; i < all.size(); ++i) {
    const auto& [picture, row, column] = all[i];
    const VisionGrid& grid = grids[static_cast<std::size_t>(picture)];
    const auto n = static_cast<std::int64_t>(i);
    CHECK(rows[n].item<float>() == doctest::Approx(5.0 * static_cast<double>(row) / static_cast<double>(grid.rows - 1)));
    CHECK(columns[n].item<float>() ==
          doctest::Approx(5.0 * static_cast<double>(column) / static_cast<double>(grid.columns - 1)));
  }
  const towers::Interpolation single = towers::interpolate_positions(grids, 2, 1);
  CHECK(single.indices.max().item<std::int64_t>() == 0);
}

TEST_CASE("rotary angles of rows and columns") {
  const std::vector<VisionGrid> grids = {{4, 4}};
  const towers::AxialTable table = towers::axial_table(towers::patch_places(grids, 2), 8, 100.0, at::kCPU);
  REQUIRE(table.cos.numel() == 16 * 4);
  const auto all = places(grids, 2);
  for (std::int64_t i = 0; i < 16; ++i) {
    const auto& place = all[static_cast<std::size_t>(i)];
    const double angles[] = {static_cast<double>(place[1]), static_cast<double>(place[1]) / 10.0,
                             static_cast<double>(place[2]), static_cast<double>(place[2]) / 10.0};
    for (std::int64_t k = 0; k < 4; ++k) {
      CHECK(table.cos.flatten()[i * 4 + k].item<float>() == doctest::Approx(std::cos(angles[k])));
      CHECK(table.sin.flatten()[i * 4 + k].item<float>() == doctest::Approx(std::sin(angles[k])));
    }
  }
}

TEST_CASE("configs of towers: defaults, other names, what is refused") {
  const Json empty = Json::object();
  const towers::QwenVisionConfig two = towers::Qwen2VlTower::parse(Fields(empty, "v"));
  CHECK(two.hidden_size == 1280);
  CHECK(two.intermediate_size == 5120);
  CHECK(two.out_hidden_size == 3584);
  CHECK(two.layers == 32);
  CHECK(two.head_dim() == 80);
  CHECK(two.activation == "quick_gelu");
  const Json sizes = parse_json(R"({"hidden_size": 160, "num_attention_heads": 4, "num_hidden_layers": 5,
                                    "patch_size": [14, 14], "rope_theta": 7.0})", "test");
  const auto windowed = towers::Qwen25VisionConfig::parse(Fields(sizes, "v"));
  CHECK(windowed.layers == 5);
  CHECK(windowed.heads == 4);
  CHECK(windowed.patch_size == 14);
  CHECK(windowed.rope_theta == 7.0);
  CHECK(windowed.window_side() == 4);
  const auto three = towers::Qwen3VisionConfig::parse(Fields(empty, "v"));
  CHECK(three.position_side == 48);
  CHECK(three.layers == 27);
  CHECK(three.deep_stack == std::vector<std::int64_t>{8, 16, 24});

  const auto parse = [](const Fields& fields) { towers::Qwen25VisionConfig::parse(fields); };
  CHECK(refusal(R"({"window_size": 27})", parse).find("window_size is 27, expected at least 28") != std::string::npos);
  CHECK(refusal(R"({"num_heads": 3})", parse).find("3 heads share a size of 3584") != std::string::npos);
  CHECK(refusal(R"({"patch_size": [14, 16]})", parse).find("patch_size") != std::string::npos);
  CHECK(refusal(R"({"in_channels": 1})", parse).find("in_channels is 1") != std::string::npos);
  CHECK(refusal(R"({"hidden_act": "elu"})", parse).find("elu") != std::string::npos);
  CHECK(refusal(R"({"hidden_size": -4})", parse).find("hidden_size is -4") != std::string::npos);
  CHECK(refusal(R"({"rope_parameters": {"rope_type": "yarn"}})", parse).find("yarn") != std::string::npos);
  CHECK(refusal(R"({"rope_parameters": {"rope_theta": -1}})", parse).find("rope_theta above 0") != std::string::npos);
}

TEST_CASE("configs of models: flat and nested, tied in either place") {
  const auto parse = [](const char* json) {
    const Json object = parse_json(json, "test");
    return models::qwen2_vl::Config::parse(Fields(object, "config.json"));
  };
  const auto flat = parse(R"({"model_type": "qwen2_vl", "hidden_size": 1536, "num_attention_heads": 12,
      "num_key_value_heads": 2, "tie_word_embeddings": true, "num_hidden_layers": 28, "vocab_size": 151936,
      "rope_scaling": {"type": "mrope", "mrope_section": [16, 24, 24]}, "rope_theta": 1000000.0})");
  CHECK(flat.text.hidden_size == 1536);
  CHECK(flat.text.kv_heads == 2);
  CHECK(flat.text.qkv_bias);
  CHECK(!flat.text.o_bias);
  CHECK(flat.tie_word_embeddings);
  CHECK(flat.image_token_id == 151655);
  CHECK(flat.text.rope.axes.size() == 64);
  const auto nested = parse(R"({"model_type": "qwen2_5_vl", "hidden_size": 5, "text_config": {"model_type":
      "qwen2_5_vl_text", "hidden_size": 1536, "num_attention_heads": 12, "num_key_value_heads": 4, "tie_word_embeddings": true}})");
  CHECK(nested.text.hidden_size == 1536);
  CHECK(nested.text.kv_heads == 4);
  CHECK(nested.tie_word_embeddings);
  CHECK(nested.text.norm_eps == 1e-5);

  const Json mixture = parse_json(R"({"model_type": "qwen3_vl_moe", "text_config": {"norm_topk_prob": false,
      "tie_word_embeddings": true}})", "test");
  const auto moe = models::qwen3_vl::parse(Fields(mixture, "config.json"));
  CHECK(moe.text.mixture.experts == 60);
  CHECK(moe.text.mixture.normalise);
  CHECK(moe.text.qk_norm);
  CHECK(moe.text.head_dim == 128);
  CHECK(!moe.tie_word_embeddings);  // the whole model's word counts

  const auto fails = [](const Fields& fields) { models::qwen2_vl::Config::parse(fields); };
  CHECK(refusal(R"({"model_type": "qwen2_vl", "vocab_size": 5})", fails).find("image_token_id is 151655") != std::string::npos);
  CHECK(refusal(R"({"model_type": "qwen2_vl", "text_config": {"model_type": "llama"}})", fails).find("llama") !=
        std::string::npos);
  CHECK(refusal(R"({"model_type": "qwen2_vl", "head_dim": 64})", fails).find("head_dim is 64") != std::string::npos);
}

TEST_CASE("grids of pictures") {
  models::qwen2_vl::ImageProcessorConfig config;  // 14 pixels, merged by 2, 56 * 56 to 28 * 28 * 1280 pixels
  const auto grid = [&](std::int64_t width, std::int64_t height) {
    const auto out = models::qwen2_vl::patch_grid(width, height, config);
    return std::pair(out.columns, out.rows);
  };
  CHECK(grid(280, 140) == std::pair<std::int64_t, std::int64_t>(20, 10));
  CHECK(grid(28 * 5 + 14, 280).first == 12);   // 5.5 goes to the even 6
  CHECK(grid(28 * 6 + 14, 280).first == 12);   // and so does 6.5
  CHECK(grid(1, 1) == std::pair<std::int64_t, std::int64_t>(4, 4));
  CHECK_THROWS_AS(grid(1, 201), Error);
  CHECK_THROWS_AS(grid(5000, 1), Error);
  CHECK_THROWS_AS(grid(0, 5), Error);
}
