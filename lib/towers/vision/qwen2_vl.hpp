#pragma once

#include "lib/towers/vision/qwen2_vl_parts.hpp"

#include <memory>
#include <vector>

namespace lmm::towers {

/// Vision tower of Qwen2-VL (Wang et al. 2024, arXiv 2409.12191; transformers/models/qwen2_vl,
/// Qwen2VisionTransformerPretrainedModel).
class Qwen2VlTower final : public QwenVisionTower {
 public:
  /// Errors: bad_file, unsupported.
  static QwenVisionConfig parse(const Fields& vision_config);

  Qwen2VlTower(const nn::WeightScope& weights, const QwenVisionConfig& config);

  const QwenVisionConfig& config() const noexcept override { return config_; }
  VisionFeatures forward(at::Tensor pixels, std::span<const VisionGrid> grids, Run& run) const override;

 private:
  QwenVisionConfig config_;
  QwenPatchEmbedding embedding_;
  std::vector<QwenVisionLayer<nn::LayerNorm, QwenVisionMlp>> layers_;
  QwenPatchMerger<nn::LayerNorm> merger_;
  std::unique_ptr<nn::Attention> attention_ = std::make_unique<nn::Attention>();
};

}  // namespace lmm::towers
