#include "lib/towers/text/fused_decoder.hpp"

#include "lib/towers/text/decoder.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

namespace lmm::towers {
namespace {

namespace kernels = nn::kernels;

kernels::VectorView view(const at::Tensor& vector) {
  return {vector.const_data_ptr(), nn::kernel_type(vector.scalar_type()), vector.numel()};
}

kernels::LinearView matrix(const at::Tensor& weight) { return nn::Matrix(weight).view(); }

}  // namespace

kernels::MixtureWeights FusedDecoder::mixture_of(const MixtureMlp& mixture) {
  kernels::MixtureWeights views;
  views.router = matrix(mixture.router_);
  for (const MixtureMlp::Expert& expert : mixture.experts_) {
    views.experts.push_back({matrix(expert.gate), matrix(expert.up), matrix(expert.down)});
  }
  views.chosen = mixture.config_.chosen;
  views.normalise = mixture.config_.normalise;
  return views;
}

std::unique_ptr<FusedDecoder> FusedDecoder::make(const Decoder& decoder, std::shared_ptr<kernels::ThreadPool> pool) {
  const at::Tensor& weight = decoder.embed_tokens_;
  const bool known_type = weight.scalar_type() == at::kFloat || weight.scalar_type() == at::kBFloat16;
  const bool silu = decoder.config_.activation == "silu" || decoder.config_.activation == "swish";
  if (pool == nullptr || !weight.device().is_cpu() || !known_type || !silu) return nullptr;
  return std::unique_ptr<FusedDecoder>(new FusedDecoder(decoder, std::move(pool)));
}

FusedDecoder::FusedDecoder(const Decoder& decoder, std::shared_ptr<kernels::ThreadPool> pool)
    : pool_(std::move(pool)),
      isa_(kernels::best_isa()),
      rope_(decoder.rope_),
      cache_dtype_(nn::kernel_type(decoder.embed_tokens_.scalar_type())) {
  const DecoderConfig& config = decoder.config_;
  weights_.shape.hidden = config.hidden_size;
  weights_.shape.intermediate = config.intermediate_size;
  weights_.shape.attention.heads = config.heads;
  weights_.shape.attention.kv_heads = config.kv_heads;
  weights_.shape.attention.head_dim = config.head_dim;
  weights_.shape.attention.scale = 1.0f / std::sqrt(static_cast<float>(config.head_dim));
  weights_.shape.norm_eps = config.norm_eps;
  for (const DecoderLayer& layer : decoder.layers_) {
    kernels::LayerWeights views;
    views.window = config.windows[layer.index_];
    if (layer.q_norm_) views.q_norm = view(layer.q_norm_->weight());
    if (layer.k_norm_) views.k_norm = view(layer.k_norm_->weight());
    views.input_norm = view(layer.input_norm_.weight());
    views.q = layer.q_.view();
    views.k = layer.k_.view();
    views.v = layer.v_.view();
    views.o = layer.o_.view();
    views.post_norm = view(layer.post_norm_.weight());
    if (const auto* mlp = std::get_if<GatedMlp>(&layer.mlp_)) {
      views.gate = mlp->gate_.view();
      views.up = mlp->up_.view();
      views.down = mlp->down_.view();
    } else {
      views.mixture = mixture_of(std::get<MixtureMlp>(layer.mlp_));
    }
    weights_.layers.push_back(views);
  }
  weights_.final_norm = view(decoder.norm_.weight());
  weights_.head = decoder.lm_head_.view();
  kernels::check_shapes(weights_);
  x_.resize(static_cast<std::size_t>(config.hidden_size));
  cos_.resize(static_cast<std::size_t>(config.head_dim / 2));
  sin_.resize(cos_.size());
}

void FusedDecoder::step(const at::Tensor& embedding, const nn::Position& position, nn::KvCache& cache,
                        std::span<float> logits) {
  cache.reserve(1);
  std::vector<kernels::LayerCache> caches;
  caches.reserve(weights_.layers.size());
  for (std::size_t i = 0; i < weights_.layers.size(); ++i) {
    nn::LayerKv& layer = cache.layer(i);
    caches.push_back({layer.keys.mutable_data_ptr(), layer.values.mutable_data_ptr(), cache_dtype_, cache.capacity()});
  }
  rope_.angles(position, cos_, sin_);
  const at::Tensor wide = embedding.to(at::kFloat).contiguous();
  std::copy_n(wide.const_data_ptr<float>(), x_.size(), x_.begin());
  kernels::decode_step(*pool_, isa_, weights_, caches, {cos_.data(), sin_.data()}, cache.length(), x_.data(), logits.data(),
                       scratch_);
  cache.commit(1);
}

}  // namespace lmm::towers
