#pragma once

#include "lib/nn/kernels/attention.hpp"
#include "lib/nn/kernels/linear.hpp"
#include "lib/nn/kernels/mixture.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace lmm::nn::kernels {

/// Shape of a Llama-style decoder with gated silu MLPs, shared by its layers.
struct DecoderShape {
  std::int64_t hidden = 0;
  std::int64_t intermediate = 0;
  AttentionShape attention;
  double norm_eps = 1e-6;
};

/// Weights of one layer, views into memory that outlives them. What may be absent is null.
struct LayerWeights {
  VectorView input_norm;  ///< (hidden)
  LinearView q;           ///< (heads * head_dim, hidden)
  LinearView k;           ///< (kv_heads * head_dim, hidden)
  LinearView v;           ///< (kv_heads * head_dim, hidden)
  VectorView q_norm;      ///< (head_dim) RMS norm of each query head before rotation, or absent (Qwen 3)
  VectorView k_norm;      ///< (head_dim) likewise of each key head
  LinearView o;           ///< (hidden, heads * head_dim)
  VectorView post_norm;   ///< (hidden)
  LinearView gate;        ///< (intermediate, hidden)
  LinearView up;          ///< (intermediate, hidden)
  LinearView down;        ///< (hidden, intermediate)
  MixtureWeights mixture;  ///< with experts: instead of gate, up and down
  std::int64_t window = 0;  ///< how many of the last positions attention sees, its own among them; 0: all
};

/// A decoder behind its embedding.
struct DecoderWeights {
  DecoderShape shape;
  std::vector<LayerWeights> layers;
  VectorView final_norm;  ///< (hidden)
  LinearView head;        ///< (vocab, hidden); the embedding itself where they are tied
};

/// cos and sin (head_dim / 2) each of the new token's position.
struct RopeAngles {
  const float* cos = nullptr;
  const float* sin = nullptr;
};

/// Room for intermediates; one for each thread that leads a decoding. Grows to what it is used with.
struct DecodeScratch {
  std::vector<float> normed, q, k, v, attended, activated, partial;
  std::vector<Best> best;
  MixtureScratch mixture;
};

/// Checks all shapes and dtypes once, when weights are bound. Error bad_file naming the layer and the tensor.
void check_shapes(const DecoderWeights& decoder);

/// One layer for one new token, in five parallel regions: x (hidden) in place; its key and value are written at
/// `position`, and it attends to the positions 0 .. position, or to the last of them that its window holds.
/// Error invalid_argument where the cache has no room at `position`, x is then unchanged; std::bad_alloc.
void decode_layer(ThreadPool& pool, Isa isa, const DecoderShape& shape, const LayerWeights& weights,
                  const LayerCache& cache, RopeAngles rope, std::int64_t position, float* x, DecodeScratch& scratch);

/// Final norm and head: logits (vocab) of x (hidden), and the largest. x is not changed. std::bad_alloc.
Best decode_head(ThreadPool& pool, Isa isa, const DecoderWeights& decoder, const float* x, float* logits,
                 DecodeScratch& scratch);

/// All layers and the head: x (hidden) is the token's embedding and becomes the last layer's output. `caches`, one a
/// layer. Errors as decode_layer, before anything is written, save std::bad_alloc: x and what stands at `position` in
/// the caches are then undefined, what stands before is untouched.
Best decode_step(ThreadPool& pool, Isa isa, const DecoderWeights& decoder, std::span<const LayerCache> caches,
                 RopeAngles rope, std::int64_t position, float* x, float* logits, DecodeScratch& scratch);

}  // namespace lmm::nn::kernels
