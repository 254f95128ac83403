#pragma once

#include "lib/nn/kernels/decode.hpp"
#include "lib/nn/kernels/thread_pool.hpp"
#include "lib/nn/kv_cache.hpp"
#include "lib/nn/rope.hpp"

#include <ATen/core/Tensor.h>

#include <memory>
#include <span>
#include <vector>

namespace lmm::towers {

class Decoder;
class MixtureMlp;

/// The decode step of a decoder on the CPU: one token through all layers in a few fused calls each, where every weight
/// is read once. Same arithmetic as Decoder::forward, with activations in fp32 between the weights. Worker thread only.
class FusedDecoder {
 public:
  /// Null where the kernels have no such layer (device, type, activation).
  static std::unique_ptr<FusedDecoder> make(const Decoder& decoder, std::shared_ptr<nn::kernels::ThreadPool> pool);

  /// Takes the embedding of the token that follows the cache's and where it stands, appends to the cache and writes
  /// its logits (vocab).
  void step(const at::Tensor& embedding, const nn::Position& position, nn::KvCache& cache, std::span<float> logits);

 private:
  FusedDecoder(const Decoder& decoder, std::shared_ptr<nn::kernels::ThreadPool> pool);
  static nn::kernels::MixtureWeights mixture_of(const MixtureMlp& mixture);

  std::shared_ptr<nn::kernels::ThreadPool> pool_;
  nn::kernels::Isa isa_;
  nn::kernels::DecoderWeights weights_;  // views of the decoder's tensors
  const nn::Rope& rope_;
  DType cache_dtype_;
  std::vector<float> x_, cos_, sin_;
  nn::kernels::DecodeScratch scratch_;
};

}  // namespace lmm::towers
