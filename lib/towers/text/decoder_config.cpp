#include "lib/towers/text/decoder_config.hpp"

#include "lib/core/error.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace lmm::towers {
namespace {

constexpr std::array<std::string_view, 6> kActivations = {"silu",           "gelu",     "gelu_pytorch_tanh",
                                                          "gelu_new",       "relu",     "swish"};

DecoderConfig parse_common(const Fields& fields, const DecoderDefaults& defaults) {
  constexpr std::int64_t kMax = 1 << 24;
  DecoderConfig config;
  config.vocab_size = fields.integer_in("vocab_size", 1, kMax, defaults.vocab_size);
  config.hidden_size = fields.integer_in("hidden_size", 1, kMax, defaults.hidden_size);
  config.intermediate_size = fields.integer_in("intermediate_size", 1, kMax, defaults.intermediate_size);
  config.layers = fields.integer_in("num_hidden_layers", 1, 4096, defaults.layers);
  config.heads = fields.integer_in("num_attention_heads", 1, 65536, defaults.heads);
  // A config that says null asks for as many as there are heads, whatever is the default.
  const bool as_many = defaults.kv_heads == 0 || fields.json().contains("num_key_value_heads");
  config.kv_heads = fields.integer_in("num_key_value_heads", 1, 65536, as_many ? config.heads : defaults.kv_heads);
  const bool divides = config.hidden_size % config.heads == 0;
  if (!divides && defaults.head_dim == 0) {
    fail(ErrorCode::bad_file, "{}: hidden_size {} is not a multiple of num_attention_heads {}", fields.where(),
         config.hidden_size, config.heads);
  }
  if (config.heads % config.kv_heads != 0) {
    fail(ErrorCode::bad_file, "{}: num_attention_heads {} is not a multiple of num_key_value_heads {}", fields.where(),
         config.heads, config.kv_heads);
  }
  const std::int64_t usual = defaults.head_dim == 0 ? config.hidden_size / config.heads : defaults.head_dim;
  config.head_dim = fields.integer_in("head_dim", 1, 65536, usual);
  config.context_length = fields.integer_in("max_position_embeddings", 1, INT64_C(1) << 31, defaults.context_length);
  config.norm_eps = fields.number("rms_norm_eps", defaults.norm_eps);
  if (!(config.norm_eps >= 0.0)) fields.wrong("rms_norm_eps", "a number of at least 0");
  config.activation = fields.string("hidden_act", "silu");
  if (std::find(kActivations.begin(), kActivations.end(), config.activation) == kActivations.end()) {
    fail(ErrorCode::unsupported, "{}: hidden_act is \"{}\", known are {}", fields.where(), config.activation,
         fmt::join(kActivations, ", "));
  }
  config.mixture.layers.assign(static_cast<std::size_t>(config.layers), false);
  config.windows.assign(static_cast<std::size_t>(config.layers), 0);
  config.rope = nn::RopeConfig::parse(fields, config.head_dim, config.context_length, defaults.rope);
  return config;
}

/// use_sliding_window and sliding_window: 0 for none, which null says too.
std::int64_t window_size(const Fields& fields) {
  const bool null = fields.json().contains("sliding_window") && !fields.has("sliding_window");
  if (!fields.boolean("use_sliding_window", false) || null) return 0;
  return fields.integer_in("sliding_window", 1, INT64_C(1) << 31, 4096);
}

/// Windows of the layers, by max_window_layers or layer_types, as Qwen2Config and Qwen3Config read them.
void parse_windows(DecoderConfig& config, const Fields& fields, const DecoderDefaults& defaults) {
  using Windows = DecoderDefaults::Windows;
  if (defaults.windows == Windows::none) return;
  const std::int64_t size = window_size(fields);
  if (defaults.windows == Windows::everywhere) return config.windows.assign(config.windows.size(), size);
  const std::int64_t first = fields.integer("max_window_layers", defaults.max_window_layers);
  const Json* types = fields.find("layer_types");
  if (types != nullptr && (!types->is_array() || types->size() != config.windows.size())) {
    fields.wrong("layer_types", fmt::format("a list of {} names, one a layer", config.windows.size()));
  }
  for (std::size_t i = 0; i < config.windows.size(); ++i) {
    bool sliding = static_cast<std::int64_t>(i) >= first;
    if (types != nullptr) {
      const std::string type = (*types)[i].is_string() ? (*types)[i].get<std::string>() : (*types)[i].dump();
      sliding = type == "sliding_attention";
      if (!sliding && type != "full_attention") {
        fail(ErrorCode::unsupported, "{}: layer_types has \"{}\", known are full_attention, sliding_attention",
             fields.where(), type);
      }
      if (sliding && size == 0) {
        fail(ErrorCode::bad_file, "{}: layer_types has \"sliding_attention\", but use_sliding_window and sliding_window set none",
             fields.where());
      }
    }
    if (sliding) config.windows[i] = size;
  }
}

}  // namespace

DecoderConfig DecoderConfig::parse_llama(const Fields& fields, double default_norm_eps) {
  DecoderDefaults defaults;
  defaults.norm_eps = default_norm_eps;
  DecoderConfig config = parse_common(fields, defaults);
  config.qkv_bias = config.o_bias = fields.boolean("attention_bias", false);
  config.mlp_bias = fields.boolean("mlp_bias", false);
  return config;
}

DecoderConfig DecoderConfig::parse_qwen2(const Fields& fields, const DecoderDefaults& defaults) {
  DecoderConfig config = parse_common(fields, defaults);
  config.qkv_bias = true;
  parse_windows(config, fields, defaults);
  return config;
}

DecoderConfig DecoderConfig::parse_qwen3(const Fields& fields, const DecoderDefaults& defaults) {
  DecoderConfig config = parse_common(fields, defaults);
  config.qk_norm = true;
  config.qkv_bias = config.o_bias = fields.boolean("attention_bias", false);
  parse_windows(config, fields, defaults);
  return config;
}

void DecoderConfig::parse_mixture(const Fields& fields, const MixtureConfig& defaults) {
  constexpr std::int64_t kMax = 1 << 24;
  // transformers 5 writes num_local_experts, which it calls num_experts in memory.
  const char* spelling = fields.has("num_local_experts") ? "num_local_experts" : "num_experts";
  mixture.experts = fields.integer_in(spelling, 0, 65536, defaults.experts);
  mixture.chosen = fields.integer_in("num_experts_per_tok", 1, 65536, defaults.chosen);
  mixture.intermediate_size = fields.integer_in("moe_intermediate_size", 1, kMax, defaults.intermediate_size);
  mixture.normalise = fields.boolean("norm_topk_prob", defaults.normalise);
  const std::int64_t step = fields.integer_in("decoder_sparse_step", 1, kMax, 1);
  const std::vector<std::int64_t> dense = fields.integers("mlp_only_layers", {});
  mixture.layers.clear();
  for (std::int64_t i = 0; i < layers; ++i) {
    const bool named = std::find(dense.begin(), dense.end(), i) != dense.end();
    mixture.layers.push_back(mixture.experts > 0 && !named && (i + 1) % step == 0);
  }
  if (mixture.experts > 0 && mixture.chosen > mixture.experts) {
    fail(ErrorCode::bad_file, "{}: num_experts_per_tok {} is more than {} {}", fields.where(), mixture.chosen, spelling,
         mixture.experts);
  }
}

}  // namespace lmm::towers
