#pragma once

#include "lib/core/run.hpp"
#include "lib/nn/attention.hpp"
#include "lib/nn/kv_cache.hpp"
#include "lib/nn/layers.hpp"
#include "lib/nn/rope.hpp"
#include "lib/towers/text/decoder_config.hpp"
#include "lib/towers/text/mlp.hpp"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

namespace lmm::towers {

class FusedDecoder;

/// Rows added to the hidden states that a layer gives (deep-stack features, Meng et al. 2024, arXiv 2406.04334; Qwen3-VL).
struct DeepStackRows {
  std::size_t layer = 0;
  std::int64_t first = 0;  ///< of the input's tokens
  at::Tensor rows;         ///< (count, hidden)
};

/// Tokens that follow those of the cache.
struct DecoderInput {
  at::Tensor embeddings;                        ///< (1, tokens, hidden)
  std::span<const nn::Position> positions = {};  ///< one a token; empty: plain, counted on from the cache's length
  std::vector<DeepStackRows> deep_stack = {};
};

class DecoderLayer {
 public:
  DecoderLayer(const nn::WeightScope& weights, const DecoderConfig& config, std::size_t index);

  /// x (1, tokens, hidden) -> same; keys and values of the tokens go into the cache.
  at::Tensor operator()(const at::Tensor& x, const nn::RopeTable& rope, nn::KvCache& cache, nn::Attention& attention,
                        const Run& run) const;

 private:
  friend class FusedDecoder;
  at::Tensor attend(const at::Tensor& x, const nn::RopeTable& rope, nn::KvCache& cache, nn::Attention& attention) const;

  const DecoderConfig& config_;
  std::size_t index_;
  std::string name_;  // of its taps, "text.layer.3"
  nn::RmsNorm input_norm_;
  nn::Linear q_, k_, v_, o_;
  std::optional<nn::RmsNorm> q_norm_, k_norm_;
  nn::RmsNorm post_norm_;
  std::variant<GatedMlp, MixtureMlp> mlp_;
};

/// A Llama-style decoder (transformers/models/llama, qwen2, qwen3): embeddings, layers, final norm and LM head.
/// Const after construction; used on the worker thread.
class Decoder {
 public:
  /// `weights`: the scope of embed_tokens, layers and norm. `head`: the scope that holds lm_head; unused when tied.
  /// Error unsupported: packed weights of a mixture of experts.
  Decoder(const nn::WeightScope& weights, const nn::WeightScope& head, const DecoderConfig& config, bool tied);
  ~Decoder();
  Decoder(const Decoder&) = delete;
  Decoder& operator=(const Decoder&) = delete;

  const DecoderConfig& config() const noexcept { return config_; }
  std::unique_ptr<nn::KvCache> new_cache() const;

  at::Tensor embed(std::span<const std::int32_t> ids) const;  // -> (1, tokens, hidden)

  /// Hidden states after the final norm of the last of the input's tokens: (1, hidden).
  /// Commits to the cache when all layers are through. Progress: tokens x layers.
  at::Tensor forward(const DecoderInput& input, nn::KvCache& cache, Run& run) const;

  at::Tensor logits(const at::Tensor& hidden) const;  // (1, hidden) -> (vocab) fp32

  /// The decode step, by the fastest way there is: one token -> its logits (vocab).
  void step(const DecoderInput& input, nn::KvCache& cache, std::span<float> logits, Run& run) const;

 private:
  friend class FusedDecoder;

  DecoderConfig config_;
  at::Tensor embed_tokens_;  // (vocab, hidden)
  std::vector<DecoderLayer> layers_;
  nn::RmsNorm norm_;
  nn::Rope rope_;
  nn::Matrix lm_head_;  // (vocab, hidden)
  std::unique_ptr<nn::Attention> attention_ = std::make_unique<nn::Attention>();
  std::unique_ptr<FusedDecoder> fused_;  // null where the kernels cannot
};

}  // namespace lmm::towers
