#pragma once

#include "lib/core/json.hpp"
#include "lib/nn/rope_config.hpp"

#include <cstdint>
#include <string>

namespace lmm::towers {

/// Shape of a Llama-style decoder (transformers/models/llama/configuration_llama.py).
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
  bool attention_bias = false;      ///< of q, k, v and o
  bool mlp_bias = false;
  nn::RopeConfig rope;

  /// Reads the fields of a config.json, or of its text_config. `norm_eps` is the family's default.
  /// Errors: bad_file (missing, out of range, inconsistent), unsupported (by name).
  static DecoderConfig parse_llama(const Fields& fields, double default_norm_eps);
};

}  // namespace lmm::towers
