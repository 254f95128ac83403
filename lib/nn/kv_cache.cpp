#include "lib/nn/kv_cache.hpp"

#include <ATen/ATen.h>

#include <algorithm>

namespace lmm::nn {

KvCache::KvCache(std::int64_t layers, std::int64_t kv_heads, std::int64_t head_dim, const Placement& placement)
    : layers_(static_cast<std::size_t>(layers)), kv_heads_(kv_heads), head_dim_(head_dim), placement_(placement) {}

void KvCache::truncate(std::int64_t length) { length_ = std::min(length_, length); }

std::unique_ptr<State> KvCache::clone() const {
  auto copy = std::make_unique<KvCache>(static_cast<std::int64_t>(layers_.size()), kv_heads_, head_dim_, placement_);
  if (length_ == 0) return copy;
  copy->reserve(length_);
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    copy->layers_[i].keys.narrow(2, 0, length_).copy_(layers_[i].keys.narrow(2, 0, length_));
    copy->layers_[i].values.narrow(2, 0, length_).copy_(layers_[i].values.narrow(2, 0, length_));
  }
  copy->length_ = length_;
  return copy;
}

void KvCache::reserve(std::int64_t tokens) {
  constexpr std::int64_t kStep = 64;
  const std::int64_t needed = length_ + tokens;
  if (needed <= capacity_) return;
  const std::int64_t capacity = (std::max(needed, capacity_ + capacity_ / 2) + kStep - 1) / kStep * kStep;
  const auto options = at::TensorOptions().device(placement_.device).dtype(placement_.dtype);
  std::vector<LayerKv> grown(layers_.size());
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    grown[i].keys = at::empty({1, kv_heads_, capacity, head_dim_}, options);
    grown[i].values = at::empty({1, kv_heads_, capacity, head_dim_}, options);
    if (length_ == 0) continue;
    grown[i].keys.narrow(2, 0, length_).copy_(layers_[i].keys.narrow(2, 0, length_));
    grown[i].values.narrow(2, 0, length_).copy_(layers_[i].values.narrow(2, 0, length_));
  }
  layers_ = std::move(grown);  // all or nothing: an allocation that fails leaves the cache as it was
  capacity_ = capacity;
}

LayerKv KvCache::append(std::size_t layer, const at::Tensor& keys, const at::Tensor& values) {
  const std::int64_t tokens = keys.size(2);
  LayerKv& own = layers_[layer];
  own.keys.narrow(2, length_, tokens).copy_(keys);
  own.values.narrow(2, length_, tokens).copy_(values);
  return {own.keys.narrow(2, 0, length_ + tokens), own.values.narrow(2, 0, length_ + tokens)};
}

}  // namespace lmm::nn
