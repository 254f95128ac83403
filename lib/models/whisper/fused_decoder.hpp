#pragma once

#include "lib/models/whisper/decoder.hpp"
#include "lib/nn/kernels/attention.hpp"
#include "lib/nn/kernels/linear.hpp"
#include "lib/nn/kernels/thread_pool.hpp"

#include <memory>
#include <span>
#include <vector>

namespace lmm::models::whisper {

/// The decode step on the CPU in a few fused calls a layer, where every weight is read once for all rows. Same arithmetic
/// as Decoder::forward, with activations in fp32 between the weights. Worker thread only.
class FusedDecoder {
 public:
  /// Null where the kernels have no such decoder (device, type).
  static std::unique_ptr<FusedDecoder> make(const Decoder& decoder, std::shared_ptr<nn::kernels::ThreadPool> pool);

  /// As Decoder::step.
  void step(std::span<const std::int32_t> ids, const Crossing& crossing,
            std::span<const std::unique_ptr<nn::KvCache>> caches, std::span<float> logits, Run& run, at::Tensor* weights);

 private:
  struct Norm {
    std::vector<float> weight, bias;
    double eps;
  };
  struct Layer {
    Norm self_norm, cross_norm, final_norm;
    nn::kernels::LinearView q, k, v, out, cross_q, cross_out, fc1, fc2;
  };

  FusedDecoder(const Decoder& decoder, std::shared_ptr<nn::kernels::ThreadPool> pool);
  static Norm norm_of(const nn::LayerNorm& norm);
  void normalise(const Norm& norm, std::int64_t rows);  // x_ -> normed_
  void embed(std::span<const std::int32_t> ids, std::int64_t position);
  void attend_self(const Layer& weights, std::size_t layer, std::span<const std::unique_ptr<nn::KvCache>> caches);
  void attend_cross(const Layer& weights, const nn::LayerKv& crossing, std::int64_t rows);
  void feed_forward(const Layer& weights, const nn::Activation& activation, std::int64_t rows);
  void linear(const nn::kernels::LinearView& w, const std::vector<float>& x, std::int64_t rows, std::vector<float>& y,
              bool accumulate = false);

  const Decoder& decoder_;
  std::shared_ptr<nn::kernels::ThreadPool> pool_;
  nn::kernels::Isa isa_;
  nn::kernels::AttentionShape shape_;
  DType dtype_;  // of weights and caches
  std::vector<Layer> layers_;
  Norm norm_;
  nn::kernels::LinearView head_;
  std::vector<float> x_, normed_, q_, k_, v_, attended_, grouped_, joined_, inner_, scratch_;  // (rows, ...)
};

}  // namespace lmm::models::whisper
