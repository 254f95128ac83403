#include "lib/towers/audio/whisper_encoder.hpp"

#include "lib/core/error.hpp"
#include "lib/nn/tap.hpp"

#include <ATen/ATen.h>

#include <cmath>

namespace lmm::towers {
namespace {

constexpr double kNormEps = 1e-5;  // nn.LayerNorm's own

/// What a checkpoint that leaves its positions out means: `sinusoids` of modeling_whisper.py.
at::Tensor sinusoids(const WhisperEncoderConfig& config, const nn::Placement& placement) {
  const std::int64_t half = config.hidden_size / 2;
  if (config.hidden_size % 2 != 0 || half < 2) {
    fail(ErrorCode::bad_file, "sinusoidal positions of {} channels, expected an even number from 4 on",
         config.hidden_size);
  }
  const double step = std::log(10000.0) / static_cast<double>(half - 1);
  const at::Tensor inverse = at::exp(at::arange(half, at::kFloat) * -step);
  const at::Tensor time = at::arange(config.positions, at::kFloat).unsqueeze(1) * inverse;
  return at::cat({time.sin(), time.cos()}, 1).to(placement.device);
}

/// How a config spells the fields that have several names.
struct Names {
  const char* hidden_size;
  const char* intermediate_size;
  const char* layers;
  const char* heads;
};

/// What Qwen2AudioEncoderConfig and VoxtralEncoderConfig leave out means Whisper large-v3.
WhisperEncoderConfig large() {
  WhisperEncoderConfig config;
  config.hidden_size = 1280;
  config.intermediate_size = 5120;
  config.layers = 32;
  config.heads = 20;
  config.mel_bins = 128;
  return config;
}

WhisperEncoderConfig read(const Fields& fields, const Names& names, const WhisperEncoderConfig& defaults) {
  constexpr std::int64_t kMax = 1 << 24;
  WhisperEncoderConfig config;
  config.hidden_size = fields.integer_in(names.hidden_size, 1, kMax, defaults.hidden_size);
  config.intermediate_size = fields.integer_in(names.intermediate_size, 1, kMax, defaults.intermediate_size);
  config.layers = fields.integer_in(names.layers, 1, 4096, defaults.layers);
  config.heads = fields.integer_in(names.heads, 1, 65536, defaults.heads);
  config.mel_bins = fields.integer_in("num_mel_bins", 1, 65536, defaults.mel_bins);
  config.positions = fields.integer_in("max_source_positions", 1, 1 << 20, 1500);
  config.activation = fields.string("activation_function", "gelu");
  if (config.hidden_size % config.heads != 0) {
    fail(ErrorCode::bad_file, "{}: {} {} is not a multiple of {} {}", fields.where(), names.hidden_size,
         config.hidden_size, names.heads, config.heads);
  }
  try {
    static_cast<void>(nn::Activation(config.activation));
  } catch (const Error& error) {
    fail(error.code(), "{}: activation_function: {}", fields.where(), error.what());
  }
  return config;
}

}  // namespace

WhisperEncoderConfig WhisperEncoderConfig::parse(const Fields& fields) {
  // The names that all configs share stand for Whisper's own, and win where both are there (attribute_map).
  const auto either = [&](const char* wins, const char* own) { return fields.has(wins) ? wins : own; };
  const char* heads = either("num_attention_heads", "encoder_attention_heads");
  const Names names = {either("hidden_size", "d_model"), "encoder_ffn_dim",
                       either("num_hidden_layers", "encoder_layers"), either("num_key_value_heads", heads)};
  WhisperEncoderConfig defaults;
  defaults.hidden_size = 384;
  defaults.intermediate_size = 1536;
  defaults.layers = 4;
  defaults.heads = 6;
  defaults.mel_bins = 80;
  WhisperEncoderConfig config = read(fields, names, defaults);
  config.sinusoids = true;
  return config;
}

WhisperEncoderConfig WhisperEncoderConfig::parse_qwen2_audio(const Fields& fields) {
  const auto either = [&](const char* wins, const char* own) { return fields.has(wins) ? wins : own; };
  const Names names = {either("hidden_size", "d_model"), either("intermediate_size", "encoder_ffn_dim"),
                       either("num_hidden_layers", "encoder_layers"),
                       either("num_attention_heads", "encoder_attention_heads")};
  WhisperEncoderConfig config = read(fields, names, large());
  config.pooling = 2;
  if (config.positions < config.pooling) fields.wrong("max_source_positions", "at least 2, which become one row");
  return config;
}

WhisperEncoderConfig WhisperEncoderConfig::parse_voxtral(const Fields& fields) {
  const auto either = [&](const char* wins, const char* own) { return fields.has(wins) ? wins : own; };
  const Names names = {either("d_model", "hidden_size"), either("encoder_ffn_dim", "intermediate_size"),
                       either("encoder_layers", "num_hidden_layers"),
                       either("encoder_attention_heads", "num_attention_heads")};
  return read(fields, names, large());
}

WhisperEncoderLayer::WhisperEncoderLayer(const nn::WeightScope& weights, const WhisperEncoderConfig& config,
                                         std::size_t index)
    : heads_(config.heads),
      name_(fmt::format("audio.layer.{}", index)),
      attention_norm_(weights.scope("self_attn_layer_norm"), config.hidden_size, kNormEps),
      q_(weights.scope("self_attn.q_proj"), config.hidden_size, config.hidden_size, true),
      k_(weights.scope("self_attn.k_proj"), config.hidden_size, config.hidden_size, false),
      v_(weights.scope("self_attn.v_proj"), config.hidden_size, config.hidden_size, true),
      out_(weights.scope("self_attn.out_proj"), config.hidden_size, config.hidden_size, true),
      final_norm_(weights.scope("final_layer_norm"), config.hidden_size, kNormEps),
      fc1_(weights.scope("fc1"), config.hidden_size, config.intermediate_size, true),
      fc2_(weights.scope("fc2"), config.intermediate_size, config.hidden_size, true),
      activation_(config.activation) {}

at::Tensor WhisperEncoderLayer::attend(const at::Tensor& x, nn::Attention& attention) const {
  const auto heads_first = [&](const at::Tensor& t) {
    return t.view({x.size(0), x.size(1), heads_, -1}).transpose(1, 2);  // (batch, heads, positions, head_dim)
  };
  return out_(attention(heads_first(q_(x)), heads_first(k_(x)), heads_first(v_(x)), /*causal=*/false));
}

at::Tensor WhisperEncoderLayer::operator()(const at::Tensor& x, nn::Attention& attention, const Run& run) const {
  const at::Tensor attended = attend(attention_norm_(x), attention);
  nn::tap(run, name_, ".attn_out", attended);
  const at::Tensor middle = x + attended;
  const at::Tensor mlp = fc2_(fc1_(final_norm_(middle), activation_));
  nn::tap(run, name_, ".mlp_out", mlp);
  at::Tensor out = middle + mlp;
  nn::tap(run, name_, "", out);
  return out;
}

WhisperEncoder::WhisperEncoder(const nn::WeightScope& weights, const WhisperEncoderConfig& config)
    : config_(config),
      conv1_weight_(weights.tensor("conv1.weight", {config.hidden_size, config.mel_bins, 3})),
      conv1_bias_(weights.tensor("conv1.bias", {config.hidden_size})),
      conv2_weight_(weights.tensor("conv2.weight", {config.hidden_size, config.hidden_size, 3})),
      conv2_bias_(weights.tensor("conv2.bias", {config.hidden_size})),
      positions_(config.sinusoids && !weights.has("embed_positions.weight")
                     ? sinusoids(config, weights.placement())
                     : weights.in(at::kFloat).tensor("embed_positions.weight", {config.positions, config.hidden_size})),
      norm_(weights.scope("layer_norm"), config.hidden_size, kNormEps) {
  const nn::WeightScope layers = weights.scope("layers");
  layers_.reserve(static_cast<std::size_t>(config.layers));
  for (std::size_t i = 0; i < static_cast<std::size_t>(config.layers); ++i) {
    layers_.emplace_back(layers.scope(std::to_string(i)), config_, i);
  }
}

at::Tensor WhisperEncoder::forward(const at::Tensor& features, Run& run, std::int64_t heard) const {
  run.checkpoint();
  const at::Tensor input = features.to(conv1_weight_.device(), conv1_weight_.scalar_type());
  at::Tensor x = at::gelu(at::conv1d(input, conv1_weight_, conv1_bias_, 1, 1));  // (batch, hidden, frames)
  nn::tap(run, "audio.conv1", "", x);
  x = at::gelu(at::conv1d(x, conv2_weight_, conv2_bias_, 2, 1));  // (batch, hidden, positions)
  nn::tap(run, "audio.conv2", "", x);
  x = (x.transpose(1, 2) + positions_).to(input.scalar_type());  // (batch, positions, hidden)
  if (heard != 0) x = x.narrow(1, 0, heard);
  x = x.contiguous();
  nn::tap(run, "audio.embeddings", "", x);
  for (const WhisperEncoderLayer& layer : layers_) {
    run.checkpoint();
    x = layer(x, *attention_, run);
    run.advance(features.size(0));
  }
  if (config_.pooling > 1) x = at::avg_pool1d(x.transpose(1, 2), config_.pooling).transpose(1, 2).contiguous();
  x = norm_(x);
  nn::tap(run, "audio.norm", "", x);
  return x;
}

}  // namespace lmm::towers
