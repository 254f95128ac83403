#pragma once

#include "lib/towers/vision/qwen2_vl_parts.hpp"

#include <memory>
#include <vector>

namespace lmm::towers {

struct Qwen3VisionConfig : QwenVisionConfig {
  std::int64_t position_side = 48;           ///< the learned grid of positions is square
  std::int64_t positions = 2304;             ///< stored; position_side^2 of them are used
  std::vector<std::int64_t> deep_stack;      ///< layers whose output becomes features of its own, one merger each

  /// Errors: bad_file, unsupported.
  static Qwen3VisionConfig parse(const Fields& vision_config);
};

/// For every patch the four learned positions around it and their weights: (patches, 4) of int64 and fp32. Corners of
/// the picture lie on corners of the grid.
struct Interpolation {
  at::Tensor indices;
  at::Tensor weights;
};

Interpolation interpolate_positions(std::span<const VisionGrid> grids, std::int64_t merge_size, std::int64_t side);

/// Vision tower of Qwen3-VL: as Qwen2-VL's, with learned positions beside the rotary ones and features from layers on
/// the way (Bai et al. 2025, arXiv 2511.21631; transformers/models/qwen3_vl, Qwen3VLVisionModel).
class Qwen3VlTower final : public QwenVisionTower {
 public:
  Qwen3VlTower(const nn::WeightScope& weights, const Qwen3VisionConfig& config);

  const QwenVisionConfig& config() const noexcept override { return config_; }
  VisionFeatures forward(at::Tensor pixels, std::span<const VisionGrid> grids, Run& run) const override;

 private:
  void add_positions(at::Tensor& x, std::span<const VisionGrid> grids, const Run& run) const;
  const QwenPatchMerger<nn::LayerNorm>* merger_after(std::size_t layer) const;

  Qwen3VisionConfig config_;
  QwenPatchEmbedding embedding_;
  at::Tensor positions_;  // (positions, hidden)
  std::vector<QwenVisionLayer<nn::LayerNorm, QwenVisionMlp>> layers_;
  QwenPatchMerger<nn::LayerNorm> merger_;
  std::vector<QwenPatchMerger<nn::LayerNorm>> deep_stack_;  // by place in config_.deep_stack
  std::unique_ptr<nn::Attention> attention_ = std::make_unique<nn::Attention>();
};

}  // namespace lmm::towers
