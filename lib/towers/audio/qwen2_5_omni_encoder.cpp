#include "lib/towers/audio/qwen2_5_omni_encoder.hpp"

#include "lib/core/error.hpp"
#include "lib/nn/tap.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

namespace lmm::towers {
namespace {

constexpr double kNormEps = 1e-5;  // nn.LayerNorm's own

/// Positions that go through the layers at once: full throughput, bounded activations. An observer sees all at once.
constexpr std::int64_t kPositions = 2048;

/// SinusoidsPositionEmbedding, the first `count` of them: no checkpoint stores it.
at::Tensor sinusoids(const OmniAudioConfig& config, std::int64_t count, const nn::Placement& placement) {
  const std::int64_t half = config.hidden_size / 2;
  const double step = std::log(10000.0) / static_cast<double>(half - 1);
  const at::Tensor inverse = at::exp(at::arange(half, at::kFloat) * -step);
  const at::Tensor time = at::arange(count, at::kFloat).unsqueeze(1) * inverse;
  return at::cat({time.sin(), time.cos()}, 1).to(placement.device, placement.dtype);
}

/// A stretch of one recording whose chunks are equally long.
struct Piece {
  std::size_t item = 0;
  std::int64_t first = 0;   // frame
  std::int64_t frames = 0;  // of each chunk
  std::int64_t count = 0;   // chunks

  std::int64_t positions() const { return count * omni_audio_positions(frames); }
};

/// The chunks of all recordings in order, at most `most` positions of equal ones together.
std::vector<Piece> pieces_of(std::span<const at::Tensor> features, const OmniAudioConfig& config, std::int64_t most) {
  const std::int64_t chunk = config.chunk_frames();
  const std::int64_t together = std::max<std::int64_t>(most / config.window, 1);
  std::vector<Piece> pieces;
  for (std::size_t item = 0; item < features.size(); ++item) {
    const std::int64_t frames = features[item].size(1);
    const std::int64_t whole = frames / chunk;
    for (std::int64_t first = 0; first < whole; first += together) {
      pieces.push_back({item, first * chunk, chunk, std::min(together, whole - first)});
    }
    if (frames % chunk != 0) pieces.push_back({item, whole * chunk, frames % chunk, 1});
  }
  return pieces;
}

}  // namespace

OmniAudioConfig OmniAudioConfig::parse(const Fields& fields) {
  constexpr std::int64_t kMax = 1 << 24;
  OmniAudioConfig config;
  // The names that all configs share stand for these, and win where both are there (attribute_map).
  const auto shared = [&](const char* name, const char* own) { return fields.has(name) ? name : own; };
  const char* hidden = shared("hidden_size", "d_model");
  config.hidden_size = fields.integer_in(hidden, 4, kMax, 1280);
  config.intermediate_size = fields.integer_in(shared("intermediate_size", "encoder_ffn_dim"), 1, kMax, 5120);
  config.layers = fields.integer_in(shared("num_hidden_layers", "encoder_layers"), 1, 4096, 32);
  const char* heads = shared("num_attention_heads", "encoder_attention_heads");
  config.heads = fields.integer_in(heads, 1, 65536, 20);
  config.mel_bins = fields.integer_in("num_mel_bins", 1, 65536, 128);
  config.positions = fields.integer_in("max_source_positions", 1, 1 << 20, 1500);
  config.window = fields.integer_in("n_window", 1, 1 << 14, 100);
  config.out_hidden_size = fields.integer_in("output_dim", 1, kMax, 3584);
  config.activation = fields.string("activation_function", "gelu");
  if (config.hidden_size % config.heads != 0 || config.hidden_size % 2 != 0) {
    fail(ErrorCode::bad_file, "{}: {} is {}, expected an even multiple of {} {}", fields.where(), hidden, config.hidden_size,
         heads, config.heads);
  }
  if (config.positions < config.window) {
    fail(ErrorCode::bad_file, "{}: max_source_positions is {}, expected at least the {} of n_window", fields.where(),
         config.positions, config.window);
  }
  try {
    static_cast<void>(nn::Activation(config.activation));
  } catch (const Error& error) {
    fail(error.code(), "{}: activation_function: {}", fields.where(), error.what());
  }
  return config;
}

OmniAudioLayer::OmniAudioLayer(const nn::WeightScope& weights, const OmniAudioConfig& config, std::size_t index)
    : heads_(config.heads),
      name_(fmt::format("audio.layer.{}", index)),
      attention_norm_(weights.scope("self_attn_layer_norm"), config.hidden_size, kNormEps),
      q_(weights.scope("self_attn.q_proj"), config.hidden_size, config.hidden_size, true),
      k_(weights.scope("self_attn.k_proj"), config.hidden_size, config.hidden_size, false),
      v_(weights.scope("self_attn.v_proj"), config.hidden_size, config.hidden_size, true),
      out_(weights.scope("self_attn.out_proj"), config.hidden_size, config.hidden_size, true),
      final_norm_(weights.scope("final_layer_norm"), config.hidden_size, kNormEps),
      fc1_(weights.scope("fc1"), config.hidden_size, config.intermediate_size, true),
      fc2_(weights.scope("fc2"), config.intermediate_size, config.hidden_size, true),
      activation_(config.activation) {}

at::Tensor OmniAudioLayer::attend(const at::Tensor& x, std::span<const AudioChunks> chunks,
                                  nn::Attention& attention) const {
  const at::Tensor q = q_(x), k = k_(x), v = v_(x);
  std::vector<at::Tensor> parts;
  std::int64_t first = 0;
  for (const AudioChunks& part : chunks) {
    const std::int64_t rows = part.length * part.count;
    const auto heads_first = [&](const at::Tensor& t) {
      // (chunks, heads, length, head_dim)
      return t.narrow(0, first, rows).view({part.count, part.length, heads_, -1}).transpose(1, 2);
    };
    parts.push_back(attention(heads_first(q), heads_first(k), heads_first(v), /*causal=*/false).flatten(0, 1));
    first += rows;
  }
  return out_(parts.size() == 1 ? parts.front() : at::cat(parts));
}

at::Tensor OmniAudioLayer::operator()(const at::Tensor& x, std::span<const AudioChunks> chunks, nn::Attention& attention,
                                      const Run& run) const {
  const at::Tensor attended = attend(attention_norm_(x), chunks, attention);
  nn::tap(run, name_, ".attn_out", attended);
  const at::Tensor middle = x + attended;
  const at::Tensor mlp = fc2_(fc1_(final_norm_(middle), activation_));
  nn::tap(run, name_, ".mlp_out", mlp);
  at::Tensor out = middle + mlp;
  nn::tap(run, name_, "", out);
  return out;
}

OmniAudioEncoder::OmniAudioEncoder(const nn::WeightScope& weights, const OmniAudioConfig& config)
    : config_(config),
      conv1_weight_(weights.tensor("conv1.weight", {config.hidden_size, config.mel_bins, 3})),
      conv1_bias_(weights.tensor("conv1.bias", {config.hidden_size})),
      conv2_weight_(weights.tensor("conv2.weight", {config.hidden_size, config.hidden_size, 3})),
      conv2_bias_(weights.tensor("conv2.bias", {config.hidden_size})),
      positions_(sinusoids(config, config.window, weights.placement())),
      norm_(weights.scope("ln_post"), config.hidden_size, kNormEps),
      projection_(weights.scope("proj"), config.hidden_size, config.out_hidden_size, true) {
  const nn::WeightScope layers = weights.scope("layers");
  layers_.reserve(static_cast<std::size_t>(config.layers));
  for (std::size_t i = 0; i < static_cast<std::size_t>(config.layers); ++i) {
    layers_.emplace_back(layers.scope(std::to_string(i)), config_, i);
  }
}

at::Tensor OmniAudioEncoder::embed(const at::Tensor& chunks) const {
  at::Tensor x = at::gelu(at::conv1d(chunks, conv1_weight_, conv1_bias_, 1, 1));  // (chunks, hidden, frames)
  x = at::gelu(at::conv1d(x, conv2_weight_, conv2_bias_, 2, 1));                  // (chunks, hidden, positions)
  x = x.transpose(1, 2) + positions_.narrow(0, 0, x.size(2));                     // (chunks, positions, hidden)
  return x.flatten(0, 1);
}

std::vector<at::Tensor> OmniAudioEncoder::forward(std::span<const at::Tensor> features, Run& run) const {
  const std::vector<Piece> pieces = pieces_of(features, config_, run.observed() ? INT64_MAX : kPositions);
  std::vector<std::vector<at::Tensor>> heard(features.size());  // (positions, hidden), by recording
  for (std::size_t begin = 0; begin < pieces.size();) {
    std::vector<at::Tensor> embedded;
    std::vector<AudioChunks> chunks;
    std::int64_t total = 0;
    std::size_t end = begin;
    for (; end < pieces.size() && (end == begin || run.observed() || total + pieces[end].positions() <= kPositions); ++end) {
      run.checkpoint();
      const Piece& piece = pieces[end];
      const at::Tensor frames = features[piece.item].narrow(1, piece.first, piece.frames * piece.count)
                                    .unflatten(1, {piece.count, piece.frames})
                                    .transpose(0, 1);  // (chunks, mel_bins, frames)
      embedded.push_back(embed(frames.to(positions_.device(), positions_.scalar_type()).contiguous()));
      chunks.push_back({omni_audio_positions(piece.frames), piece.count});
      total += piece.positions();
    }
    at::Tensor x = embedded.size() == 1 ? embedded.front() : at::cat(embedded);  // (positions, hidden)
    embedded.clear();
    nn::tap(run, "audio.embeddings", "", x);
    for (const OmniAudioLayer& layer : layers_) {
      run.checkpoint();
      x = layer(x, chunks, *attention_, run);
      run.advance(total);
    }
    std::int64_t first = 0;
    for (; begin < end; ++begin) {
      heard[pieces[begin].item].push_back(x.narrow(0, first, pieces[begin].positions()));
      first += pieces[begin].positions();
    }
  }
  std::vector<at::Tensor> rows;
  std::vector<std::int64_t> counts;
  for (const std::vector<at::Tensor>& parts : heard) {
    const at::Tensor all = parts.empty() ? positions_.narrow(0, 0, 0) : parts.size() == 1 ? parts.front() : at::cat(parts);
    const std::int64_t count = all.size(0) / 2;
    const at::Tensor pairs = all.narrow(0, 0, 2 * count).unflatten(0, {count, 2});  // (rows, 2, hidden)
    rows.push_back((pairs.select(1, 0) + pairs.select(1, 1)).div_(2));
    counts.push_back(count);
  }
  const at::Tensor out = projection_(norm_(at::cat(rows)));  // (rows, out_hidden_size)
  nn::tap(run, "audio.connector", "", out);
  return at::split_with_sizes(out, counts);
}

}  // namespace lmm::towers
