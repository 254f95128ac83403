#include "lib/towers/text/decoder_config.hpp"

#include "lib/core/error.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace lmm::towers {
namespace {

constexpr std::array<std::string_view, 6> kActivations = {"silu",           "gelu",     "gelu_pytorch_tanh",
                                                          "gelu_new",       "relu",     "swish"};

}  // namespace

DecoderConfig DecoderConfig::parse_llama(const Fields& fields, double default_norm_eps) {
  constexpr std::int64_t kMax = 1 << 24;
  DecoderConfig config;
  config.vocab_size = fields.integer_in("vocab_size", 1, kMax, 32000);
  config.hidden_size = fields.integer_in("hidden_size", 1, kMax, 4096);
  config.intermediate_size = fields.integer_in("intermediate_size", 1, kMax, 11008);
  config.layers = fields.integer_in("num_hidden_layers", 1, 4096, 32);
  config.heads = fields.integer_in("num_attention_heads", 1, 65536, 32);
  config.kv_heads = fields.integer_in("num_key_value_heads", 1, 65536, config.heads);
  if (config.hidden_size % config.heads != 0) {
    fail(ErrorCode::bad_file, "{}: hidden_size {} is not a multiple of num_attention_heads {}", fields.where(),
         config.hidden_size, config.heads);
  }
  if (config.heads % config.kv_heads != 0) {
    fail(ErrorCode::bad_file, "{}: num_attention_heads {} is not a multiple of num_key_value_heads {}", fields.where(),
         config.heads, config.kv_heads);
  }
  config.head_dim = fields.integer_in("head_dim", 1, 65536, config.hidden_size / config.heads);
  config.context_length = fields.integer_in("max_position_embeddings", 1, INT64_C(1) << 31, 2048);
  config.norm_eps = fields.number("rms_norm_eps", default_norm_eps);
  if (!(config.norm_eps >= 0.0)) fields.wrong("rms_norm_eps", "a number of at least 0");
  config.activation = fields.string("hidden_act", "silu");
  if (std::find(kActivations.begin(), kActivations.end(), config.activation) == kActivations.end()) {
    fail(ErrorCode::unsupported, "{}: hidden_act is \"{}\", known are {}", fields.where(), config.activation,
         fmt::join(kActivations, ", "));
  }
  config.attention_bias = fields.boolean("attention_bias", false);
  config.mlp_bias = fields.boolean("mlp_bias", false);
  config.rope = nn::RopeConfig::parse(fields, config.head_dim, config.context_length);
  return config;
}

}  // namespace lmm::towers
