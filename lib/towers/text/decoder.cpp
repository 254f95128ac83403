#include "lib/towers/text/decoder.hpp"

#include "lib/core/error.hpp"
#include "lib/nn/tap.hpp"
#include "lib/towers/text/fused_decoder.hpp"

#include <ATen/ATen.h>

#include <algorithm>

namespace lmm::towers {
namespace {

std::variant<GatedMlp, MixtureMlp> mlp_of(const nn::WeightScope& weights, const DecoderConfig& config, std::size_t layer) {
  if (config.mixture.layers[layer]) {
    if (weights.packing() != WeightType::full) {
      fail(ErrorCode::unsupported, "weights {}: mixtures of experts are not packed, expected weights full",
           weight_type_name(weights.packing()));
    }
    return MixtureMlp(weights, config);
  }
  return GatedMlp(weights, config);
}

}  // namespace

DecoderLayer::DecoderLayer(const nn::WeightScope& weights, const DecoderConfig& config, std::size_t index)
    : config_(config),
      index_(index),
      name_(fmt::format("text.layer.{}", index)),
      input_norm_(weights.scope("input_layernorm"), config.hidden_size, config.norm_eps),
      q_(weights.scope("self_attn.q_proj"), config.hidden_size, config.heads * config.head_dim, config.qkv_bias),
      k_(weights.scope("self_attn.k_proj"), config.hidden_size, config.kv_heads * config.head_dim, config.qkv_bias),
      v_(weights.scope("self_attn.v_proj"), config.hidden_size, config.kv_heads * config.head_dim, config.qkv_bias),
      o_(weights.scope("self_attn.o_proj"), config.heads * config.head_dim, config.hidden_size, config.o_bias),
      post_norm_(weights.scope("post_attention_layernorm"), config.hidden_size, config.norm_eps),
      mlp_(mlp_of(weights.scope("mlp"), config, index)) {
  if (!config.qk_norm) return;
  q_norm_.emplace(weights.scope("self_attn.q_norm"), config.head_dim, config.norm_eps);
  k_norm_.emplace(weights.scope("self_attn.k_norm"), config.head_dim, config.norm_eps);
}

at::Tensor DecoderLayer::attend(const at::Tensor& x, const nn::RopeTable& rope, nn::KvCache& cache,
                                nn::Attention& attention) const {
  const auto tokens = x.size(1);
  const auto heads_first = [&](const at::Tensor& t, std::int64_t heads, const std::optional<nn::RmsNorm>& norm) {
    const at::Tensor split = t.view({1, tokens, heads, config_.head_dim});
    return (norm ? (*norm)(split) : split).transpose(1, 2);  // (1, heads, tokens, head_dim)
  };
  const at::Tensor q = nn::rotate(heads_first(q_(x), config_.heads, q_norm_), rope);
  const at::Tensor k = nn::rotate(heads_first(k_(x), config_.kv_heads, k_norm_), rope);
  const at::Tensor v = heads_first(v_(x), config_.kv_heads, std::nullopt);
  const nn::LayerKv kv = cache.append(index_, k, v);
  return o_(attention.sliding(q, kv.keys, kv.values, config_.windows[index_]));
}

at::Tensor DecoderLayer::operator()(const at::Tensor& x, const nn::RopeTable& rope, nn::KvCache& cache,
                                    nn::Attention& attention, const Run& run) const {
  const at::Tensor attended = attend(input_norm_(x), rope, cache, attention);
  nn::tap(run, name_, ".attn_out", attended);
  const at::Tensor middle = x + attended;
  const at::Tensor normed = post_norm_(middle);
  const at::Tensor mlp = std::visit([&](const auto& layer) { return layer(normed); }, mlp_);
  nn::tap(run, name_, ".mlp_out", mlp);
  at::Tensor out = middle + mlp;
  nn::tap(run, name_, "", out);
  return out;
}

namespace {

constexpr const char* kInput = "embed_tokens.weight";
constexpr const char* kOutput = "lm_head.weight";

/// The input embedding (vocabulary, hidden). Tied to an output that alone is stored, it is that one.
at::Tensor input_matrix(const nn::WeightScope& weights, const nn::WeightScope& head, const DecoderConfig& config,
                        bool tied) {
  const bool stored_as_output = tied && !weights.has(kInput) && head.has(kOutput);
  return stored_as_output ? head.tensor(kOutput, {config.vocab_size, config.hidden_size})
                          : weights.tensor(kInput, {config.vocab_size, config.hidden_size});
}

/// The output matrix (vocabulary, hidden). A checkpoint that says "tied" but stores another one is not tied, as in the
/// reference (PreTrainedModel.tie_weights).
at::Tensor output_matrix(const nn::WeightScope& head, const at::Tensor& input, bool tied) {
  if (tied && !head.has(kOutput)) return input;
  const at::Tensor stored = head.tensor(kOutput, input.sizes().vec());
  return tied && at::equal(stored, input) ? input : stored;
}

}  // namespace

Decoder::Decoder(const nn::WeightScope& weights, const nn::WeightScope& head, const DecoderConfig& config, bool tied)
    : config_(config),
      embed_tokens_(input_matrix(weights, head, config, tied)),
      norm_(weights.scope("norm"), config.hidden_size, config.norm_eps),
      rope_(config.rope, weights.placement()),
      lm_head_(weights.packable().packed_output(output_matrix(head, embed_tokens_, tied))) {
  const nn::WeightScope layers = weights.scope("layers").packable();
  layers_.reserve(static_cast<std::size_t>(config.layers));
  for (std::size_t i = 0; i < static_cast<std::size_t>(config.layers); ++i) {
    layers_.emplace_back(layers.scope(std::to_string(i)), config_, i);
  }
  fused_ = FusedDecoder::make(*this, weights.placement().pool);
}

Decoder::~Decoder() = default;

std::unique_ptr<nn::KvCache> Decoder::new_cache() const {
  const nn::Placement placement{embed_tokens_.device(), embed_tokens_.scalar_type()};
  return std::make_unique<nn::KvCache>(config_.layers, config_.kv_heads, config_.head_dim, placement);
}

at::Tensor Decoder::embed(std::span<const std::int32_t> ids) const {
  // The ids are read before this returns: index_select copies rows.
  const at::Tensor index = at::from_blob(const_cast<std::int32_t*>(ids.data()), {static_cast<std::int64_t>(ids.size())},
                                         at::TensorOptions().dtype(at::kInt));
  return at::index_select(embed_tokens_, 0, index.to(embed_tokens_.device())).unsqueeze(0);
}

at::Tensor Decoder::forward(const DecoderInput& input, nn::KvCache& cache, Run& run) const {
  const auto tokens = input.embeddings.size(1);
  cache.reserve(tokens);
  const nn::RopeTable rope =
      input.positions.empty() ? rope_.table(cache.length(), tokens) : rope_.table(input.positions);
  at::Tensor x = input.embeddings;
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    run.checkpoint();
    x = layers_[i](x, rope, cache, *attention_, run);
    for (const DeepStackRows& more : input.deep_stack) {
      if (more.layer == i) x.select(0, 0).narrow(0, more.first, more.rows.size(0)).add_(more.rows);
    }
    run.advance(tokens);
  }
  cache.commit(tokens);
  const at::Tensor last = norm_(x.narrow(1, tokens - 1, 1)).squeeze(1);  // (1, hidden)
  nn::tap(run, "text.norm", "", last);
  return last;
}

at::Tensor Decoder::logits(const at::Tensor& hidden) const {
  return lm_head_.linear(hidden).view({-1}).to(at::kCPU, at::kFloat);
}

void Decoder::step(const DecoderInput& input, nn::KvCache& cache, std::span<float> out, Run& run) const {
  if (fused_ != nullptr && !run.observed() && input.deep_stack.empty()) {
    run.checkpoint();
    const std::int64_t plain = cache.length();
    fused_->step(input.embeddings, input.positions.empty() ? nn::Position{plain, plain, plain} : input.positions.front(),
                 cache, out);
    run.advance(config_.layers);
    return;
  }
  const at::Tensor row = logits(forward(input, cache, run));
  nn::tap(run, "logits", "", row);
  std::copy_n(row.const_data_ptr<float>(), out.size(), out.begin());
}

}  // namespace lmm::towers
