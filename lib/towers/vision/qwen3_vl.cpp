#include "lib/towers/vision/qwen3_vl.hpp"

#include "lib/core/error.hpp"

#include <array>
#include <cmath>

namespace lmm::towers {
namespace {

/// Two neighbours on one axis of the learned grid and their weights.
struct Taps {
  std::array<std::int64_t, 2> at{};
  std::array<float, 2> weight{};
};

/// _interpolation_axis_taps_weights of vision_utils.py (bilinear, align_corners) in its float arithmetic.
std::vector<Taps> axis_taps(std::int64_t size, std::int64_t side) {
  std::vector<Taps> out(static_cast<std::size_t>(size));
  for (std::int64_t i = 0; i < size; ++i) {
    const float source = static_cast<float>(i) * static_cast<float>(side - 1) /
                         static_cast<float>(std::max<std::int64_t>(size - 1, 1));
    const float floor = std::floor(source);
    Taps& taps = out[static_cast<std::size_t>(i)];
    for (std::size_t k = 0; k < 2; ++k) {
      const auto offset = static_cast<std::int64_t>(k);
      taps.at[k] = std::clamp<std::int64_t>(static_cast<std::int64_t>(floor) + offset, 0, side - 1);
      taps.weight[k] = std::max(1.0f - std::fabs(source - floor - static_cast<float>(offset)), 0.0f);
    }
  }
  return out;
}

}  // namespace

Qwen3VisionConfig Qwen3VisionConfig::parse(const Fields& fields) {
  Qwen3VisionConfig config;
  static_cast<QwenVisionConfig&>(config) = QwenVisionConfig::parse_common(fields, 16, "gelu_pytorch_tanh");
  if (!fields.has("depth") && !fields.has("num_hidden_layers")) config.layers = 27;
  config.hidden_size = fields.integer("hidden_size", 1152);
  config.intermediate_size = fields.integer("intermediate_size", 4304);
  config.out_hidden_size = fields.integer("out_hidden_size", 3584);
  config.positions = fields.integer_in("num_position_embeddings", 1, 1 << 24, 2304);
  config.position_side = static_cast<std::int64_t>(std::sqrt(static_cast<double>(config.positions)));
  config.deep_stack = fields.integers("deepstack_visual_indexes", {8, 16, 24});
  config.check(fields);
  if (config.deep_stack.size() > 4096) fields.wrong("deepstack_visual_indexes", "at most 4096 layers");
  return config;
}

Interpolation interpolate_positions(std::span<const VisionGrid> grids, std::int64_t merge_size, std::int64_t side) {
  std::vector<std::int64_t> indices;
  std::vector<float> weights;
  for (const VisionGrid& grid : grids) {
    const std::vector<Taps> rows = axis_taps(grid.rows, side);
    const std::vector<Taps> columns = axis_taps(grid.columns, side);
    const at::Tensor places = patch_places(std::span(&grid, 1), merge_size);  // (patches, 2)
    const std::int64_t* place = places.const_data_ptr<std::int64_t>();
    for (std::int64_t patch = 0; patch < grid.patches(); ++patch, place += 2) {
      const Taps& row = rows[static_cast<std::size_t>(place[0])];
      const Taps& column = columns[static_cast<std::size_t>(place[1])];
      for (std::size_t i = 0; i < 2; ++i) {
        for (std::size_t j = 0; j < 2; ++j) {
          indices.push_back(row.at[i] * side + column.at[j]);
          weights.push_back(row.weight[i] * column.weight[j]);
        }
      }
    }
  }
  return {at::tensor(indices, at::kLong).view({-1, 4}), at::tensor(weights).view({-1, 4})};
}

Qwen3VlTower::Qwen3VlTower(const nn::WeightScope& weights, const Qwen3VisionConfig& config)
    : config_(config),
      embedding_(weights.scope("patch_embed.proj"), config, /*bias=*/true),
      positions_(weights.tensor("pos_embed.weight", {config.positions, config.hidden_size})),
      merger_(weights.scope("merger.norm"), weights.scope("merger.linear_fc1"), weights.scope("merger.linear_fc2"), config,
              /*norm_merged=*/false) {
  for (std::size_t i = 0; i < static_cast<std::size_t>(config.layers); ++i) {
    const nn::WeightScope layer = weights.scope("blocks").scope(std::to_string(i));
    layers_.emplace_back(layer, config_,
                         QwenVisionMlp(layer.scope("mlp.linear_fc1"), layer.scope("mlp.linear_fc2"), config_), i);
  }
  for (std::size_t i = 0; i < config.deep_stack.size(); ++i) {
    const nn::WeightScope merger = weights.scope("deepstack_merger_list").scope(std::to_string(i));
    deep_stack_.emplace_back(merger.scope("norm"), merger.scope("linear_fc1"), merger.scope("linear_fc2"), config_,
                             /*norm_merged=*/true);
  }
}

/// Adds each patch's learned position, the weighted sum in fp32, to x (patches, hidden).
void Qwen3VlTower::add_positions(at::Tensor& x, std::span<const VisionGrid> grids, const Run& run) const {
  const Interpolation around = interpolate_positions(grids, config_.merge_size, config_.position_side);
  const at::Tensor indices = around.indices.to(x.device());
  const at::Tensor weights = around.weights.to(x.device());
  for_each_piece(x.size(0), kVisionRows, run, [&](std::int64_t first, std::int64_t count) {
    at::Tensor sum = at::zeros({count, x.size(1)}, x.options().dtype(at::kFloat));
    for (std::int64_t corner = 0; corner < 4; ++corner) {
      const at::Tensor index = indices.select(1, corner).narrow(0, first, count);
      const at::Tensor weight = weights.narrow(0, first, count).narrow(1, corner, 1);  // (count, 1)
      sum.addcmul_(positions_.index_select(0, index).to(at::kFloat), weight);
    }
    x.narrow(0, first, count).add_(sum.to(x.scalar_type()));
  });
}

/// Null where the layer's output goes to no merger. The first entry counts where a layer is named twice, and features
/// come in the order of the layers, as in the reference.
const QwenPatchMerger<nn::LayerNorm>* Qwen3VlTower::merger_after(std::size_t layer) const {
  const auto found = std::find(config_.deep_stack.begin(), config_.deep_stack.end(), static_cast<std::int64_t>(layer));
  return found == config_.deep_stack.end() ? nullptr
                                           : &deep_stack_[static_cast<std::size_t>(found - config_.deep_stack.begin())];
}

VisionFeatures Qwen3VlTower::forward(at::Tensor pixels, std::span<const VisionGrid> grids, Run& run) const {
  at::Tensor x = embedding_(pixels);  // (patches, hidden)
  pixels.reset();
  nn::tap(run, "vision.embeddings", "", x);
  add_positions(x, grids, run);
  const AxialTable rope =
      axial_table(patch_places(grids, config_.merge_size), config_.head_dim(), config_.rope_theta, x.device());
  const std::vector<Stretches> pictures = whole_pictures(grids);
  VisionFeatures features;
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    run.checkpoint();
    layers_[i](x, rope, pictures, *attention_, {}, run);
    if (const auto* merger = merger_after(i)) {
      features.deep_stack.push_back((*merger)(x, run));
      nn::tap(run, fmt::format("vision.deep_stack.{}", features.deep_stack.size() - 1), "", features.deep_stack.back());
    }
    run.advance(x.size(0));
  }
  features.rows = merger_(x, run);
  return features;
}

}  // namespace lmm::towers
