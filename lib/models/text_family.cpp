#include "lib/models/text_family.hpp"

#include "lib/core/error.hpp"
#include "lib/models/decode.hpp"
#include "lib/towers/text/decoder.hpp"

namespace lmm::models {
namespace {

class TextFamily final : public Family {
 public:
  TextFamily(const Checkpoint& checkpoint, const towers::DecoderConfig& config, const nn::WeightScope& root)
      : type_(checkpoint.fields().string("model_type")),
        info_(describe_text(config)),
        // The bare model's save_pretrained leaves the prefix out.
        decoder_(root.scope(checkpoint.weights->first_of({"model", ""})), root, config,
                 checkpoint.fields().boolean("tie_word_embeddings", false)) {}

  const FamilyInfo& info() const override { return info_; }

  MediaPlan plan(const media::Medium&) const override { text_only(); }
  std::shared_ptr<const MediaInput> preprocess(const media::Medium&) const override { text_only(); }
  std::vector<std::shared_ptr<const MediaRows>> encode(std::span<const std::shared_ptr<const MediaInput>>,
                                                       Run&) const override {
    text_only();
  }

  std::unique_ptr<State> new_state() const override { return decoder_.new_cache(); }

  void forward(const Sequence& sequence, State& state, std::span<float> logits, Run& run) const override {
    decode(decoder_, sequence, dynamic_cast<nn::KvCache&>(state), logits, run);
  }

 private:
  [[noreturn]] void text_only() const {
    fail(ErrorCode::unsupported, "this model (family \"{}\") takes text only", type_);
  }

  std::string type_;
  FamilyInfo info_;
  towers::Decoder decoder_;
};

}  // namespace

FamilyInfo describe_text(const towers::DecoderConfig& config) {
  FamilyInfo info;
  info.towers = {"text"};
  info.context_length = config.context_length;
  info.vocab_size = config.vocab_size;
  info.text_layers = config.layers;
  return info;
}

std::unique_ptr<const Family> load_text(const Checkpoint& checkpoint, const towers::DecoderConfig& config,
                                        const nn::Placement& placement, Run& run) {
  return std::make_unique<TextFamily>(checkpoint, config,
                                      nn::WeightScope(checkpoint.weights->scope(""), placement, run));
}

}  // namespace lmm::models
