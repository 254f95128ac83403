#pragma once

#include "lib/nn/kernels/cpu.hpp"
#include "lib/nn/kernels/thread_pool.hpp"
#include "lib/nn/kernels/views.hpp"

#include <cstdint>
#include <vector>

namespace lmm::nn::kernels {

/// Keys and values of one layer, each (kv_heads, capacity, head_dim) of `dtype`, contiguous.
struct LayerCache {
  void* keys = nullptr;
  void* values = nullptr;
  DType dtype = DType::fp32;
  std::int64_t capacity = 0;
};

/// Heads of an attention layer; `heads` is a multiple of `kv_heads`, `head_dim` is even.
struct AttentionShape {
  std::int64_t heads = 0;
  std::int64_t kv_heads = 0;
  std::int64_t head_dim = 0;
  float scale = 0;  ///< of the scores, usually 1 / sqrt(head_dim)
};

/// Rotates x (heads, head_dim) in place, halves split as Llama's rotate_half does. cos, sin (head_dim / 2): those of
/// the token's position (transformers' tables repeat the same numbers in their second half).
void rope(Isa isa, float* x, std::int64_t heads, std::int64_t head_dim, const float* cos, const float* sin) noexcept;

/// Writes one token's keys and values, each (kv_heads, head_dim), at `position` < capacity.
void append(Isa isa, const AttentionShape& shape, const LayerCache& cache, std::int64_t position, const float* keys,
            const float* values) noexcept;

/// Softmax attention of one token over the positions [begin, end) of the cache, its own among them:
/// queries (heads, head_dim), rotated -> out (heads, head_dim). Query head h reads key/value head h / (heads /
/// kv_heads). Long contexts are shared out in slices of fixed length, so the number of threads does not show in the
/// result. `scratch` is grown as needed. Throws std::bad_alloc.
void attention(ThreadPool& pool, Isa isa, const AttentionShape& shape, const LayerCache& cache, std::int64_t begin,
               std::int64_t end, const float* queries, float* out, std::vector<float>& scratch);

}  // namespace lmm::nn::kernels
