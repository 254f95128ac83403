#pragma once

#include "lib/core/json.hpp"
#include "lib/core/run.hpp"
#include "lib/nn/attention.hpp"
#include "lib/nn/layers.hpp"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace lmm::towers {

/// Shape of Whisper's encoder (transformers/models/whisper/configuration_whisper.py), and of the same encoder in models
/// that answer what they hear (Qwen2AudioEncoderConfig, VoxtralEncoderConfig).
struct WhisperEncoderConfig {
  std::int64_t hidden_size = 0;        ///< d_model
  std::int64_t intermediate_size = 0;  ///< encoder_ffn_dim
  std::int64_t layers = 0;             ///< encoder_layers
  std::int64_t heads = 0;              ///< encoder_attention_heads
  std::int64_t mel_bins = 0;           ///< num_mel_bins
  std::int64_t positions = 0;          ///< max_source_positions
  std::string activation;              ///< activation_function
  std::int64_t pooling = 1;            ///< positions whose mean becomes one before the last norm (Qwen2-Audio: 2)
  bool sinusoids = false;              ///< embed_positions may be missing, and is sinusoids then (Whisper)

  /// Two convolutions, the second of stride 2.
  std::int64_t frames() const noexcept { return 2 * positions; }

  // Each reads the fields of a config.json, or of its audio_config. Errors: bad_file, unsupported.

  static WhisperEncoderConfig parse(const Fields& fields);
  static WhisperEncoderConfig parse_qwen2_audio(const Fields& fields);
  static WhisperEncoderConfig parse_voxtral(const Fields& fields);
};

class WhisperEncoderLayer {
 public:
  WhisperEncoderLayer(const nn::WeightScope& weights, const WhisperEncoderConfig& config, std::size_t index);

  /// x (batch, positions, hidden) -> same.
  at::Tensor operator()(const at::Tensor& x, nn::Attention& attention, const Run& run) const;

 private:
  at::Tensor attend(const at::Tensor& x, nn::Attention& attention) const;

  std::int64_t heads_;
  std::string name_;  // of its taps, "audio.layer.3"
  nn::LayerNorm attention_norm_;
  nn::Linear q_, k_, v_, out_;
  nn::LayerNorm final_norm_;
  nn::Linear fc1_, fc2_;
  nn::Activation activation_;
};

/// Whisper's audio encoder (Radford et al. 2022, arXiv 2212.04356; WhisperEncoder). Const after construction; used on the
/// worker thread.
class WhisperEncoder {
 public:
  /// `weights`: the scope of conv1, conv2, embed_positions, layers and layer_norm.
  WhisperEncoder(const nn::WeightScope& weights, const WhisperEncoderConfig& config);

  /// features (batch, mel_bins, frames()) fp32 -> (batch, positions / pooling, hidden). Progress: batch x layers.
  /// `heard`: how many positions count, the first of each; the others are neither attended to (the reference's
  /// attention_mask) nor given. 0: all.
  at::Tensor forward(const at::Tensor& features, Run& run, std::int64_t heard = 0) const;

  const WhisperEncoderConfig& config() const noexcept { return config_; }

 private:
  WhisperEncoderConfig config_;
  at::Tensor conv1_weight_, conv1_bias_;  // (hidden, mel_bins, 3), (hidden)
  at::Tensor conv2_weight_, conv2_bias_;  // (hidden, hidden, 3), (hidden)
  at::Tensor positions_;                  // (positions, hidden), fp32 in every type, as Voxtral's reference has them
  std::vector<WhisperEncoderLayer> layers_;
  nn::LayerNorm norm_;
  std::unique_ptr<nn::Attention> attention_ = std::make_unique<nn::Attention>();
};

}  // namespace lmm::towers
