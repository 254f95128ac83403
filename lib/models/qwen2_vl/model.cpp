#include "lib/models/qwen2_vl/model.hpp"

#include "lib/core/error.hpp"
#include "lib/models/decode.hpp"
#include "lib/models/media_rows.hpp"
#include "lib/models/on_pool.hpp"
#include "lib/models/qwen2_vl/preprocess.hpp"
#include "lib/models/when_needed.hpp"
#include "lib/nn/tap.hpp"
#include "lib/towers/text/decoder.hpp"
#include "lib/towers/vision/qwen2_vl.hpp"

#include <ATen/ATen.h>

#include <algorithm>

namespace lmm::models::qwen2_vl {
namespace {

/// Patches of several pictures that go through the tower together; a larger picture goes alone, a video in parts. Products
/// are at full throughput long before, and what the layers hold stays bounded.
constexpr std::int64_t kBatchPatches = 8192;

/// A picture, or the frames of a video, at the size that the tower sees, not yet cut into patches.
struct FramesInput final : MediaInput {
  PatchLayout layout;
  std::vector<media::Picture> frames;
  std::int64_t steps = 1;                             // temporal patches
  const media::PixelScale::Table* table = nullptr;    // the family's

  /// The pictures that temporal patch `step` is made of; the last one stands for what is missing.
  std::vector<const media::Picture*> frames_of(std::int64_t step, std::int64_t depth) const {
    std::vector<const media::Picture*> out;
    for (std::int64_t i = step * depth; i < (step + 1) * depth; ++i) {
      out.push_back(&frames[std::min(static_cast<std::size_t>(i), frames.size() - 1)]);
    }
    return out;
  }
};

/// One temporal patch of an input: to the tower a picture, since patches see those of their own time alone.
struct Step {
  std::size_t input = 0;
  const FramesInput* frames = nullptr;
  std::int64_t index = 0;

  std::int64_t patches() const { return frames->layout.grid.patches(); }
};

/// What the tower gave, input by input.
struct Gathered {
  std::vector<at::Tensor> rows;
  std::vector<std::vector<at::Tensor>> deep_stack;  // parts by layer
};

at::Tensor joined(const std::vector<at::Tensor>& parts) { return parts.size() == 1 ? parts.front() : at::cat(parts); }

struct VideoProcessor {
  VideoProcessorConfig config = {};
  media::PixelScale::Table table = {};

  static VideoProcessor read(const Checkpoint& checkpoint, const Variant& variant);
};

void check_same(const char* name, std::int64_t processor, std::int64_t tower, const Checkpoint& checkpoint, const char* kind) {
  if (processor == tower) return;
  fail(ErrorCode::bad_file, "{}: {} is {} for the {} processor and {} in config.json's vision_config",
       checkpoint.folder.string(), name, processor, kind, tower);
}

template <typename Processor>
void check_patches(const Processor& processor, const Checkpoint& checkpoint, const Variant& variant, const char* kind) {
  check_same("patch_size", processor.patch_size, variant.vision.patch_size, checkpoint, kind);
  check_same("temporal_patch_size", processor.temporal_patch_size, variant.vision.temporal_patch_size, checkpoint, kind);
  check_same("merge_size", processor.merge_size, variant.vision.merge_size, checkpoint, kind);
}

VideoProcessor VideoProcessor::read(const Checkpoint& checkpoint, const Variant& variant) {
  VideoProcessorConfig config = VideoProcessorConfig::load(checkpoint.folder, variant.videos);
  if (variant.set_videos) variant.set_videos(config);
  check_patches(config, checkpoint, variant, "video");
  return {config, config.scale.table_as_torch("video")};
}

class QwenVl final : public Family {
 public:
  QwenVl(const Checkpoint& checkpoint, const Variant& variant, const nn::WeightScope& root)
      : placement_(root.placement()),
        info_(describe(checkpoint, variant)),
        processor_(ImageProcessorConfig::load(checkpoint.folder)),
        table_(processor_.scale.table_as_torch("picture")),
        videos_(WhenNeeded<VideoProcessor>::from([&] { return VideoProcessor::read(checkpoint, variant); })),
        times_(variant.times),
        tokens_per_second_(variant.tokens_per_second),
        vision_start_(vision_token(checkpoint.folder, "vision_start_token")),
        vision_end_(vision_token(checkpoint.folder, "vision_end_token")),
        // Published files name the tower "visual" and the text model "model"; transformers 5 nests both in "model". The
        // bare model's save_pretrained leaves that out.
        tower_(variant.make_tower(root.first_of({"visual", "model.visual"}).packable_tower())),
        decoder_(root.first_of({"model.language_model", "language_model", "model", ""}), root,
                 variant.config.text, variant.config.tie_word_embeddings) {}

  const FamilyInfo& info() const override { return info_; }

  MediaPlan plan(const media::Medium& medium) const override {
    return media::kind_of(medium) == media::Kind::video ? plan(media::as_video(medium)) : plan(media::as_picture(medium));
  }

  std::shared_ptr<const MediaInput> preprocess(const media::Medium& medium) const override {
    return media::kind_of(medium) == media::Kind::video ? preprocess(media::as_video(medium))
                                                        : preprocess(media::as_picture(medium));
  }

  std::vector<std::int64_t> sample_frames(std::int64_t total, double fps, double wanted) const override;

  std::vector<std::shared_ptr<const MediaRows>> encode(std::span<const std::shared_ptr<const MediaInput>> inputs,
                                                       Run& run) const override;

  std::unique_ptr<State> new_state() const override { return decoder_.new_cache(); }

  void forward(const Sequence& sequence, State& state, std::span<float> logits, Run& run) const override {
    decode(decoder_, sequence, dynamic_cast<nn::KvCache&>(state), logits, run);
  }

 private:
  using Steps = std::span<const Step>;

  MediaPlan plan(const media::Picture& picture) const;
  MediaPlan plan(const media::Video& video) const;
  std::shared_ptr<const MediaInput> preprocess(const media::Picture& picture) const;
  std::shared_ptr<const MediaInput> preprocess(const media::Video& video) const;
  void encode_batch(Steps steps, Run& run, std::vector<Gathered>& out) const;
  at::Tensor pixels_of(Steps steps) const;

  nn::Placement placement_;
  FamilyInfo info_;
  ImageProcessorConfig processor_;
  media::PixelScale::Table table_;
  WhenNeeded<VideoProcessor> videos_;
  VideoTimes times_;
  double tokens_per_second_;
  std::string vision_start_;
  std::string vision_end_;
  std::unique_ptr<const towers::QwenVisionTower> tower_;
  towers::Decoder decoder_;
};

/// (rows of) one temporal patch.
Grid merged(PatchGrid grid, std::int64_t merge_size) { return {1, grid.rows / merge_size, grid.columns / merge_size}; }

std::string repeated(const std::string& text, std::int64_t count) {
  std::string out;
  out.reserve(text.size() * static_cast<std::size_t>(count));
  for (std::int64_t i = 0; i < count; ++i) out += text;
  return out;
}

MediaPlan QwenVl::plan(const media::Picture& picture) const {
  const PatchGrid grid = patch_grid(picture.width, picture.height, processor_);
  MediaPlan plan;
  plan.grids = {merged(grid, processor_.merge_size)};
  plan.rows = plan.grids.front().rows();
  plan.tiles = 1;
  plan.seen_width = grid.columns * processor_.patch_size;
  plan.seen_height = grid.rows * processor_.patch_size;
  plan.prompt = repeated(info_.placeholder(media::Kind::picture).token, plan.rows);
  return plan;
}

/// replace_video_token of the families' processors, and the grids of their get_rope_index.
MediaPlan QwenVl::plan(const media::Video& video) const {
  const VideoProcessorConfig& config = videos_.get().config;
  const VideoPlan seen = plan_video(video, config);
  const std::string& token = info_.placeholder(media::Kind::video).token;
  Grid grid = merged(seen.grid, config.merge_size);
  MediaPlan plan;
  plan.tiles = seen.steps;
  plan.rows = seen.steps * grid.rows();
  plan.seen_width = seen.grid.columns * config.patch_size;
  plan.seen_height = seen.grid.rows * config.patch_size;
  if (times_ == VideoTimes::stamps) {
    for (const double seconds : seen.step_times(config.temporal_patch_size)) {
      plan.prompt += fmt::format("<{:.1f} seconds>", seconds) + vision_start_ + repeated(token, grid.rows()) + vision_end_;
      plan.grids.push_back(grid);
    }
    return plan;
  }
  grid.time = seen.steps;
  const double seconds = static_cast<double>(config.temporal_patch_size) / seen.sampled_fps;
  if (times_ == VideoTimes::seconds) {  // second_per_grid_ts, an fp32 tensor
    grid.interval = static_cast<float>(tokens_per_second_) * static_cast<float>(seconds);
  } else if (times_ == VideoTimes::clock) {  // where no rate is known Qwen2_5OmniProcessor takes 2 frames a second
    grid.interval = media::frame_rate(video) ? seconds : static_cast<double>(config.temporal_patch_size) / 2.0;
    grid.unit = tokens_per_second_;
    grid.end = Grid::End::last_place;
  }
  plan.grids = {grid};
  plan.prompt = repeated(token, plan.rows);
  return plan;
}

std::shared_ptr<const MediaInput> QwenVl::preprocess(const media::Picture& picture) const {
  auto input = std::make_shared<FramesInput>();
  ResizedPicture resized = qwen2_vl::preprocess(picture, processor_, on_pool(placement_));
  input->layout = {resized.grid, processor_.patch_size, processor_.merge_size};
  input->frames.push_back(std::move(resized.picture));
  input->table = &table_;
  return input;
}

std::shared_ptr<const MediaInput> QwenVl::preprocess(const media::Video& video) const {
  const VideoProcessorConfig& config = videos_.get().config;
  const VideoPlan seen = plan_video(video, config);
  auto input = std::make_shared<FramesInput>();
  input->layout = {seen.grid, config.patch_size, config.merge_size};
  input->steps = seen.steps;
  input->table = &videos_.get().table;
  for (const std::size_t frame : seen.frames) {
    input->frames.push_back(resize_frame(*video.frames[frame], seen.grid, config, on_pool(placement_)));
  }
  return input;
}

std::vector<std::int64_t> QwenVl::sample_frames(std::int64_t total, double fps, double wanted) const {
  VideoProcessorConfig config = videos_.get().config;
  if (wanted != 0.0) {
    config.do_sample_frames = true;
    config.fps = wanted;
    config.num_frames.reset();
  }
  return qwen2_vl::sample_frames(total, fps, config);
}

/// (patches, values of a patch) of all steps in a row, in the compute type.
at::Tensor QwenVl::pixels_of(Steps steps) const {
  std::int64_t total = 0;
  for (const Step& step : steps) total += step.patches();
  const std::int64_t values = tower_->config().patch_values();
  at::Tensor pixels = at::empty({total, values}, at::TensorOptions().dtype(placement_.dtype).device(placement_.device));
  const at::Tensor piece = at::empty({std::min(total, towers::kVisionRows), values}, at::kFloat);
  std::int64_t row = 0;
  for (const Step& step : steps) {
    const auto pictures = step.frames->frames_of(step.index, tower_->config().temporal_patch_size);
    for (std::int64_t first = 0; first < step.patches(); first += piece.size(0)) {
      const std::int64_t count = std::min(piece.size(0), step.patches() - first);
      const std::span floats(piece.mutable_data_ptr<float>(), static_cast<std::size_t>(count * values));
      write_patches(pictures, step.frames->layout, *step.frames->table, first, count, floats);
      pixels.narrow(0, row, count).copy_(piece.narrow(0, 0, count));
      row += count;
    }
  }
  return pixels;
}

void QwenVl::encode_batch(Steps steps, Run& run, std::vector<Gathered>& out) const {
  std::vector<towers::VisionGrid> grids;
  for (const Step& step : steps) grids.push_back({step.frames->layout.grid.rows, step.frames->layout.grid.columns});
  at::Tensor pixels = pixels_of(steps);
  nn::tap(run, "pixel_values", "", pixels);
  const towers::VisionFeatures features = tower_->forward(std::move(pixels), grids, run);
  nn::tap(run, "connector", "", features.rows);
  const bool shared = steps.front().input != steps.back().input;
  std::int64_t row = 0;
  for (std::size_t first = 0; first < steps.size();) {
    std::int64_t patches = 0;
    std::size_t end = first;
    while (end < steps.size() && steps[end].input == steps[first].input) patches += steps[end++].patches();
    // Clones: a picture that is kept must not keep the others of its batch.
    const auto own = [&, count = patches / tower_->config().merged()](const at::Tensor& all) {
      const at::Tensor part = all.narrow(0, row, count);
      return shared ? part.clone() : part;
    };
    Gathered& gathered = out[steps[first].input];
    gathered.rows.push_back(own(features.rows));
    gathered.deep_stack.resize(features.deep_stack.size());
    for (std::size_t i = 0; i < features.deep_stack.size(); ++i) {
      gathered.deep_stack[i].push_back(own(features.deep_stack[i]));
    }
    row += gathered.rows.back().size(0);
    first = end;
  }
}

std::vector<std::shared_ptr<const MediaRows>> QwenVl::encode(std::span<const std::shared_ptr<const MediaInput>> inputs,
                                                             Run& run) const {
  std::vector<Step> steps;
  std::int64_t total = 0;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const auto& frames = dynamic_cast<const FramesInput&>(*inputs[i]);
    for (std::int64_t index = 0; index < frames.steps; ++index) {
      steps.push_back({i, &frames, index});
      total += steps.back().patches();
    }
  }
  run.begin("encode", total * tower_->config().layers);
  const std::int64_t most = run.observed() ? total : kBatchPatches;  // an observer sees each intermediate whole
  std::vector<Gathered> gathered(inputs.size());
  for (std::size_t first = 0; first < steps.size();) {
    std::size_t end = first;
    std::int64_t patches = 0;
    do {
      patches += steps[end++].patches();
    } while (end < steps.size() && patches + steps[end].patches() <= most);
    encode_batch(Steps(steps).subspan(first, end - first), run, gathered);
    first = end;
  }
  std::vector<std::shared_ptr<const MediaRows>> out;
  for (const Gathered& parts : gathered) {
    std::vector<at::Tensor> deep_stack;
    for (const auto& layer : parts.deep_stack) deep_stack.push_back(joined(layer));
    out.push_back(std::make_shared<TensorRows>(joined(parts.rows), std::move(deep_stack)));
  }
  return out;
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
  check_patches(ImageProcessorConfig::load(checkpoint.folder), checkpoint, variant, "image");
  const towers::QwenVisionConfig& vision = variant.vision;
  const towers::DecoderConfig& text = variant.config.text;
  if (vision.out_hidden_size != text.hidden_size) {
    fail(ErrorCode::bad_file, "{}: the tower gives rows of {}, the text model takes {}",
         (checkpoint.folder / "config.json").string(), vision.out_hidden_size, text.hidden_size);
  }
  FamilyInfo info;
  info.towers = {"vision", "text"};
  info.context_length = text.context_length;
  info.vocab_size = text.vocab_size;
  info.placeholder(media::Kind::picture) = {vision_token(checkpoint.folder, "image_token"),
                                            static_cast<std::int32_t>(variant.config.image_token_id)};
  if (variant.config.video_token_id >= 0) {
    info.placeholder(media::Kind::video) = {vision_token(checkpoint.folder, "video_token"),
                                            static_cast<std::int32_t>(variant.config.video_token_id)};
  }
  info.text_layers = text.layers;
  info.grounding = variant.grounding;
  return info;
}

std::unique_ptr<const Family> load(const Checkpoint& checkpoint, const Variant& variant, const nn::Placement& placement,
                                   Run& run) {
  return std::make_unique<QwenVl>(checkpoint, variant,
                                  nn::WeightScope(checkpoint.weights->scope(variant.prefix), placement, run));
}

FamilyInfo describe(const Checkpoint& checkpoint) { return describe(checkpoint, variant(checkpoint)); }

std::unique_ptr<const Family> load(const Checkpoint& checkpoint, const nn::Placement& placement, Run& run) {
  return load(checkpoint, variant(checkpoint), placement, run);
}

}  // namespace lmm::models::qwen2_vl
