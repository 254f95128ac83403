#pragma once

#include "lib/core/json.hpp"
#include "lib/nn/rope_config.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace lmm::towers {

/// What fields that a text config leaves out mean; they differ from family to family.
struct DecoderDefaults {
  std::int64_t vocab_size = 32000;
  std::int64_t hidden_size = 4096;
  std::int64_t intermediate_size = 11008;
  std::int64_t layers = 32;
  std::int64_t heads = 32;
  std::int64_t kv_heads = 0;  ///< 0: as many as heads
  std::int64_t head_dim = 0;  ///< 0: hidden_size / heads
  std::int64_t context_length = 2048;
  double norm_eps = 1e-6;
  /// What use_sliding_window means: nothing; a window in the layers that max_window_layers and layer_types say; in all.
  enum class Windows { none, by_layer, everywhere };
  Windows windows = Windows::none;
  std::int64_t max_window_layers = 28;
  nn::RopeConfig::Defaults rope = {};
};

/// A sparse mixture of gated MLPs in place of one (MixtureMlp).
struct MixtureConfig {
  std::int64_t experts = 0;  ///< 0: no layer has a mixture
  std::int64_t chosen = 0;   ///< num_experts_per_tok
  std::int64_t intermediate_size = 0;  ///< of each expert
  bool normalise = false;    ///< norm_topk_prob
  std::vector<bool> layers = {};  ///< those that have it
};

/// Shape of a Llama-style decoder and of what later ones add to it: biases, norms of queries and keys, windows, mixtures
/// of experts.
struct DecoderConfig {
  std::int64_t vocab_size = 0;
  std::int64_t hidden_size = 0;
  std::int64_t intermediate_size = 0;
  std::int64_t layers = 0;
  std::int64_t heads = 0;
  std::int64_t kv_heads = 0;
  std::int64_t head_dim = 0;
  std::int64_t context_length = 0;  ///< max_position_embeddings
  double norm_eps = 1e-6;
  std::string activation;           ///< silu, gelu, gelu_pytorch_tanh, relu
  bool qkv_bias = false;
  bool o_bias = false;
  bool mlp_bias = false;
  bool qk_norm = false;             ///< RMS norm of each head of queries and keys before their rotation
  std::vector<std::int64_t> windows;  ///< by layer: how many of the last tokens attention sees, its own among them; 0: all
  MixtureConfig mixture;
  nn::RopeConfig rope;

  // Each reads the fields of a config.json, or of its text_config.
  // Errors: bad_file (missing, out of range, inconsistent), unsupported (by name).

  /// transformers/models/llama: biases on request.
  static DecoderConfig parse_llama(const Fields& fields, double default_norm_eps);
  /// transformers/models/qwen2, and the text part of qwen2_vl and qwen2_5_vl: biases of q, k and v, windows.
  static DecoderConfig parse_qwen2(const Fields& fields, const DecoderDefaults& defaults);
  /// transformers/models/qwen3, and the text part of qwen3_vl: norms of q and k, biases on request, windows.
  static DecoderConfig parse_qwen3(const Fields& fields, const DecoderDefaults& defaults);

  /// Adds the mixture of transformers/models/qwen3_moe, and of the text part of qwen3_vl_moe, to a config just parsed.
  void parse_mixture(const Fields& fields, const MixtureConfig& defaults);
};

}  // namespace lmm::towers
