#include "lib/nn/kernels/decode.hpp"

#include "lib/core/error.hpp"

#include <algorithm>
#include <string>
#include <string_view>

namespace lmm::nn::kernels {
namespace {

void check_dtype(DType dtype, std::string_view name) {
  if (dtype != DType::fp32 && dtype != DType::bf16) {
    fail(ErrorCode::bad_file, "{} is {}, expected fp32 or bf16", name, dtype_name(dtype));
  }
}

void check(const LinearView& w, std::int64_t out, std::int64_t in, const std::string& name) {
  if (w.weight == nullptr || w.out != out || w.in != in) {
    fail(ErrorCode::bad_file, "{} is ({}, {}), expected ({}, {})", name, w.weight ? w.out : 0, w.weight ? w.in : 0, out,
         in);
  }
  check_dtype(w.dtype, name);
}

void check(const VectorView& v, std::int64_t size, const std::string& name) {
  if (v.data == nullptr || v.size != size) {
    fail(ErrorCode::bad_file, "{} is ({}), expected ({})", name, v.data ? v.size : 0, size);
  }
  check_dtype(v.dtype, name);
}

void check(const MixtureWeights& mixture, std::int64_t hidden, const std::string& name) {
  const auto experts = static_cast<std::int64_t>(mixture.experts.size());
  if (mixture.chosen < 1 || mixture.chosen > experts) {
    fail(ErrorCode::bad_file, "{}{} of {} experts chosen", name, mixture.chosen, experts);
  }
  check(mixture.router, experts, hidden, name + "router");
  const std::int64_t intermediate = mixture.experts.front().gate.out;
  for (const ExpertWeights& expert : mixture.experts) {
    check(expert.gate, intermediate, hidden, name + "expert gate");
    check(expert.up, intermediate, hidden, name + "expert up");
    check(expert.down, hidden, intermediate, name + "expert down");
  }
}

void check_room(const LayerCache& cache, std::int64_t position) {
  if (position < 0 || position >= cache.capacity) {
    fail(ErrorCode::invalid_argument, "decode: position {} is not within the cache's capacity of {}", position,
         cache.capacity);
  }
}

void reserve(const DecoderShape& shape, DecodeScratch& scratch) {
  const AttentionShape& heads = shape.attention;
  scratch.normed.resize(static_cast<std::size_t>(shape.hidden));
  scratch.q.resize(static_cast<std::size_t>(heads.heads * heads.head_dim));
  scratch.attended.resize(scratch.q.size());
  scratch.k.resize(static_cast<std::size_t>(heads.kv_heads * heads.head_dim));
  scratch.v.resize(scratch.k.size());
  scratch.activated.resize(static_cast<std::size_t>(shape.intermediate));
}

}  // namespace

void check_shapes(const DecoderWeights& decoder) {
  const DecoderShape& shape = decoder.shape;
  const AttentionShape& heads = shape.attention;
  if (shape.hidden <= 0 || shape.intermediate <= 0 || heads.kv_heads <= 0 || heads.heads < heads.kv_heads ||
      heads.heads % heads.kv_heads != 0 || heads.head_dim <= 0 || heads.head_dim % 2 != 0) {
    fail(ErrorCode::bad_file, "decoder of hidden size {}, intermediate size {}, {} heads, {} key/value heads of {}",
         shape.hidden, shape.intermediate, heads.heads, heads.kv_heads, heads.head_dim);
  }
  const std::int64_t wide = heads.heads * heads.head_dim, narrow = heads.kv_heads * heads.head_dim;
  for (std::size_t i = 0; i < decoder.layers.size(); ++i) {
    const LayerWeights& layer = decoder.layers[i];
    const std::string name = "decoder layer " + std::to_string(i) + ": ";
    check(layer.input_norm, shape.hidden, name + "input norm");
    check(layer.q, wide, shape.hidden, name + "q");
    check(layer.k, narrow, shape.hidden, name + "k");
    check(layer.v, narrow, shape.hidden, name + "v");
    if (layer.q_norm.data != nullptr) check(layer.q_norm, heads.head_dim, name + "q norm");
    if (layer.k_norm.data != nullptr) check(layer.k_norm, heads.head_dim, name + "k norm");
    check(layer.o, shape.hidden, wide, name + "o");
    check(layer.post_norm, shape.hidden, name + "post norm");
    if (!layer.mixture.experts.empty()) {
      check(layer.mixture, shape.hidden, name);
      continue;
    }
    check(layer.gate, shape.intermediate, shape.hidden, name + "gate");
    check(layer.up, shape.intermediate, shape.hidden, name + "up");
    check(layer.down, shape.hidden, shape.intermediate, name + "down");
  }
  check(decoder.final_norm, shape.hidden, "decoder: final norm");
  check(decoder.head, decoder.head.out, shape.hidden, "decoder: head");
}

void decode_layer(ThreadPool& pool, Isa isa, const DecoderShape& shape, const LayerWeights& weights,
                  const LayerCache& cache, RopeAngles angles, std::int64_t position, float* x, DecodeScratch& scratch) {
  check_room(cache, position);
  reserve(shape, scratch);
  const AttentionShape& heads = shape.attention;
  float* const normed = scratch.normed.data();
  float* const q = scratch.q.data();
  float* const k = scratch.k.data();
  float* const v = scratch.v.data();

  rms_norm(isa, weights.input_norm, shape.norm_eps, x, 1, normed);
  const LinearTask qkv[] = {{weights.q, q}, {weights.k, k}, {weights.v, v}};
  linears(pool, isa, qkv, normed, 1);

  if (weights.q_norm.data != nullptr) rms_norm(isa, weights.q_norm, shape.norm_eps, q, heads.heads, q);
  if (weights.k_norm.data != nullptr) rms_norm(isa, weights.k_norm, shape.norm_eps, k, heads.kv_heads, k);
  rope(isa, q, heads.heads, heads.head_dim, angles.cos, angles.sin);
  rope(isa, k, heads.kv_heads, heads.head_dim, angles.cos, angles.sin);
  append(isa, heads, cache, position, k, v);
  const std::int64_t first = weights.window > 0 ? std::max<std::int64_t>(position + 1 - weights.window, 0) : 0;
  attention(pool, isa, heads, cache, first, position + 1, q, scratch.attended.data(), scratch.partial);
  linear(pool, isa, weights.o, scratch.attended.data(), 1, x, true);

  rms_norm(isa, weights.post_norm, shape.norm_eps, x, 1, normed);
  if (!weights.mixture.experts.empty()) return add_mixture(pool, isa, weights.mixture, normed, x, scratch.mixture);
  gated_linear(pool, isa, weights.gate, weights.up, normed, 1, scratch.activated.data());
  linear(pool, isa, weights.down, scratch.activated.data(), 1, x, true);
}

Best decode_head(ThreadPool& pool, Isa isa, const DecoderWeights& decoder, const float* x, float* logits,
                 DecodeScratch& scratch) {
  reserve(decoder.shape, scratch);
  rms_norm(isa, decoder.final_norm, decoder.shape.norm_eps, x, 1, scratch.normed.data());
  return lm_head(pool, isa, decoder.head, scratch.normed.data(), logits, scratch.best);
}

Best decode_step(ThreadPool& pool, Isa isa, const DecoderWeights& decoder, std::span<const LayerCache> caches,
                 RopeAngles angles, std::int64_t position, float* x, float* logits, DecodeScratch& scratch) {
  if (caches.size() != decoder.layers.size()) {
    fail(ErrorCode::invalid_argument, "decode: {} caches for {} layers", caches.size(), decoder.layers.size());
  }
  for (const LayerCache& cache : caches) check_room(cache, position);
  for (std::size_t i = 0; i < caches.size(); ++i) {
    decode_layer(pool, isa, decoder.shape, decoder.layers[i], caches[i], angles, position, x, scratch);
  }
  return decode_head(pool, isa, decoder, x, logits, scratch);
}

}  // namespace lmm::nn::kernels
