#pragma once

#include "lib/towers/vision/qwen2_vl_parts.hpp"

#include <memory>
#include <vector>

namespace lmm::towers {

struct Qwen25VisionConfig : QwenVisionConfig {
  std::int64_t window_size = 112;               ///< pixels a side
  std::vector<std::int64_t> full_layers;        ///< layers that see the whole picture; the others see their window

  std::int64_t window_side() const { return window_size / merge_size / patch_size; }  ///< in merge blocks

  /// Errors: bad_file, unsupported.
  static Qwen25VisionConfig parse(const Fields& vision_config);
};

/// SiLU gate.
class Qwen25VisionMlp {
 public:
  Qwen25VisionMlp(const nn::WeightScope& weights, const QwenVisionConfig& config);
  at::Tensor operator()(const at::Tensor& x) const { return down_(activation_.gated(gate_(x), up_(x))); }

 private:
  nn::Linear gate_, up_, down_;
  nn::Activation activation_;
};

/// Patches brought together by windows.
struct WindowOrder {
  at::Tensor patches;               ///< (patches): what to put where
  at::Tensor blocks_back;           ///< (blocks): where each merge block's row is found afterwards
  TapOrder taps;                    ///< (patches): the reference's order, of the windows row by row
  std::vector<Stretches> windows;   ///< windows of one size lie together within a picture, so that they go as a batch
};

WindowOrder window_order(std::span<const VisionGrid> grids, std::int64_t merge_size, std::int64_t window_side);

/// Vision tower of Qwen2.5-VL: as Qwen2-VL's, with RMS norms, gated MLPs and attention within windows (Bai et al. 2025,
/// arXiv 2502.13923; transformers/models/qwen2_5_vl, Qwen2_5_VisionTransformerPretrainedModel).
class Qwen25VlTower final : public QwenVisionTower {
 public:
  Qwen25VlTower(const nn::WeightScope& weights, const Qwen25VisionConfig& config);

  const QwenVisionConfig& config() const noexcept override { return config_; }
  VisionFeatures forward(at::Tensor pixels, std::span<const VisionGrid> grids, Run& run) const override;

 private:
  Qwen25VisionConfig config_;
  QwenPatchEmbedding embedding_;
  std::vector<QwenVisionLayer<nn::RmsNorm, Qwen25VisionMlp>> layers_;
  std::vector<bool> full_;  // by layer
  QwenPatchMerger<nn::RmsNorm> merger_;
  std::unique_ptr<nn::Attention> attention_ = std::make_unique<nn::Attention>();
};

}  // namespace lmm::towers
