#pragma once

#include "lib/core/json.hpp"
#include "lib/core/run.hpp"
#include "lib/nn/attention.hpp"
#include "lib/nn/layers.hpp"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace lmm::towers {

/// Shape of a SigLIP vision tower as Idefics3 has it (transformers/models/idefics3/configuration_idefics3.py).
struct SiglipConfig {
  std::int64_t hidden_size = 0;
  std::int64_t intermediate_size = 0;
  std::int64_t layers = 0;
  std::int64_t heads = 0;
  std::int64_t channels = 3;
  std::int64_t image_size = 0;  ///< pixels a side of the position grid
  std::int64_t patch_size = 0;  ///< pixels a side
  double norm_eps = 1e-6;
  std::string activation;

  std::int64_t patches_per_side() const { return image_size / patch_size; }

  /// Errors: bad_file, unsupported.
  static SiglipConfig parse(const Fields& vision_config);
};

class SiglipLayer {
 public:
  SiglipLayer(const nn::WeightScope& weights, const SiglipConfig& config, std::size_t index);

  /// x (tiles, patches, hidden) -> same.
  at::Tensor operator()(const at::Tensor& x, nn::Attention& attention, const Run& run) const;

 private:
  at::Tensor attend(const at::Tensor& x, nn::Attention& attention) const;

  std::int64_t heads_;
  std::string name_;  // of its taps, "vision.layer.3"
  nn::LayerNorm norm1_;
  nn::Linear q_, k_, v_, out_;
  nn::LayerNorm norm2_;
  nn::Linear fc1_, fc2_;
  nn::Activation activation_;
};

/// SigLIP vision tower with positions as in NaViT (Zhai et al. 2023, arXiv 2303.15343; Dehghani et al. 2023,
/// arXiv 2307.06304). Const after construction; used on the worker thread.
class SiglipTower {
 public:
  SiglipTower(const nn::WeightScope& weights, const SiglipConfig& config);

  /// pixels (tiles, 3, height, width) fp32 -> (tiles, patches, hidden). Progress: tiles x layers.
  at::Tensor forward(const at::Tensor& pixels, Run& run) const;

  const SiglipConfig& config() const noexcept { return config_; }

 private:
  at::Tensor embed(const at::Tensor& pixels) const;
  at::Tensor position_ids(std::int64_t rows, std::int64_t columns) const;  // -> (rows * columns)

  SiglipConfig config_;
  at::Tensor patch_weight_;  // (hidden, channels * patch * patch)
  at::Tensor patch_bias_;    // (hidden)
  at::Tensor positions_;     // (patches_per_side^2, hidden)
  std::vector<SiglipLayer> layers_;
  nn::LayerNorm post_norm_;
  std::unique_ptr<nn::Attention> attention_ = std::make_unique<nn::Attention>();
};

}  // namespace lmm::towers
