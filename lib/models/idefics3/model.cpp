#include "lib/models/idefics3/model.hpp"

#include "lib/core/error.hpp"
#include "lib/models/decode.hpp"
#include "lib/models/idefics3/config.hpp"
#include "lib/models/idefics3/preprocess.hpp"
#include "lib/models/image_rows.hpp"
#include "lib/nn/tap.hpp"
#include "lib/towers/text/decoder.hpp"
#include "lib/towers/vision/siglip.hpp"

#include <ATen/ATen.h>

#include <algorithm>

namespace lmm::models::idefics3 {
namespace {

constexpr const char* kImageToken = "<image>";

/// Tiles that go through the tower at once: matrix throughput is full long before, and activations stay bounded.
constexpr std::int64_t kTileBatch = 8;

struct TileInput final : ImageInput {
  ImageTiles pixels;
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

class Idefics3 final : public Family {
 public:
  Idefics3(const Checkpoint& checkpoint, const nn::Placement& placement, Run& run)
      : Idefics3(checkpoint, nn::WeightScope(checkpoint.weights->scope(""), placement, run)) {}

  const FamilyInfo& info() const override { return info_; }

  std::vector<std::shared_ptr<const ImageInput>> preprocess(
      std::span<const media::Picture* const> pictures) const override {
    std::vector<std::shared_ptr<const ImageInput>> inputs;
    for (const media::Picture* picture : pictures) {
      auto input = std::make_shared<TileInput>();
      input->pixels = idefics3::preprocess(*picture, processor_);
      inputs.push_back(std::move(input));
    }
    return inputs;
  }

  std::vector<std::shared_ptr<const ImageRows>> encode(std::span<const ImageInput* const> images,
                                                       Run& run) const override;

  std::unique_ptr<State> new_state() const override { return decoder_.new_cache(); }

  void forward(const Sequence& sequence, State& state, std::span<float> logits, Run& run) const override {
    decode(decoder_, sequence, dynamic_cast<nn::KvCache&>(state), logits, run);
  }

 private:
  Idefics3(const Checkpoint& checkpoint, const nn::WeightScope& root)
      : info_(describe(checkpoint)),
        config_(Config::parse(checkpoint.fields())),
        processor_(ImageProcessorConfig::load(checkpoint.folder)),
        tower_(root.scope("model.vision_model"), towers::SiglipConfig::parse(checkpoint.fields().object("vision_config"))),
        connector_(root.scope("model.connector"), tower_.config().hidden_size, config_.text.hidden_size,
                   config_.scale_factor),
        decoder_(root.scope("model.text_model"), root, config_.text, config_.tie_word_embeddings) {}

  FamilyInfo info_;
  Config config_;
  ImageProcessorConfig processor_;
  towers::SiglipTower tower_;
  Connector connector_;
  towers::Decoder decoder_;
};

}  // namespace

FamilyInfo describe(const Checkpoint& checkpoint) {
  const Config config = Config::parse(checkpoint.fields());
  static_cast<void>(towers::SiglipConfig::parse(checkpoint.fields().object("vision_config")));
  static_cast<void>(ImageProcessorConfig::load(checkpoint.folder));
  FamilyInfo info;
  info.towers = {"vision", "text"};
  info.context_length = config.text.context_length;
  info.vocab_size = config.text.vocab_size;
  info.image_token = kImageToken;
  info.image_token_id = static_cast<std::int32_t>(config.image_token_id);
  info.text_layers = config.text.layers;
  return info;
}

std::unique_ptr<const Family> load(const Checkpoint& checkpoint, const nn::Placement& placement, Run& run) {
  return std::make_unique<Idefics3>(checkpoint, placement, run);
}

}  // namespace lmm::models::idefics3
