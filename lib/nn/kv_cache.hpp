#pragma once

#include "lib/nn/placement.hpp"
#include "lib/nn/state.hpp"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <vector>

namespace lmm::nn {

/// Keys and values of one layer: (1, kv_heads, capacity, head_dim) each.
struct LayerKv {
  at::Tensor keys;
  at::Tensor values;
};

/// Full-attention KV cache of a decoder. Layers write behind `length`; commit() makes that part of it, so that a
/// forward pass that is cancelled half-way leaves nothing behind.
class KvCache final : public State {
 public:
  KvCache(std::int64_t layers, std::int64_t kv_heads, std::int64_t head_dim, const Placement& placement);

  std::int64_t length() const override { return length_; }
  void truncate(std::int64_t length) override;
  std::unique_ptr<State> clone() const override;

  /// Makes room for `tokens` more. Grows by at least half of what is held.
  void reserve(std::int64_t tokens);
  std::int64_t capacity() const noexcept { return capacity_; }

  /// Writes keys and values (1, kv_heads, tokens, head_dim) behind the committed ones and gives all so far.
  LayerKv append(std::size_t layer, const at::Tensor& keys, const at::Tensor& values);

  LayerKv& layer(std::size_t index) { return layers_[index]; }
  void commit(std::int64_t tokens) { length_ += tokens; }

 private:
  std::vector<LayerKv> layers_;
  std::int64_t kv_heads_;
  std::int64_t head_dim_;
  Placement placement_;
  std::int64_t capacity_ = 0;
  std::int64_t length_ = 0;
};

}  // namespace lmm::nn
