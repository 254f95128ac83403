#include "lib/models/whisper/decoder.hpp"

#include "lib/core/error.hpp"
#include "lib/models/whisper/fused_decoder.hpp"
#include "lib/nn/tap.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

namespace lmm::models::whisper {
namespace {

constexpr double kNormEps = 1e-5;  // nn.LayerNorm's own
constexpr const char* kHead = "proj_out.weight";

/// The output matrix (vocabulary, hidden). A checkpoint that says "tied" but stores another one is not tied, as in the
/// reference (PreTrainedModel.tie_weights).
at::Tensor output_matrix(const nn::WeightScope& head, const at::Tensor& input, bool tied) {
  if (tied && !head.has(kHead)) return input;
  const at::Tensor stored = head.tensor(kHead, input.sizes().vec());
  return tied && at::equal(stored, input) ? input : stored;
}

/// A bare model's save_pretrained knows no proj_out; a tied one may be stored as proj_out alone.
at::Tensor input_matrix(const nn::WeightScope& weights, const nn::WeightScope& head, const Config& config) {
  const std::vector<std::int64_t> shape = {config.vocab_size, config.hidden_size};
  const bool stored_as_output = config.tie_word_embeddings && !weights.has("embed_tokens.weight") && head.has(kHead);
  return stored_as_output ? head.tensor(kHead, shape) : weights.tensor("embed_tokens.weight", shape);
}

}  // namespace

AttentionWeights::AttentionWeights(const nn::WeightScope& weights, std::int64_t hidden)
    : q(weights.scope("q_proj"), hidden, hidden, true),
      k(weights.scope("k_proj"), hidden, hidden, false),
      v(weights.scope("v_proj"), hidden, hidden, true),
      out(weights.scope("out_proj"), hidden, hidden, true) {}

DecoderLayer::DecoderLayer(const nn::WeightScope& weights, const Config& config, std::size_t index)
    : heads_(config.heads),
      index_(index),
      name_(fmt::format("text.layer.{}", index)),
      self_norm_(weights.scope("self_attn_layer_norm"), config.hidden_size, kNormEps),
      self_(weights.scope("self_attn"), config.hidden_size),
      cross_norm_(weights.scope("encoder_attn_layer_norm"), config.hidden_size, kNormEps),
      cross_(weights.scope("encoder_attn"), config.hidden_size),
      final_norm_(weights.scope("final_layer_norm"), config.hidden_size, kNormEps),
      fc1_(weights.scope("fc1"), config.hidden_size, config.intermediate_size, true),
      fc2_(weights.scope("fc2"), config.intermediate_size, config.hidden_size, true),
      activation_(config.activation) {}

at::Tensor DecoderLayer::heads_first(const at::Tensor& x) const {
  return x.view({1, x.size(1), heads_, -1}).transpose(1, 2);  // (1, heads, tokens, head_dim)
}

nn::LayerKv DecoderLayer::cross(const at::Tensor& encoded) const {
  return {heads_first(cross_.k(encoded)).contiguous(), heads_first(cross_.v(encoded)).contiguous()};
}

at::Tensor DecoderLayer::operator()(const at::Tensor& x, const nn::LayerKv& crossing, nn::KvCache& cache,
                                    nn::Attention& attention, const Run& run, at::Tensor* queries) const {
  const at::Tensor normed = self_norm_(x);
  const nn::LayerKv own = cache.append(index_, heads_first(self_.k(normed)), heads_first(self_.v(normed)));
  const at::Tensor self = self_.out(attention(heads_first(self_.q(normed)), own.keys, own.values, /*causal=*/true));
  nn::tap(run, name_, ".self_attn_out", self);
  const at::Tensor heard = x + self;
  const at::Tensor q = heads_first(cross_.q(cross_norm_(heard)));
  const at::Tensor crossed = cross_.out(attention(q, crossing.keys, crossing.values, /*causal=*/false));
  nn::tap(run, name_, ".cross_attn_out", crossed);
  const at::Tensor middle = heard + crossed;
  const at::Tensor mlp = fc2_(fc1_(final_norm_(middle), activation_));
  nn::tap(run, name_, ".mlp_out", mlp);
  at::Tensor out = middle + mlp;
  nn::tap(run, name_, "", out);
  if (queries != nullptr) *queries = q;
  return out;
}

Decoder::Decoder(const nn::WeightScope& weights, const nn::WeightScope& head, const Config& config,
                 std::vector<AlignmentHead> aligned)
    : config_(config),
      aligned_(std::move(aligned)),
      embed_tokens_(input_matrix(weights, head, config)),
      positions_(weights.tensor("embed_positions.weight", {config.positions, config.hidden_size})),
      norm_(weights.scope("layer_norm"), config.hidden_size, kNormEps),
      head_(weights.packable().packed_output(output_matrix(head, embed_tokens_, config.tie_word_embeddings))) {
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
  return std::make_unique<nn::KvCache>(config_.layers, config_.heads, config_.head_dim(), placement);
}

Crossing Decoder::cross(const at::Tensor& encoded, Run& run) const {
  Crossing out;
  for (const DecoderLayer& layer : layers_) {
    run.checkpoint();
    out.push_back(layer.cross(encoded));
  }
  return out;
}

at::Tensor Decoder::forward(std::span<const std::int32_t> ids, const Crossing& crossing, nn::KvCache& cache, Run& run,
                            at::Tensor* weights) const {
  const auto tokens = static_cast<std::int64_t>(ids.size());
  if (cache.length() + tokens > config_.positions) {
    fail(ErrorCode::internal, "{} tokens, but the decoder has {} positions", cache.length() + tokens, config_.positions);
  }
  cache.reserve(tokens);
  const at::Tensor index = at::from_blob(const_cast<std::int32_t*>(ids.data()), {tokens}, at::TensorOptions().dtype(at::kInt));
  at::Tensor x = at::index_select(embed_tokens_, 0, index.to(embed_tokens_.device()));
  x = (x + positions_.narrow(0, cache.length(), tokens)).unsqueeze(0);  // (1, tokens, hidden)
  std::vector<at::Tensor> aligned(weights != nullptr ? aligned_.size() : 0);
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    run.checkpoint();
    at::Tensor queries;
    x = layers_[i](x, crossing[i], cache, *attention_, run, weights != nullptr ? &queries : nullptr);
    if (weights != nullptr) align(i, queries, crossing[i], aligned);
  }
  cache.commit(tokens);
  x = norm_(x).squeeze(0);
  nn::tap(run, "text.norm", "", x);
  if (weights != nullptr) *weights = at::stack(aligned).transpose(0, 1).contiguous();  // (tokens, aligned, positions)
  return x;
}

at::Tensor Decoder::logits(const at::Tensor& hidden) const {
  return head_.linear(hidden).to(at::kCPU, at::kFloat).contiguous();
}

void Decoder::step(std::span<const std::int32_t> ids, const Crossing& crossing,
                   std::span<const std::unique_ptr<nn::KvCache>> caches, std::span<float> logits, Run& run,
                   at::Tensor* weights) const {
  if (fused_ != nullptr && !run.observed()) return fused_->step(ids, crossing, caches, logits, run, weights);
  const auto vocab = static_cast<std::size_t>(config_.vocab_size);
  std::vector<at::Tensor> all;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    at::Tensor own;
    const at::Tensor hidden = forward(ids.subspan(i, 1), crossing, *caches[i], run, weights != nullptr ? &own : nullptr);
    const at::Tensor row = this->logits(hidden);
    nn::tap(run, "logits", "", row);
    std::copy_n(row.const_data_ptr<float>(), vocab, logits.begin() + static_cast<std::ptrdiff_t>(i * vocab));
    all.push_back(own);
  }
  if (weights != nullptr) *weights = at::cat(all);
}

void Decoder::align(std::size_t layer, const at::Tensor& queries, const nn::LayerKv& crossing,
                    std::vector<at::Tensor>& rows) const {
  const double scale = std::pow(static_cast<double>(config_.head_dim()), -0.5);
  for (std::size_t i = 0; i < aligned_.size(); ++i) {
    if (aligned_[i].layer != static_cast<std::int64_t>(layer)) continue;
    const at::Tensor q = queries.select(0, 0).select(0, aligned_[i].head) * scale;  // (tokens, head_dim)
    const at::Tensor k = crossing.keys.select(0, 0).select(0, aligned_[i].head);    // (positions, head_dim)
    rows[i] = at::softmax(at::matmul(q, k.t()), -1).to(at::kCPU, at::kFloat);
  }
}

}  // namespace lmm::models::whisper
