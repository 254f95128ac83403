#include "lib/towers/vision/qwen2_vl_parts.hpp"

#include "lib/core/error.hpp"

#include <cmath>

namespace lmm::towers {
namespace {

constexpr std::int64_t kMaxSize = 1 << 24;

/// One number, or a list of equal ones.
std::int64_t side(const Fields& fields, const char* name, std::int64_t most, std::int64_t otherwise) {
  const std::vector<std::int64_t> sides = fields.integers(name, {otherwise});
  const bool equal = !sides.empty() && std::all_of(sides.begin(), sides.end(), [&](auto s) { return s == sides[0]; });
  if (!equal || sides.size() > 2 || sides[0] < 1 || sides[0] > most) {
    fields.wrong(name, fmt::format("a number of 1 to {}", most));
  }
  return sides[0];
}

/// rope_parameters of the tower, which later configs write out: axial, with a theta.
double theta_of(const Fields& fields) {
  double theta = 10000.0;
  const char* spelling = fields.has("rope_parameters") ? "rope_parameters" : "rope_scaling";
  theta = fields.number("rope_theta", theta);
  if (fields.has(spelling)) {
    const Fields rope = fields.object(spelling);
    const std::string type = rope.string("rope_type", rope.string("type", "axial"));
    if (type != "axial" && type != "default") {
      fail(ErrorCode::unsupported, "{}: rope_type is \"{}\", known is axial", rope.where(), type);
    }
    theta = rope.number("rope_theta", theta);
  }
  if (!(theta > 0.0) || !std::isfinite(theta)) fields.wrong(spelling, "a rope_theta above 0");
  return theta;
}

}  // namespace

QwenVisionConfig QwenVisionConfig::parse_common(const Fields& fields, std::int64_t default_patch_size,
                                                const char* default_activation) {
  QwenVisionConfig config;
  const auto renamed = [&](const char* name, const char* standard) { return fields.has(name) ? name : standard; };
  config.layers = fields.integer_in(renamed("depth", "num_hidden_layers"), 1, 4096, 32);
  config.heads = fields.integer_in(renamed("num_heads", "num_attention_heads"), 1, 65536, 16);
  config.patch_size = side(fields, "patch_size", 4096, default_patch_size);
  config.temporal_patch_size = side(fields, "temporal_patch_size", 64, 2);
  config.merge_size = fields.integer_in("spatial_merge_size", 1, 64, 2);
  config.activation = fields.string("hidden_act", default_activation);
  // "in_chans" stands in published files of Qwen2-VL; the reference reads in_channels alone.
  if (fields.integer_in("in_channels", 1, 64, 3) != 3) fields.wrong("in_channels", "3");
  config.rope_theta = theta_of(fields);
  static_cast<void>(nn::Activation(config.activation));  // refuses an unknown one by name
  return config;
}

void QwenVisionConfig::check(const Fields& fields) const {
  for (const auto& [name, value] : {std::pair("hidden_size", hidden_size), std::pair("intermediate_size", intermediate_size),
                                    std::pair("out_hidden_size", out_hidden_size)}) {
    if (value < 1 || value > kMaxSize) {
      fail(ErrorCode::bad_file, "{}: {} is {}, expected 1 to {}", fields.where(), name, value, kMaxSize);
    }
  }
  if (hidden_size % heads != 0 || head_dim() % 4 != 0) {
    fail(ErrorCode::bad_file, "{}: {} heads share a size of {}, expected a multiple of 4 for each", fields.where(), heads,
         hidden_size);
  }
}

std::vector<Stretches> whole_pictures(std::span<const VisionGrid> grids) {
  std::vector<Stretches> out;
  std::int64_t first = 0;
  for (const VisionGrid& grid : grids) {
    out.push_back({first, grid.patches(), 1});
    first += grid.patches();
  }
  return out;
}

at::Tensor patch_places(std::span<const VisionGrid> grids, std::int64_t merge) {
  std::vector<at::Tensor> parts;
  for (const VisionGrid& grid : grids) {
    const at::Tensor rows = at::arange(grid.rows, at::kLong).view({grid.rows / merge, 1, merge, 1});
    const at::Tensor columns = at::arange(grid.columns, at::kLong).view({1, grid.columns / merge, 1, merge});
    const std::vector<at::Tensor> both = at::broadcast_tensors({rows, columns});
    parts.push_back(at::stack({both[0].flatten(), both[1].flatten()}, -1));  // (patches, 2)
  }
  return at::cat(parts);
}

AxialTable axial_table(const at::Tensor& places, std::int64_t head_dim, double theta, at::Device device) {
  const std::int64_t axis = head_dim / 2;  // angles come in pairs on each of the two axes
  std::vector<float> inverse;
  for (std::int64_t i = 0; i < axis; i += 2) {
    inverse.push_back(1.0f / std::pow(static_cast<float>(theta), static_cast<float>(i) / static_cast<float>(axis)));
  }
  const at::Tensor angles = places.to(at::kFloat).unsqueeze(-1) * at::tensor(inverse);  // (patches, 2, head_dim / 4)
  const at::Tensor flat = angles.reshape({places.size(0), 1, 1, axis}).to(device);
  return {flat.cos(), flat.sin()};
}

QwenVisionAttention::QwenVisionAttention(const nn::WeightScope& weights, const QwenVisionConfig& config)
    : heads_(config.heads),
      // Qwen2.5-Omni's tower stores three products.
      qkv_(weights.has("q.weight") ? nn::Linear::joined(weights, {"q", "k", "v"}, config.hidden_size, config.hidden_size, true)
                                   : nn::Linear(weights.scope("qkv"), config.hidden_size, 3 * config.hidden_size, true)),
      proj_(weights.scope("proj"), config.hidden_size, config.hidden_size, true) {}

void QwenVisionAttention::rotate(const at::Tensor& qkv, const AxialTable& rope, std::int64_t first) {
  const at::Tensor both = qkv.narrow(1, 0, 2);  // (count, 2, heads, head_dim)
  const std::int64_t half = qkv.size(3) / 2;
  const at::Tensor cos = rope.cos.narrow(0, first, qkv.size(0));
  const at::Tensor sin = rope.sin.narrow(0, first, qkv.size(0));
  const at::Tensor wide = both.to(at::kFloat);
  const at::Tensor left = wide.narrow(3, 0, half);
  const at::Tensor right = wide.narrow(3, half, half);
  const at::Tensor turned_left = (left * cos).sub_(right * sin);
  const at::Tensor turned_right = (right * cos).add_(left * sin);
  both.narrow(3, 0, half).copy_(turned_left);
  both.narrow(3, half, half).copy_(turned_right);
}

at::Tensor QwenVisionAttention::look(const at::Tensor& qkv, std::span<const Stretches> stretches,
                                     nn::Attention& attention) {
  std::vector<at::Tensor> parts;
  parts.reserve(stretches.size());
  for (const Stretches& part : stretches) {
    const auto heads_first = [&](std::int64_t which) {  // (count, heads, length, head_dim)
      const at::Tensor rows = qkv.select(1, which).narrow(0, part.first, part.length * part.count);
      return rows.unflatten(0, {part.count, part.length}).transpose(1, 2);
    };
    parts.push_back(attention(heads_first(0), heads_first(1), heads_first(2), /*causal=*/false).flatten(0, 1));
  }
  return parts.size() == 1 ? parts.front() : at::cat(parts);  // (patches, hidden)
}

QwenPatchEmbedding::QwenPatchEmbedding(const nn::WeightScope& weights, const QwenVisionConfig& config, bool bias)
    : weight_(weights
                  .tensor("weight", {config.hidden_size, 3, config.temporal_patch_size, config.patch_size,
                                     config.patch_size})
                  .flatten(1)) {
  if (bias) bias_ = weights.tensor("bias", {config.hidden_size});
}

at::Tensor QwenPatchEmbedding::operator()(const at::Tensor& pixels) const {
  return bias_.defined() ? at::linear(pixels, weight_, bias_) : at::linear(pixels, weight_);
}

}  // namespace lmm::towers
