#include "lib/towers/vision/siglip.hpp"

#include "lib/core/error.hpp"
#include "lib/nn/tap.hpp"

#include <ATen/ATen.h>

#include <algorithm>

namespace lmm::towers {
namespace {

std::int64_t square_side(const Fields& fields, std::string_view name, std::int64_t otherwise) {
  const std::vector<std::int64_t> sides = fields.integers(name, {otherwise});
  const bool square = sides.size() == 1 || (sides.size() == 2 && sides[0] == sides[1]);
  if (!square || sides[0] < 1 || sides[0] > 65536) fields.wrong(name, "one side of 1 to 65536 pixels");
  return sides[0];
}

}  // namespace

SiglipConfig SiglipConfig::parse(const Fields& fields) {
  constexpr std::int64_t kMax = 1 << 24;
  SiglipConfig config;
  config.hidden_size = fields.integer_in("hidden_size", 1, kMax, 1152);
  config.intermediate_size = fields.integer_in("intermediate_size", 1, kMax, 3072);
  config.layers = fields.integer_in("num_hidden_layers", 1, 4096, 12);
  config.heads = fields.integer_in("num_attention_heads", 1, 65536, 16);
  config.channels = fields.integer_in("num_channels", 1, 64, 3);
  config.image_size = square_side(fields, "image_size", 224);
  config.patch_size = square_side(fields, "patch_size", 32);
  config.norm_eps = fields.number("layer_norm_eps", 1e-6);
  config.activation = fields.string("hidden_act", "gelu_pytorch_tanh");
  if (config.channels != 3) fields.wrong("num_channels", "3");
  if (config.hidden_size % config.heads != 0) {
    fail(ErrorCode::bad_file, "{}: hidden_size {} is not a multiple of num_attention_heads {}", fields.where(),
         config.hidden_size, config.heads);
  }
  if (config.patch_size > config.image_size) {
    fail(ErrorCode::bad_file, "{}: patch_size {} is larger than image_size {}", fields.where(), config.patch_size,
         config.image_size);
  }
  static_cast<void>(nn::Activation(config.activation));  // refuses an unknown one by name
  return config;
}

SiglipLayer::SiglipLayer(const nn::WeightScope& weights, const SiglipConfig& config, std::size_t index)
    : heads_(config.heads),
      name_(fmt::format("vision.layer.{}", index)),
      norm1_(weights.scope("layer_norm1"), config.hidden_size, config.norm_eps),
      q_(weights.scope("self_attn.q_proj"), config.hidden_size, config.hidden_size, true),
      k_(weights.scope("self_attn.k_proj"), config.hidden_size, config.hidden_size, true),
      v_(weights.scope("self_attn.v_proj"), config.hidden_size, config.hidden_size, true),
      out_(weights.scope("self_attn.out_proj"), config.hidden_size, config.hidden_size, true),
      norm2_(weights.scope("layer_norm2"), config.hidden_size, config.norm_eps),
      fc1_(weights.scope("mlp.fc1"), config.hidden_size, config.intermediate_size, true),
      fc2_(weights.scope("mlp.fc2"), config.intermediate_size, config.hidden_size, true),
      activation_(config.activation) {}

at::Tensor SiglipLayer::attend(const at::Tensor& x, nn::Attention& attention) const {
  const auto heads_first = [&](const at::Tensor& t) {
    return t.view({x.size(0), x.size(1), heads_, -1}).transpose(1, 2);  // (tiles, heads, patches, head_dim)
  };
  return out_(attention(heads_first(q_(x)), heads_first(k_(x)), heads_first(v_(x)), /*causal=*/false));
}

at::Tensor SiglipLayer::operator()(const at::Tensor& x, nn::Attention& attention, const Run& run) const {
  const at::Tensor attended = attend(norm1_(x), attention);
  nn::tap(run, name_, ".attn_out", attended);
  const at::Tensor middle = x + attended;
  const at::Tensor mlp = fc2_(fc1_(norm2_(middle), activation_));
  nn::tap(run, name_, ".mlp_out", mlp);
  at::Tensor out = middle + mlp;
  nn::tap(run, name_, "", out);
  return out;
}

SiglipTower::SiglipTower(const nn::WeightScope& weights, const SiglipConfig& config)
    : config_(config),
      patch_weight_(weights
                        .tensor("embeddings.patch_embedding.weight",
                                {config.hidden_size, config.channels, config.patch_size, config.patch_size})
                        .flatten(1)),
      patch_bias_(weights.tensor("embeddings.patch_embedding.bias", {config.hidden_size})),
      positions_(weights.tensor("embeddings.position_embedding.weight",
                                {config.patches_per_side() * config.patches_per_side(), config.hidden_size})),
      post_norm_(weights.scope("post_layernorm"), config.hidden_size, config.norm_eps) {
  const nn::WeightScope layers = weights.scope("encoder.layers");
  layers_.reserve(static_cast<std::size_t>(config.layers));
  for (std::size_t i = 0; i < static_cast<std::size_t>(config.layers); ++i) {
    layers_.emplace_back(layers.scope(std::to_string(i)), config_, i);
  }
}

/// The reference's float arithmetic to the letter: which bucket a patch falls into depends on its rounding.
at::Tensor SiglipTower::position_ids(std::int64_t rows, std::int64_t columns) const {
  const auto side = config_.patches_per_side();
  const double step = 1.0 / static_cast<double>(side);
  const auto options = at::TensorOptions().dtype(at::kFloat);
  const at::Tensor boundaries = at::arange(step, 1.0, step, options);
  const auto buckets = [&](std::int64_t count) {
    const at::Tensor fraction = (at::arange(count, options) * (1.0f / static_cast<float>(count))).clamp_max(1.0 - 1e-6);
    return at::bucketize(fraction, boundaries, /*out_int32=*/false, /*right=*/true);  // (count)
  };
  return (buckets(rows).unsqueeze(1) * side + buckets(columns)).flatten();
}

at::Tensor SiglipTower::embed(const at::Tensor& pixels) const {
  const auto tiles = pixels.size(0);
  const auto patch = config_.patch_size;
  const auto rows = pixels.size(2) / patch;
  const auto columns = pixels.size(3) / patch;
  // A convolution whose stride is its kernel is a matrix product over patches.
  const at::Tensor patches = pixels.narrow(2, 0, rows * patch)
                                 .narrow(3, 0, columns * patch)
                                 .reshape({tiles, config_.channels, rows, patch, columns, patch})
                                 .permute({0, 2, 4, 1, 3, 5})  // (tiles, rows, columns, channels, patch, patch)
                                 .reshape({tiles, rows * columns, -1});
  const at::Tensor embedded = at::linear(patches, patch_weight_, patch_bias_);  // (tiles, patches, hidden)
  const at::Tensor ids = position_ids(rows, columns).to(positions_.device());
  return embedded + at::index_select(positions_, 0, ids);
}

at::Tensor SiglipTower::forward(const at::Tensor& pixels, Run& run) const {
  at::Tensor x = embed(pixels.to(positions_.device(), positions_.scalar_type()));
  nn::tap(run, "vision.embeddings", "", x);
  for (const SiglipLayer& layer : layers_) {
    run.checkpoint();
    x = layer(x, *attention_, run);
    run.advance(pixels.size(0));
  }
  x = post_norm_(x);
  nn::tap(run, "vision.post_norm", "", x);
  return x;
}

}  // namespace lmm::towers
