#pragma once

#include "lib/nn/layers.hpp"
#include "lib/towers/text/decoder_config.hpp"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace lmm::towers {

/// down(act(gate x) * up x).
class GatedMlp {
 public:
  /// `weights`: the scope of gate_proj, up_proj and down_proj.
  GatedMlp(const nn::WeightScope& weights, const DecoderConfig& config);
  at::Tensor operator()(const at::Tensor& x) const;  // (..., hidden) -> same

 private:
  friend class FusedDecoder;
  nn::Linear gate_, up_, down_;
  nn::Activation activation_;
};

/// A sparse mixture of gated MLPs (transformers/models/qwen3_moe): of the softmax over the experts' scores the largest
/// few, each with its share.
class MixtureMlp {
 public:
  /// `weights`: the scope of gate (the router) and experts, which are stored one by one ("experts.3.up_proj.weight") or
  /// stacked ("experts.gate_up_proj", "experts.down_proj"), either way round.
  MixtureMlp(const nn::WeightScope& weights, const DecoderConfig& config);
  at::Tensor operator()(const at::Tensor& x) const;  // (1, tokens, hidden) -> same

 private:
  friend class FusedDecoder;
  struct Expert {
    at::Tensor gate, up, down;  // (intermediate, hidden) twice, (hidden, intermediate)
  };

  static std::vector<Expert> experts_of(const nn::WeightScope& weights, const DecoderConfig& config);

  MixtureConfig config_;
  at::Tensor router_;  // (experts, hidden)
  std::vector<Expert> experts_;
  nn::Activation activation_;
};

}  // namespace lmm::towers
