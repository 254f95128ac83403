#include "lib/towers/text/fused_decoder.hpp"

#include "lib/towers/text/decoder.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

namespace lmm::towers {
namespace {

namespace kernels = nn::kernels;

DType kernel_type(const at::Tensor& tensor) {
  return tensor.scalar_type() == at::kBFloat16 ? DType::bf16 : DType::fp32;
}

kernels::VectorView view(const at::Tensor& vector) {
  return {vector.const_data_ptr(), kernel_type(vector), vector.numel()};
}

kernels::LinearView view(const nn::Linear& linear) {
  const at::Tensor& weight = linear.weight();
  const void* bias = linear.bias().defined() ? linear.bias().const_data_ptr() : nullptr;
  return {weight.const_data_ptr(), kernel_type(weight), weight.size(0), weight.size(1), bias};
}

}  // namespace

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
      attention_factor_(static_cast<float>(decoder.rope_.attention_factor())),
      cache_dtype_(kernel_type(decoder.embed_tokens_)) {
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
    views.input_norm = view(layer.input_norm_.weight());
    views.q = view(layer.q_);
    views.k = view(layer.k_);
    views.v = view(layer.v_);
    views.o = view(layer.o_);
    views.post_norm = view(layer.post_norm_.weight());
    views.gate = view(layer.gate_);
    views.up = view(layer.up_);
    views.down = view(layer.down_);
    weights_.layers.push_back(views);
  }
  weights_.final_norm = view(decoder.norm_.weight());
  const at::Tensor& head = decoder.lm_head_;
  weights_.head = {head.const_data_ptr(), kernel_type(head), head.size(0), head.size(1), nullptr};
  kernels::check_shapes(weights_);
  const at::Tensor& inverse = decoder.rope_.inverse_frequencies();
  inverse_frequencies_.assign(inverse.const_data_ptr<float>(), inverse.const_data_ptr<float>() + inverse.numel());
  x_.resize(static_cast<std::size_t>(config.hidden_size));
  cos_.resize(inverse_frequencies_.size());
  sin_.resize(inverse_frequencies_.size());
}

void FusedDecoder::step(const at::Tensor& embedding, nn::KvCache& cache, std::span<float> logits) {
  cache.reserve(1);
  const std::int64_t position = cache.length();
  std::vector<kernels::LayerCache> caches;
  caches.reserve(weights_.layers.size());
  for (std::size_t i = 0; i < weights_.layers.size(); ++i) {
    nn::LayerKv& layer = cache.layer(i);
    caches.push_back({layer.keys.mutable_data_ptr(), layer.values.mutable_data_ptr(), cache_dtype_, cache.capacity()});
  }
  for (std::size_t i = 0; i < inverse_frequencies_.size(); ++i) {
    const float angle = static_cast<float>(position) * inverse_frequencies_[i];
    cos_[i] = std::cos(angle) * attention_factor_;
    sin_[i] = std::sin(angle) * attention_factor_;
  }
  const at::Tensor wide = embedding.to(at::kFloat).contiguous();
  std::copy_n(wide.const_data_ptr<float>(), x_.size(), x_.begin());
  kernels::decode_step(*pool_, isa_, weights_, caches, {cos_.data(), sin_.data()}, position, x_.data(), logits.data(),
                       scratch_);
  cache.commit(1);
}

}  // namespace lmm::towers
