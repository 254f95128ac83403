#pragma once

#include "lib/core/run.hpp"
#include "lib/models/whisper/config.hpp"
#include "lib/nn/attention.hpp"
#include "lib/nn/kv_cache.hpp"
#include "lib/nn/layers.hpp"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace lmm::models::whisper {

class FusedDecoder;

/// Keys and values of one window for the cross-attention, one pair a layer: (1, heads, positions, head_dim) each.
using Crossing = std::vector<nn::LayerKv>;

/// q, k, v and output of an attention layer; keys have no bias.
struct AttentionWeights {
  AttentionWeights(const nn::WeightScope& weights, std::int64_t hidden);
  nn::Linear q, k, v, out;
};

class DecoderLayer {
 public:
  DecoderLayer(const nn::WeightScope& weights, const Config& config, std::size_t index);

  /// Keys and values of the encoder's output (1, positions, hidden).
  nn::LayerKv cross(const at::Tensor& encoded) const;

  /// x (1, tokens, hidden) -> same; keys and values of the tokens go into the cache. `queries`, where given, gets those
  /// of the cross-attention, (1, heads, tokens, head_dim).
  at::Tensor operator()(const at::Tensor& x, const nn::LayerKv& crossing, nn::KvCache& cache, nn::Attention& attention,
                        const Run& run, at::Tensor* queries) const;

 private:
  friend class FusedDecoder;
  at::Tensor heads_first(const at::Tensor& x) const;

  std::int64_t heads_;
  std::size_t index_;
  std::string name_;  // of its taps, "text.layer.3"
  nn::LayerNorm self_norm_;
  AttentionWeights self_;
  nn::LayerNorm cross_norm_;
  AttentionWeights cross_;
  nn::LayerNorm final_norm_;
  nn::Linear fc1_, fc2_;
  nn::Activation activation_;
};

/// Whisper's text decoder (WhisperDecoder of modeling_whisper.py) and its output matrix. Const after construction; used on
/// the worker thread.
class Decoder {
 public:
  /// `weights`: the scope of embed_tokens, embed_positions, layers and layer_norm; `head`: the one of proj_out.
  /// `aligned`: heads whose attention weights are asked for.
  Decoder(const nn::WeightScope& weights, const nn::WeightScope& head, const Config& config,
          std::vector<AlignmentHead> aligned);
  ~Decoder();
  Decoder(const Decoder&) = delete;
  Decoder& operator=(const Decoder&) = delete;

  const Config& config() const noexcept { return config_; }
  std::unique_ptr<nn::KvCache> new_cache() const;
  Crossing cross(const at::Tensor& encoded, Run& run) const;

  /// Tokens behind those of the cache -> their hidden states after the last norm, (tokens, hidden).
  at::Tensor forward(std::span<const std::int32_t> ids, const Crossing& crossing, nn::KvCache& cache, Run& run,
                     at::Tensor* weights = nullptr) const;

  at::Tensor logits(const at::Tensor& hidden) const;  // (rows, hidden) -> (rows, vocab) fp32 on the CPU

  /// The decode step: one token behind each of the caches, all of one length -> logits (rows, vocab). `weights`, where
  /// given, gets the cross-attention of the aligned heads, (rows, aligned heads, positions) fp32 on the CPU.
  void step(std::span<const std::int32_t> ids, const Crossing& crossing, std::span<const std::unique_ptr<nn::KvCache>> caches,
            std::span<float> logits, Run& run, at::Tensor* weights = nullptr) const;

  /// softmax(q k^T) of the aligned heads of one layer, to be joined in the order of their list.
  /// queries (1, heads, tokens, head_dim) -> for each such head (tokens, positions) at its place in `rows`.
  void align(std::size_t layer, const at::Tensor& queries, const nn::LayerKv& crossing, std::vector<at::Tensor>& rows) const;

 private:
  friend class FusedDecoder;

  Config config_;
  std::vector<AlignmentHead> aligned_;
  at::Tensor embed_tokens_;  // (vocab, hidden)
  at::Tensor positions_;     // (positions, hidden)
  std::vector<DecoderLayer> layers_;
  nn::LayerNorm norm_;
  nn::Matrix head_;  // (vocab, hidden)
  std::unique_ptr<nn::Attention> attention_ = std::make_unique<nn::Attention>();
  std::unique_ptr<FusedDecoder> fused_;  // null where the kernels cannot
};

}  // namespace lmm::models::whisper
