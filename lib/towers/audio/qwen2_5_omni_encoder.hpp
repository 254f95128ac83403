#pragma once

#include "lib/core/json.hpp"
#include "lib/core/run.hpp"
#include "lib/nn/attention.hpp"
#include "lib/nn/layers.hpp"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace lmm::towers {

/// Shape of Qwen2_5OmniAudioEncoder (transformers/models/qwen2_5_omni/configuration_qwen2_5_omni.py).
struct OmniAudioConfig {
  std::int64_t hidden_size = 0;        ///< d_model
  std::int64_t intermediate_size = 0;  ///< encoder_ffn_dim
  std::int64_t layers = 0;             ///< encoder_layers
  std::int64_t heads = 0;              ///< encoder_attention_heads
  std::int64_t mel_bins = 0;           ///< num_mel_bins
  std::int64_t positions = 0;          ///< max_source_positions
  std::int64_t window = 0;             ///< n_window: positions that see each other, twice as many frames
  std::int64_t out_hidden_size = 0;    ///< output_dim, of a row for the text model
  std::string activation;              ///< activation_function

  std::int64_t chunk_frames() const noexcept { return 2 * window; }

  /// Of audio_config. Errors: bad_file, unsupported.
  static OmniAudioConfig parse(const Fields& fields);
};

/// What the encoder makes of `frames` frames of features, before it takes the mean of every two.
inline std::int64_t omni_audio_positions(std::int64_t frames) noexcept { return (frames + 1) / 2; }

/// Rows for the text model: _get_feat_extract_output_lengths. Less than 3 frames give none.
inline std::int64_t omni_audio_rows(std::int64_t frames) noexcept { return omni_audio_positions(frames) / 2; }

/// Positions that lie behind one another: `count` chunks of `length`, each of which sees itself alone.
struct AudioChunks {
  std::int64_t length = 0;
  std::int64_t count = 0;
};

class OmniAudioLayer {
 public:
  OmniAudioLayer(const nn::WeightScope& weights, const OmniAudioConfig& config, std::size_t index);

  /// x (positions, hidden) -> same.
  at::Tensor operator()(const at::Tensor& x, std::span<const AudioChunks> chunks, nn::Attention& attention,
                        const Run& run) const;

 private:
  at::Tensor attend(const at::Tensor& x, std::span<const AudioChunks> chunks, nn::Attention& attention) const;

  std::int64_t heads_;
  std::string name_;  // of its taps, "audio.layer.3"
  nn::LayerNorm attention_norm_;
  nn::Linear q_, k_, v_, out_;
  nn::LayerNorm final_norm_;
  nn::Linear fc1_, fc2_;
  nn::Activation activation_;
};

/// Audio encoder of Qwen2.5-Omni: Whisper's, over chunks of 2 s that do not see each other, then the mean of every two
/// positions (Xu et al. 2025, arXiv 2503.20215; Qwen2_5OmniAudioEncoder). Const after construction; worker thread.
class OmniAudioEncoder {
 public:
  /// `weights`: the scope of conv1, conv2, layers, ln_post and proj.
  OmniAudioEncoder(const nn::WeightScope& weights, const OmniAudioConfig& config);

  /// features: one a recording, (mel_bins, frames) fp32 -> (omni_audio_rows(frames), out_hidden_size) each.
  /// Progress: positions x layers.
  std::vector<at::Tensor> forward(std::span<const at::Tensor> features, Run& run) const;

  const OmniAudioConfig& config() const noexcept { return config_; }

 private:
  /// (chunks, mel_bins, frames) -> (chunks * positions, hidden), with their positions added.
  at::Tensor embed(const at::Tensor& chunks) const;

  OmniAudioConfig config_;
  at::Tensor conv1_weight_, conv1_bias_;  // (hidden, mel_bins, 3), (hidden)
  at::Tensor conv2_weight_, conv2_bias_;  // (hidden, hidden, 3), (hidden)
  at::Tensor positions_;                  // (window, hidden)
  std::vector<OmniAudioLayer> layers_;
  nn::LayerNorm norm_;
  nn::Linear projection_;
  std::unique_ptr<nn::Attention> attention_ = std::make_unique<nn::Attention>();
};

}  // namespace lmm::towers
