#pragma once

#include "lib/nn/kernels/cpu.hpp"
#include "lib/nn/kernels/line_floats.hpp"
#include "lib/nn/kernels/thread_pool.hpp"

#include <cstdint>

namespace lmm::nn::kernels {

struct TileKernels;

/// Softmax attention of many tokens in bf16, as vision towers and prefills have it:
/// softmax(scale * q k^T) v, scores and sums in fp32; with bf16 dot products the weights are rounded to bf16 between the
/// two products.
/// All numbers are bf16; strides are in elements, head_dim is contiguous and even.
struct Bf16Attention {
  const std::uint16_t* q = nullptr;  ///< (heads, tokens, head_dim)
  const std::uint16_t* k = nullptr;  ///< (kv_heads, keys, head_dim)
  const std::uint16_t* v = nullptr;  ///< (kv_heads, keys, head_dim)
  std::uint16_t* out = nullptr;      ///< (tokens, heads, head_dim)
  std::int64_t q_head = 0, q_token = 0;
  std::int64_t k_head = 0, k_token = 0;
  std::int64_t v_head = 0, v_token = 0;
  std::int64_t out_head = 0, out_token = 0;
  std::int64_t heads = 0, kv_heads = 0;  ///< query head h reads key/value head h / (heads / kv_heads)
  std::int64_t tokens = 0, keys = 0, head_dim = 0;
  float scale = 0;
  bool causal = false;  ///< the last token sees all keys, the one before all but the last, and so on: keys >= tokens
};

/// True where this machine has the instructions (AVX2 at least; avx512_bf16 takes bf16 dot products) and the kernel takes
/// the shape (head_dim even, up to 256). Elsewhere another implementation has to do it.
bool has_bf16_attention(Isa isa, std::int64_t head_dim) noexcept;

/// The work in two stages of chunks: all of `pack` before any of `attend`, the chunks of a stage in any order on any
/// threads. Results do not depend on that order. Whoever owns the threads runs them; the object keeps room for the
/// packed keys and values, and can be bound to one attention after another. Only where has_bf16_attention().
class Bf16AttentionPlan {
 public:
  /// Throws std::bad_alloc.
  void bind(Isa isa, const Bf16Attention& attention);

  int pack_chunks() const noexcept;
  void pack(int chunk) noexcept;
  int attend_chunks() const noexcept;
  void attend(int chunk) const noexcept;

 private:
  Bf16Attention a_;
  const TileKernels* kernels_ = nullptr;
  std::int64_t padded_keys_ = 0, padded_dim_ = 0;
  // fp32 numbers, or bf16 ones in pairs: with L lanes and groups of G,
  LineFloats keys_;    // (kv_heads, padded keys / L, head_dim / G, L keys, G)
  LineFloats values_;  // (kv_heads, padded keys / G, padded head_dim, G keys)
};

/// Both stages on a pool. Throws std::bad_alloc.
void bf16_attention(ThreadPool& pool, Isa isa, const Bf16Attention& attention, Bf16AttentionPlan& plan);

}  // namespace lmm::nn::kernels
