#include "lib/towers/vision/qwen2_vl.hpp"

namespace lmm::towers {

QwenVisionConfig Qwen2VlTower::parse(const Fields& fields) {
  QwenVisionConfig config = QwenVisionConfig::parse_common(fields, 14, "quick_gelu");
  config.hidden_size = fields.integer_in("embed_dim", 1, 1 << 24, 1280);
  config.intermediate_size = config.hidden_size * fields.integer_in("mlp_ratio", 1, 1024, 4);
  config.out_hidden_size = fields.integer("hidden_size", 3584);
  config.check(fields);
  return config;
}

Qwen2VlTower::Qwen2VlTower(const nn::WeightScope& weights, const QwenVisionConfig& config)
    : config_(config),
      embedding_(weights.scope("patch_embed.proj"), config, /*bias=*/false),
      merger_(weights.scope("merger.ln_q"), weights.scope("merger.mlp.0"), weights.scope("merger.mlp.2"), config,
              /*norm_merged=*/false) {
  for (std::size_t i = 0; i < static_cast<std::size_t>(config.layers); ++i) {
    const nn::WeightScope layer = weights.scope("blocks").scope(std::to_string(i));
    layers_.emplace_back(layer, config_, QwenVisionMlp(layer.scope("mlp.fc1"), layer.scope("mlp.fc2"), config_), i);
  }
}

VisionFeatures Qwen2VlTower::forward(at::Tensor pixels, std::span<const VisionGrid> grids, Run& run) const {
  at::Tensor x = embedding_(pixels);  // (patches, hidden)
  pixels.reset();
  nn::tap(run, "vision.embeddings", "", x);
  const AxialTable rope =
      axial_table(patch_places(grids, config_.merge_size), config_.head_dim(), config_.rope_theta, x.device());
  const std::vector<Stretches> pictures = whole_pictures(grids);
  for (const auto& layer : layers_) {
    run.checkpoint();
    layer(x, rope, pictures, *attention_, {}, run);
    run.advance(x.size(0));
  }
  return {merger_(x, run)};
}

}  // namespace lmm::towers
