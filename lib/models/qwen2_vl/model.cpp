#include "lib/models/qwen2_vl/model.hpp"

#include "lib/core/error.hpp"
#include "lib/models/decode.hpp"
#include "lib/models/media_rows.hpp"
#include "lib/models/qwen2_vl/preprocess.hpp"
#include "lib/nn/kernels/thread_pool.hpp"
#include "lib/nn/tap.hpp"
#include "lib/towers/text/decoder.hpp"
#include "lib/towers/vision/qwen2_vl.hpp"

#include <ATen/ATen.h>

#include <algorithm>

namespace lmm::models::qwen2_vl {
namespace {

/// Patches of several pictures that go through the tower together; a larger picture goes alone. Products are at full
/// throughput long before, and what a picture's attention holds stays bounded.
constexpr std::int64_t kBatchPatches = 8192;

struct PictureInput final : MediaInput {
  ResizedPicture resized;
};

media::ParallelFor on_pool(const nn::Placement& placement) {
  if (placement.pool == nullptr) return {};
  return [&placement](std::int64_t count, const std::function<void(std::int64_t)>& task) {
    placement.pool->parallel_for(static_cast<int>(count), [&](int i) noexcept { task(i); });
  };
}

class QwenVl final : public Family {
 public:
  QwenVl(const Checkpoint& checkpoint, const Variant& variant, const nn::WeightScope& root)
      : placement_(root.placement()),
        info_(describe(checkpoint, variant)),
        processor_(ImageProcessorConfig::load(checkpoint.folder)),
        table_(processor_.scale.table()),
        // Published files name the tower "visual" and the text model "model"; transformers 5 nests both in "model". The
        // bare model's save_pretrained leaves that out.
        tower_(variant.make_tower(root.scope(checkpoint.weights->first_of({"visual", "model.visual"})))),
        decoder_(root.scope(checkpoint.weights->first_of({"model.language_model", "language_model", "model", ""})), root,
                 variant.config.text, variant.config.tie_word_embeddings) {}

  const FamilyInfo& info() const override { return info_; }

  MediaPlan plan(const media::Medium& medium) const override {
    const media::Picture& picture = media::as_picture(medium);
    const PatchGrid grid = patch_grid(picture.width, picture.height, processor_);
    const Grid merged{1, grid.rows / processor_.merge_size, grid.columns / processor_.merge_size};
    MediaPlan plan;
    plan.rows = merged.rows();
    plan.tiles = 1;
    plan.grids = {merged};
    plan.seen_width = grid.columns * processor_.patch_size;
    plan.seen_height = grid.rows * processor_.patch_size;
    for (std::int64_t i = 0; i < plan.rows; ++i) plan.prompt += info_.placeholder(media::Kind::picture).token;
    return plan;
  }

  std::shared_ptr<const MediaInput> preprocess(const media::Medium& medium) const override {
    const media::Picture& picture = media::as_picture(medium);
    auto input = std::make_shared<PictureInput>();
    input->resized = qwen2_vl::preprocess(picture, processor_, on_pool(placement_));
    return input;
  }

  std::vector<std::shared_ptr<const MediaRows>> encode(std::span<const std::shared_ptr<const MediaInput>> images,
                                                       Run& run) const override;

  std::unique_ptr<State> new_state() const override { return decoder_.new_cache(); }

  void forward(const Sequence& sequence, State& state, std::span<float> logits, Run& run) const override {
    decode(decoder_, sequence, dynamic_cast<nn::KvCache&>(state), logits, run);
  }

 private:
  using Pictures = std::span<const ResizedPicture* const>;

  void encode_batch(Pictures pictures, Run& run, std::vector<std::shared_ptr<const MediaRows>>& out) const;
  at::Tensor pixels_of(Pictures pictures) const;

  nn::Placement placement_;
  FamilyInfo info_;
  ImageProcessorConfig processor_;
  media::PixelScale::Table table_;
  std::unique_ptr<const towers::QwenVisionTower> tower_;
  towers::Decoder decoder_;
};

/// (patches, values of a patch) of all pictures in a row, in the compute type.
at::Tensor QwenVl::pixels_of(Pictures pictures) const {
  std::int64_t total = 0;
  for (const ResizedPicture* picture : pictures) total += picture->grid.patches();
  const std::int64_t values = patch_values(processor_);
  at::Tensor pixels = at::empty({total, values}, at::TensorOptions().dtype(placement_.dtype).device(placement_.device));
  const at::Tensor piece = at::empty({std::min(total, towers::kVisionRows), values}, at::kFloat);
  std::int64_t row = 0;
  for (const ResizedPicture* picture : pictures) {
    for (std::int64_t first = 0; first < picture->grid.patches(); first += piece.size(0)) {
      const std::int64_t count = std::min(piece.size(0), picture->grid.patches() - first);
      const std::span floats(piece.mutable_data_ptr<float>(), static_cast<std::size_t>(count * values));
      write_patches(*picture, processor_, table_, first, count, floats);
      pixels.narrow(0, row, count).copy_(piece.narrow(0, 0, count));
      row += count;
    }
  }
  return pixels;
}

void QwenVl::encode_batch(Pictures pictures, Run& run, std::vector<std::shared_ptr<const MediaRows>>& out) const {
  std::vector<towers::VisionGrid> grids;
  std::vector<std::int64_t> rows;
  for (const ResizedPicture* picture : pictures) {
    grids.push_back({picture->grid.rows, picture->grid.columns});
    rows.push_back(picture->grid.patches() / tower_->config().merged());
  }
  at::Tensor pixels = pixels_of(pictures);
  nn::tap(run, "pixel_values", "", pixels);
  const towers::VisionFeatures features = tower_->forward(std::move(pixels), grids, run);
  nn::tap(run, "connector", "", features.rows);
  std::int64_t first = 0;
  for (const std::int64_t count : rows) {
    // Clones: a picture that is kept must not keep the others of its batch.
    const auto own = [&](const at::Tensor& all) {
      const at::Tensor part = all.narrow(0, first, count);
      return rows.size() == 1 ? part : part.clone();
    };
    std::vector<at::Tensor> deep_stack;
    for (const at::Tensor& layer : features.deep_stack) deep_stack.push_back(own(layer));
    out.push_back(std::make_shared<TensorRows>(own(features.rows), std::move(deep_stack)));
    first += count;
  }
}

std::vector<std::shared_ptr<const MediaRows>> QwenVl::encode(std::span<const std::shared_ptr<const MediaInput>> images,
                                                             Run& run) const {
  std::vector<const ResizedPicture*> pictures;
  std::int64_t total = 0;
  for (const auto& image : images) {
    pictures.push_back(&dynamic_cast<const PictureInput&>(*image).resized);
    total += pictures.back()->grid.patches();
  }
  run.begin("encode", total * tower_->config().layers);
  const std::int64_t most = run.observed() ? total : kBatchPatches;  // an observer sees each intermediate whole
  std::vector<std::shared_ptr<const MediaRows>> out;
  for (std::size_t first = 0; first < pictures.size();) {
    std::size_t end = first;
    std::int64_t patches = 0;
    do {
      patches += pictures[end++]->grid.patches();
    } while (end < pictures.size() && patches + pictures[end]->grid.patches() <= most);
    encode_batch(Pictures(pictures).subspan(first, end - first), run, out);
    first = end;
  }
  return out;
}

void check_same(const char* name, std::int64_t processor, std::int64_t tower, const Checkpoint& checkpoint) {
  if (processor == tower) return;
  fail(ErrorCode::bad_file, "{}: {} is {} for the image processor and {} in config.json's vision_config",
       checkpoint.folder.string(), name, processor, tower);
}

Variant variant(const Checkpoint& checkpoint) {
  const Fields fields = checkpoint.fields();
  Variant variant;
  variant.config = Config::parse(fields);
  variant.vision = towers::Qwen2VlTower::parse(vision_fields(fields, "qwen2_vl"));
  variant.make_tower = [config = variant.vision](const nn::WeightScope& weights) {
    return std::make_unique<const towers::Qwen2VlTower>(weights, config);
  };
  return variant;
}

}  // namespace

FamilyInfo describe(const Checkpoint& checkpoint, const Variant& variant) {
  const ImageProcessorConfig processor = ImageProcessorConfig::load(checkpoint.folder);
  const towers::QwenVisionConfig& vision = variant.vision;
  check_same("patch_size", processor.patch_size, vision.patch_size, checkpoint);
  check_same("temporal_patch_size", processor.temporal_patch_size, vision.temporal_patch_size, checkpoint);
  check_same("merge_size", processor.merge_size, vision.merge_size, checkpoint);
  const towers::DecoderConfig& text = variant.config.text;
  if (vision.out_hidden_size != text.hidden_size) {
    fail(ErrorCode::bad_file, "{}: the tower gives rows of {}, the text model takes {}",
         (checkpoint.folder / "config.json").string(), vision.out_hidden_size, text.hidden_size);
  }
  FamilyInfo info;
  info.towers = {"vision", "text"};
  info.context_length = text.context_length;
  info.vocab_size = text.vocab_size;
  info.placeholder(media::Kind::picture) = {image_token(checkpoint.folder),
                                            static_cast<std::int32_t>(variant.config.image_token_id)};
  info.text_layers = text.layers;
  info.grounding = variant.grounding;
  return info;
}

std::unique_ptr<const Family> load(const Checkpoint& checkpoint, const Variant& variant, const nn::Placement& placement,
                                   Run& run) {
  return std::make_unique<QwenVl>(checkpoint, variant,
                                  nn::WeightScope(checkpoint.weights->scope(""), placement, run));
}

FamilyInfo describe(const Checkpoint& checkpoint) { return describe(checkpoint, variant(checkpoint)); }

std::unique_ptr<const Family> load(const Checkpoint& checkpoint, const nn::Placement& placement, Run& run) {
  return load(checkpoint, variant(checkpoint), placement, run);
}

}  // namespace lmm::models::qwen2_vl
