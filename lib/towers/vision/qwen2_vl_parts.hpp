#pragma once

#include "lib/core/json.hpp"
#include "lib/core/run.hpp"
#include "lib/nn/attention.hpp"
#include "lib/nn/layers.hpp"
#include "lib/nn/tap.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

/// What the vision towers of Qwen2-VL, Qwen2.5-VL and Qwen3-VL share: pictures of any size as one row of patches, merge
/// block by merge block, each picture attending to itself alone (Wang et al. 2024, arXiv 2409.12191).
namespace lmm::towers {

/// A picture's size in patches; both sides are multiples of the merge size.
struct VisionGrid {
  std::int64_t rows = 0;
  std::int64_t columns = 0;

  std::int64_t patches() const { return rows * columns; }
};

/// Shape of such a tower; the names in vision_config differ a little from family to family.
struct QwenVisionConfig {
  std::int64_t hidden_size = 0;        ///< of a patch
  std::int64_t intermediate_size = 0;
  std::int64_t layers = 0;
  std::int64_t heads = 0;
  std::int64_t out_hidden_size = 0;    ///< of a row for the text model
  std::int64_t patch_size = 0;         ///< pixels a side
  std::int64_t temporal_patch_size = 0;
  std::int64_t merge_size = 0;         ///< merge_size^2 patches become one row
  double rope_theta = 10000.0;
  std::string activation;

  std::int64_t head_dim() const { return hidden_size / heads; }
  std::int64_t merged() const { return merge_size * merge_size; }
  std::int64_t patch_values() const { return 3 * temporal_patch_size * patch_size * patch_size; }

  /// What the families have in common; hidden_size, intermediate_size and out_hidden_size are left to them.
  /// Errors: bad_file, unsupported.
  static QwenVisionConfig parse_common(const Fields& vision_config, std::int64_t default_patch_size,
                                       const char* default_activation);

  /// Errors: bad_file where sizes do not fit each other.
  void check(const Fields& vision_config) const;
};

/// What a tower makes of pictures: a row for each merge block, pictures and blocks in order.
struct VisionFeatures {
  at::Tensor rows;                     ///< (rows, out_hidden_size)
  std::vector<at::Tensor> deep_stack = {};  ///< as many more, for the first layers of the text model
};

/// Const after construction; used on the worker thread.
class QwenVisionTower {
 public:
  virtual ~QwenVisionTower() = default;
  virtual const QwenVisionConfig& config() const noexcept = 0;

  /// pixels (patches, patch_values) of all pictures, in the compute type; given up as soon as they are embedded.
  /// Progress: patches x layers.
  virtual VisionFeatures forward(at::Tensor pixels, std::span<const VisionGrid> grids, Run& run) const = 0;
};

/// Rows that go through a layer's products at once: full throughput, bounded activations.
inline constexpr std::int64_t kVisionRows = 2048;

/// Calls visit(first, count) for pieces of `total` rows; for one piece alone where the run is observed, since an
/// observer sees each intermediate whole. `step` is a multiple of what may not be parted.
template <typename Visit>
void for_each_piece(std::int64_t total, std::int64_t step, const Run& run, Visit visit) {
  const std::int64_t most = run.observed() ? total : step;
  for (std::int64_t first = 0; first < total; first += most) visit(first, std::min(most, total - first));
}

/// `count` stretches of `length` patches each, one behind the other: patches of a stretch see each other.
struct Stretches {
  std::int64_t first = 0;
  std::int64_t length = 0;
  std::int64_t count = 1;
};

/// One stretch a picture.
std::vector<Stretches> whole_pictures(std::span<const VisionGrid> grids);

/// Row and column of every patch, in the order of the patches: (patches, 2) of int64.
at::Tensor patch_places(std::span<const VisionGrid> grids, std::int64_t merge_size);

/// Rotary embedding on two axes: the first half of the angles follows the row, the second the column.
struct AxialTable {
  at::Tensor cos;  // (patches, 1, 1, head_dim / 2) fp32
  at::Tensor sin;
};

/// places (patches, 2)
AxialTable axial_table(const at::Tensor& places, std::int64_t head_dim, double theta, at::Device device);

/// Attention with one product for queries, keys and values, and rotation in fp32.
class QwenVisionAttention {
 public:
  QwenVisionAttention(const nn::WeightScope& weights, const QwenVisionConfig& config);

  /// x (patches, hidden), normed piece by piece by `norm` -> what the heads give, before the output product.
  template <typename Norm>
  at::Tensor attend(const at::Tensor& x, const Norm& norm, const AxialTable& rope, std::span<const Stretches> stretches,
                    nn::Attention& attention, const Run& run) const {
    at::Tensor qkv;  // (patches, 3, heads, head_dim)
    for_each_piece(x.size(0), kVisionRows, run, [&](std::int64_t first, std::int64_t count) {
      const at::Tensor piece = qkv_(norm(x.narrow(0, first, count))).view({count, 3, heads_, -1});
      rotate(piece, rope, first);
      if (count == x.size(0)) {
        qkv = piece;
      } else {
        if (!qkv.defined()) qkv = at::empty({x.size(0), 3, heads_, piece.size(3)}, x.options());
        qkv.narrow(0, first, count).copy_(piece);
      }
    });
    return look(qkv, stretches, attention);
  }

  at::Tensor project(const at::Tensor& attended) const { return proj_(attended); }

 private:
  /// Turns queries and keys of qkv (count, 3, heads, head_dim), patches first .. first + count of the table.
  static void rotate(const at::Tensor& qkv, const AxialTable& rope, std::int64_t first);

  /// qkv (patches, 3, heads, head_dim) -> (patches, hidden)
  static at::Tensor look(const at::Tensor& qkv, std::span<const Stretches> stretches, nn::Attention& attention);

  std::int64_t heads_;
  nn::Linear qkv_;
  nn::Linear proj_;
};

/// activation between two products.
class QwenVisionMlp {
 public:
  QwenVisionMlp(const nn::WeightScope& first, const nn::WeightScope& second, const QwenVisionConfig& config)
      : first_(first, config.hidden_size, config.intermediate_size, true),
        second_(second, config.intermediate_size, config.hidden_size, true),
        activation_(config.activation) {}

  at::Tensor operator()(const at::Tensor& x) const { return second_(first_(x, activation_)); }

 private:
  nn::Linear first_;
  nn::Linear second_;
  nn::Activation activation_;
};

/// How an observer is shown patches that the tower keeps in an order of its own; undefined: as they lie.
using TapOrder = at::Tensor;  // (patches) of int64

inline void tap_patches(const Run& run, std::string_view name, std::string_view suffix, const at::Tensor& patches,
                        const TapOrder& order) {
  if (!run.observed()) [[likely]] return;
  nn::tap(run, name, suffix, order.defined() ? patches.index_select(0, order) : patches);
}

/// Norm, attention, norm, MLP. Norm is nn::LayerNorm or nn::RmsNorm; Mlp maps (rows, hidden) to the same.
template <typename Norm, typename Mlp>
class QwenVisionLayer {
 public:
  QwenVisionLayer(const nn::WeightScope& weights, const QwenVisionConfig& config, Mlp mlp, std::size_t index)
      : name_(fmt::format("vision.layer.{}", index)),
        norm1_(weights.scope("norm1"), config.hidden_size, 1e-6),
        norm2_(weights.scope("norm2"), config.hidden_size, 1e-6),
        attention_(weights.scope("attn"), config),
        mlp_(std::move(mlp)) {}

  /// x (patches, hidden) becomes what the layer gives.
  void operator()(at::Tensor& x, const AxialTable& rope, std::span<const Stretches> stretches, nn::Attention& attention,
                  const TapOrder& order, const Run& run) const {
    const at::Tensor attended = attention_.attend(x, norm1_, rope, stretches, attention, run);
    for_each_piece(x.size(0), kVisionRows, run, [&](std::int64_t first, std::int64_t count) {
      at::Tensor piece = x.narrow(0, first, count);
      const at::Tensor out = attention_.project(attended.narrow(0, first, count));
      tap_patches(run, name_, ".attn_out", out, order);
      piece.add_(out);
      const at::Tensor mlp = mlp_(norm2_(piece));
      tap_patches(run, name_, ".mlp_out", mlp, order);
      piece.add_(mlp);
    });
    tap_patches(run, name_, "", x, order);
  }

 private:
  std::string name_;  // of its taps
  Norm norm1_;
  Norm norm2_;
  QwenVisionAttention attention_;
  Mlp mlp_;
};

/// Merge blocks become rows of the text model: norm, then two products with a GELU between.
template <typename Norm>
class QwenPatchMerger {
 public:
  /// With `norm_merged` the norm goes over the whole block, else over each patch.
  QwenPatchMerger(const nn::WeightScope& norm, const nn::WeightScope& first, const nn::WeightScope& second,
                  const QwenVisionConfig& config, bool norm_merged)
      : merged_(config.merged()),
        norm_merged_(norm_merged),
        norm_(norm, norm_merged ? config.hidden_size * merged_ : config.hidden_size, 1e-6),
        first_(first, config.hidden_size * merged_, config.hidden_size * merged_, true),
        second_(second, config.hidden_size * merged_, config.out_hidden_size, true) {}

  /// (patches, hidden) -> (patches / merge_size^2, out_hidden_size)
  at::Tensor operator()(const at::Tensor& x, const Run& run) const {
    std::vector<at::Tensor> parts;
    for_each_piece(x.size(0), kVisionRows * merged_, run, [&](std::int64_t first, std::int64_t count) {
      const at::Tensor piece = x.narrow(0, first, count);
      const at::Tensor blocks = norm_merged_ ? norm_(piece.reshape({count / merged_, -1}))
                                             : norm_(piece).reshape({count / merged_, -1});  // (blocks, merged * hidden)
      parts.push_back(second_(first_(blocks, gelu_)));
    });
    return parts.size() == 1 ? parts.front() : at::cat(parts);
  }

 private:
  std::int64_t merged_;
  bool norm_merged_;
  Norm norm_;
  nn::Linear first_;
  nn::Activation gelu_{"gelu"};
  nn::Linear second_;
};

/// A convolution whose stride is its kernel: a product over the values of each patch.
class QwenPatchEmbedding {
 public:
  QwenPatchEmbedding(const nn::WeightScope& weights, const QwenVisionConfig& config, bool bias);

  /// (patches, patch_values) -> (patches, hidden)
  at::Tensor operator()(const at::Tensor& pixels) const;

 private:
  at::Tensor weight_;  // (hidden, 3 * temporal * patch * patch)
  at::Tensor bias_;    // (hidden), undefined without
};

}  // namespace lmm::towers
