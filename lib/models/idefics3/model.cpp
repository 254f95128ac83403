#include "lib/models/idefics3/model.hpp"

#include "lib/core/error.hpp"
#include "lib/models/decode.hpp"
#include "lib/models/idefics3/config.hpp"
#include "lib/models/idefics3/preprocess_video.hpp"
#include "lib/models/media_rows.hpp"
#include "lib/models/on_pool.hpp"
#include "lib/models/when_needed.hpp"
#include "lib/nn/tap.hpp"
#include "lib/towers/text/decoder.hpp"
#include "lib/towers/vision/siglip.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

namespace lmm::models::idefics3 {
namespace {

constexpr const char* kImageToken = "<image>";
constexpr const char* kVideoToken = "<video>";

/// Tiles that go through the tower at once: matrix throughput is full long before, and activations stay bounded.
constexpr std::int64_t kTileBatch = 2;

struct TileInput final : MediaInput {
  ImageTiles tiles;
};

/// Pixel shuffle and projection: scale_factor^2 neighbouring patches become one token.
class Connector {
 public:
  Connector(const nn::WeightScope& weights, std::int64_t vision_size, std::int64_t text_size, std::int64_t scale)
      : scale_(scale), projection_(weights.scope("modality_projection.proj"), vision_size * scale * scale, text_size, false) {}

  /// (tiles, patches, vision) -> (tiles, patches / scale^2, text)
  at::Tensor operator()(const at::Tensor& x) const {
    const auto tiles = x.size(0);
    const auto side = static_cast<std::int64_t>(std::sqrt(static_cast<double>(x.size(1))));
    const auto small = side / scale_;
    const at::Tensor shuffled = x.view({tiles, small, scale_, small, scale_, x.size(2)})
                                    .permute({0, 1, 3, 2, 4, 5})  // (tiles, small, small, scale, scale, vision)
                                    .reshape({tiles, small * small, scale_ * scale_ * x.size(2)});
    return projection_(shuffled);
  }

 private:
  std::int64_t scale_;
  nn::Linear projection_;
};

/// What the files of a checkpoint say, apart from its weights.
struct Settings {
  Config config;
  towers::SiglipConfig vision;
  ImageProcessorConfig processor;
  WhenNeeded<VideoProcessorConfig> videos;
  FamilyInfo info;

  static Settings read(const Checkpoint& checkpoint);
};

class Idefics3 final : public Family {
 public:
  Idefics3(const Checkpoint& checkpoint, const nn::Placement& placement, Run& run)
      : Idefics3(Settings::read(checkpoint), nn::WeightScope(checkpoint.weights->scope(""), placement, run),
                 checkpoint.weights->first_of({"model", ""})) {}

  const FamilyInfo& info() const override { return info_; }

  MediaPlan plan(const media::Medium& medium) const override {
    if (media::kind_of(medium) == media::Kind::video) {
      const VideoPlan seen = plan_video(media::as_video(medium), videos_.get());
      const auto frames = static_cast<std::int64_t>(seen.frames.size());
      const std::int64_t length = videos_.get().frame.image_seq_len;
      return {video_prompt(seen, length), frames * length, frames};
    }
    const media::Picture& picture = media::as_picture(medium);
    const TileGrid grid = tile_grid(picture.width, picture.height, processor_);
    const std::int64_t tiles = grid.rows * grid.cols + 1;
    return {image_prompt(grid.rows, grid.cols, processor_.image_seq_len), tiles * processor_.image_seq_len, tiles};
  }

  std::vector<std::int64_t> sample_frames(std::int64_t total, double fps, double wanted) const override {
    if (!info_.takes(media::Kind::video)) return Family::sample_frames(total, fps, wanted);
    VideoProcessorConfig config = videos_.get();
    if (wanted != 0.0) {
      config.fps = wanted;
      if (!config.num_frames) config.num_frames = media::kMostFrames;
    }
    return idefics3::sample_frames(total, fps, config);
  }

  std::shared_ptr<const MediaInput> preprocess(const media::Medium& medium) const override {
    auto input = std::make_shared<TileInput>();
    if (media::kind_of(medium) == media::Kind::video) {
      const media::Video& video = media::as_video(medium);
      input->tiles = idefics3::preprocess(video, plan_video(video, videos_.get()), videos_.get(), on_pool(placement_));
    } else {
      input->tiles = idefics3::preprocess(media::as_picture(medium), processor_, on_pool(placement_));
    }
    return input;
  }

  std::vector<std::shared_ptr<const MediaRows>> encode(std::span<const std::shared_ptr<const MediaInput>> images,
                                                       Run& run) const override;

  std::unique_ptr<State> new_state() const override { return decoder_.new_cache(); }

  void forward(const Sequence& sequence, State& state, std::span<float> logits, Run& run) const override {
    decode(decoder_, sequence, dynamic_cast<nn::KvCache&>(state), logits, run);
  }

 private:
  /// `base`: what stands before the names of the towers; the bare model's save_pretrained leaves it out.
  Idefics3(const Settings& settings, const nn::WeightScope& root, std::string_view base)
      : placement_(root.placement()),
        info_(settings.info),
        processor_(settings.processor),
        videos_(settings.videos),
        tower_(root.scope(base).scope("vision_model").packable_tower(), settings.vision),
        connector_(root.scope(base).scope("connector"), settings.vision.hidden_size, settings.config.text.hidden_size,
                   settings.config.scale_factor),
        decoder_(root.scope(base).scope("text_model"), root, settings.config.text,
                 settings.config.tie_word_embeddings) {}

  nn::Placement placement_;
  FamilyInfo info_;
  ImageProcessorConfig processor_;
  WhenNeeded<VideoProcessorConfig> videos_;
  towers::SiglipTower tower_;
  Connector connector_;
  towers::Decoder decoder_;
};

/// Tiles [first, first + count) of all pictures in a row: (count, 3, height, width) in the compute type.
at::Tensor tile_batch(const std::vector<const ImageTiles*>& pictures, std::int64_t first, std::int64_t count,
                      const nn::Placement& placement) {
  std::vector<at::Tensor> parts;
  for (const ImageTiles* picture : pictures) {
    const std::int64_t begin = std::max<std::int64_t>(first, 0);
    const std::int64_t end = std::min(first + count, picture->tiles);
    first -= picture->tiles;  // counted from the next picture on
    if (begin >= end) continue;
    const at::Tensor pixels = at::from_blob(const_cast<float*>(picture->pixel_values.data()),
                                            {picture->tiles, 3, picture->height, picture->width}, at::kFloat);
    parts.push_back(pixels.narrow(0, begin, end - begin).to(placement.device, placement.dtype));
  }
  return parts.size() == 1 ? parts.front() : at::cat(parts);
}

std::vector<std::shared_ptr<const MediaRows>> Idefics3::encode(
    std::span<const std::shared_ptr<const MediaInput>> images, Run& run) const {
  std::vector<const ImageTiles*> pictures;
  std::vector<std::int64_t> counts;
  std::int64_t total = 0;
  for (const auto& image : images) {
    pictures.push_back(&dynamic_cast<const TileInput&>(*image).tiles);
    counts.push_back(pictures.back()->tiles);
    total += counts.back();
  }
  run.begin("encode", total * tower_.config().layers);
  std::vector<at::Tensor> rows;
  const std::int64_t most = run.observed() ? total : kTileBatch;  // an observer sees each intermediate whole
  for (std::int64_t first = 0; first < total; first += most) {
    const at::Tensor pixels = tile_batch(pictures, first, std::min(most, total - first), placement_);
    nn::tap(run, "pixel_values", "", pixels);
    rows.push_back(connector_(tower_.forward(pixels, run)));  // (tiles, patches / scale^2, text)
  }
  const at::Tensor all = rows.size() == 1 ? rows.front() : at::cat(rows);
  nn::tap(run, "connector", "", all);
  std::vector<std::shared_ptr<const MediaRows>> out;
  for (const at::Tensor& picture : all.split_with_sizes(counts)) {
    out.push_back(std::make_shared<TensorRows>(picture.flatten(0, 1)));
  }
  return out;
}

/// The tower's patches of a tile must give as many rows as the processor writes placeholders.
void check_sequence_length(const Config& config, const towers::SiglipConfig& vision, const ImageProcessorConfig& processor,
                           const std::string& where) {
  const std::int64_t side = processor.tile / vision.patch_size;
  const std::int64_t rows = side / config.scale_factor * (side / config.scale_factor);
  if (side % config.scale_factor != 0 || rows != processor.image_seq_len) {
    fail(ErrorCode::bad_file,
         "{}: tiles of {} pixels, patch_size {} and scale_factor {} give {} tokens a tile, but image_seq_len is {}", where,
         processor.tile, vision.patch_size, config.scale_factor, rows, processor.image_seq_len);
  }
}

Settings Settings::read(const Checkpoint& checkpoint) {
  // SmolVLMProcessor does not run without torchvision, so its pictures are always resized by that.
  const bool smolvlm = checkpoint.fields().string("model_type") == "smolvlm";
  Settings settings{Config::parse(checkpoint.fields()),
                    towers::SiglipConfig::parse(checkpoint.fields().object("vision_config")),
                    ImageProcessorConfig::load(checkpoint.folder, smolvlm),
                    {},
                    {}};
  const Config& config = settings.config;
  check_sequence_length(config, settings.vision, settings.processor, checkpoint.folder.string());
  FamilyInfo& info = settings.info;
  info.towers = {"vision", "text"};
  info.context_length = config.text.context_length;
  info.vocab_size = config.text.vocab_size;
  const auto image_token_id = static_cast<std::int32_t>(config.image_token_id);
  info.placeholder(media::Kind::picture) = {kImageToken, image_token_id};
  if (smolvlm) {
    info.placeholder(media::Kind::video) = {kVideoToken, image_token_id};  // its frames are pictures to the model
    settings.videos = WhenNeeded<VideoProcessorConfig>::from([&] {
      const auto videos = VideoProcessorConfig::load(checkpoint.folder);
      check_sequence_length(config, settings.vision, videos.frame, checkpoint.folder.string());
      return videos;
    });
  }
  info.text_layers = config.text.layers;
  return settings;
}

}  // namespace

FamilyInfo describe(const Checkpoint& checkpoint) { return Settings::read(checkpoint).info; }

std::unique_ptr<const Family> load(const Checkpoint& checkpoint, const nn::Placement& placement, Run& run) {
  return std::make_unique<Idefics3>(checkpoint, placement, run);
}

}  // namespace lmm::models::idefics3
