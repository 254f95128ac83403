#include "lib/towers/vision/qwen2_5_vl.hpp"

#include "lib/core/error.hpp"

namespace lmm::towers {
namespace {

at::Tensor index_of(const std::vector<std::int64_t>& values) { return at::tensor(values, at::kLong); }

/// Where each value 0 .. n - 1 stands in `order`.
std::vector<std::int64_t> inverse(const std::vector<std::int64_t>& order) {
  std::vector<std::int64_t> out(order.size());
  for (std::size_t i = 0; i < order.size(); ++i) {
    out[static_cast<std::size_t>(order[i])] = static_cast<std::int64_t>(i);
  }
  return out;
}

/// Merge blocks to the patches that they are made of.
std::vector<std::int64_t> patches_of(const std::vector<std::int64_t>& blocks, std::int64_t merged) {
  std::vector<std::int64_t> out;
  out.reserve(blocks.size() * static_cast<std::size_t>(merged));
  for (const std::int64_t block : blocks) {
    for (std::int64_t i = 0; i < merged; ++i) out.push_back(block * merged + i);
  }
  return out;
}

/// Blocks of each window of one picture, windows row by row; `first` is the picture's first block.
std::vector<std::vector<std::int64_t>> windows_of(std::int64_t rows, std::int64_t columns, std::int64_t side,
                                                  std::int64_t first) {
  std::vector<std::vector<std::int64_t>> out;
  for (std::int64_t top = 0; top < rows; top += side) {
    for (std::int64_t left = 0; left < columns; left += side) {
      std::vector<std::int64_t>& window = out.emplace_back();
      for (std::int64_t row = top; row < std::min(top + side, rows); ++row) {
        for (std::int64_t column = left; column < std::min(left + side, columns); ++column) {
          window.push_back(first + row * columns + column);
        }
      }
    }
  }
  return out;
}

}  // namespace

Qwen25VisionConfig Qwen25VisionConfig::parse(const Fields& fields) {
  Qwen25VisionConfig config;
  static_cast<QwenVisionConfig&>(config) = QwenVisionConfig::parse_common(fields, 14, "silu");
  config.hidden_size = fields.integer("hidden_size", 3584);
  config.intermediate_size = fields.integer("intermediate_size", 3420);
  config.out_hidden_size = fields.integer("out_hidden_size", 3584);
  config.window_size = fields.integer_in("window_size", 1, 1 << 20, 112);
  config.full_layers = fields.integers("fullatt_block_indexes", {7, 15, 23, 31});
  config.check(fields);
  if (config.window_side() < 1) {
    fail(ErrorCode::bad_file, "{}: window_size is {}, expected at least {}, a merge block of {} x {} patches of {} pixels",
         fields.where(), config.window_size, config.merge_size * config.patch_size, config.merge_size, config.merge_size,
         config.patch_size);
  }
  return config;
}

WindowOrder window_order(std::span<const VisionGrid> grids, std::int64_t merge_size, std::int64_t window_side) {
  const std::int64_t merged = merge_size * merge_size;
  WindowOrder order;
  std::vector<std::int64_t> own;        // blocks in our order
  std::vector<std::int64_t> reference;  // and in the reference's
  std::int64_t first = 0;
  for (const VisionGrid& grid : grids) {
    auto windows = windows_of(grid.rows / merge_size, grid.columns / merge_size, window_side, first);
    for (const auto& window : windows) reference.insert(reference.end(), window.begin(), window.end());
    std::stable_sort(windows.begin(), windows.end(), [](const auto& a, const auto& b) { return a.size() > b.size(); });
    std::size_t last = 0;  // blocks of the window before
    for (const auto& window : windows) {
      if (window.size() == last) {
        ++order.windows.back().count;
      } else {
        order.windows.push_back({static_cast<std::int64_t>(own.size()) * merged,
                                 static_cast<std::int64_t>(window.size()) * merged, 1});
        last = window.size();
      }
      own.insert(own.end(), window.begin(), window.end());
    }
    first += grid.patches() / merged;
  }
  const std::vector<std::int64_t> back = inverse(own);
  for (std::int64_t& block : reference) block = back[static_cast<std::size_t>(block)];
  order.patches = index_of(patches_of(own, merged));
  order.blocks_back = index_of(back);
  order.taps = index_of(patches_of(reference, merged));
  return order;
}

Qwen25VisionMlp::Qwen25VisionMlp(const nn::WeightScope& weights, const QwenVisionConfig& config)
    : gate_(weights.scope("gate_proj"), config.hidden_size, config.intermediate_size, true),
      up_(weights.scope("up_proj"), config.hidden_size, config.intermediate_size, true),
      down_(weights.scope("down_proj"), config.intermediate_size, config.hidden_size, true),
      activation_(config.activation) {}

Qwen25VlTower::Qwen25VlTower(const nn::WeightScope& weights, const Qwen25VisionConfig& config)
    : config_(config),
      embedding_(weights.scope("patch_embed.proj"), config, /*bias=*/false),
      full_(static_cast<std::size_t>(config.layers)),
      merger_(weights.scope("merger.ln_q"), weights.scope("merger.mlp.0"), weights.scope("merger.mlp.2"), config,
              /*norm_merged=*/false) {
  for (const std::int64_t index : config.full_layers) {
    if (index >= 0 && index < config.layers) full_[static_cast<std::size_t>(index)] = true;
  }
  for (std::size_t i = 0; i < full_.size(); ++i) {
    const nn::WeightScope layer = weights.scope("blocks").scope(std::to_string(i));
    layers_.emplace_back(layer, config_, Qwen25VisionMlp(layer.scope("mlp"), config_), i);
  }
}

VisionFeatures Qwen25VlTower::forward(at::Tensor pixels, std::span<const VisionGrid> grids, Run& run) const {
  at::Tensor x = embedding_(pixels);  // (patches, hidden)
  pixels.reset();
  nn::tap(run, "vision.embeddings", "", x);
  const WindowOrder order = window_order(grids, config_.merge_size, config_.window_side());
  const at::Tensor places = patch_places(grids, config_.merge_size).index_select(0, order.patches);
  const AxialTable rope = axial_table(places, config_.head_dim(), config_.rope_theta, x.device());
  const std::vector<Stretches> pictures = whole_pictures(grids);
  const TapOrder taps = order.taps.to(x.device());
  x = x.index_select(0, order.patches.to(x.device()));
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    run.checkpoint();
    layers_[i](x, rope, full_[i] ? pictures : order.windows, *attention_, taps, run);
    run.advance(x.size(0));
  }
  return {merger_(x, run).index_select(0, order.blocks_back.to(x.device()))};
}

}  // namespace lmm::towers
