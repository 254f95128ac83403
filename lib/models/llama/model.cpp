#include "lib/models/llama/model.hpp"

#include "lib/core/error.hpp"
#include "lib/models/decode.hpp"
#include "lib/towers/text/decoder.hpp"

namespace lmm::models::llama {
namespace {

towers::DecoderConfig parse(const Checkpoint& checkpoint) {
  return towers::DecoderConfig::parse_llama(checkpoint.fields(), 1e-6);
}

class Llama final : public Family {
 public:
  Llama(const Checkpoint& checkpoint, const nn::Placement& placement, Run& run)
      : info_(describe(checkpoint)), decoder_(make_decoder(checkpoint, placement, run)) {}

  const FamilyInfo& info() const override { return info_; }

  ImagePlan plan(const media::Picture&) const override { text_only(); }
  std::shared_ptr<const ImageInput> preprocess(const media::Picture&) const override { text_only(); }
  std::vector<std::shared_ptr<const ImageRows>> encode(std::span<const std::shared_ptr<const ImageInput>>,
                                                       Run&) const override {
    text_only();
  }

  std::unique_ptr<State> new_state() const override { return decoder_.new_cache(); }

  void forward(const Sequence& sequence, State& state, std::span<float> logits, Run& run) const override {
    decode(decoder_, sequence, dynamic_cast<nn::KvCache&>(state), logits, run);
  }

 private:
  [[noreturn]] static void text_only() {
    fail(ErrorCode::unsupported, "the message holds a picture, but this model (family \"llama\") takes text only");
  }

  static towers::Decoder make_decoder(const Checkpoint& checkpoint, const nn::Placement& placement, Run& run) {
    const nn::WeightScope root(checkpoint.weights->scope(""), placement, run);
    const bool tied = checkpoint.fields().boolean("tie_word_embeddings", false);
    // The bare model's save_pretrained leaves the prefix out.
    return towers::Decoder(root.scope(checkpoint.weights->first_of({"model", ""})), root, parse(checkpoint), tied);
  }

  FamilyInfo info_;
  towers::Decoder decoder_;
};

}  // namespace

FamilyInfo describe(const Checkpoint& checkpoint) {
  const towers::DecoderConfig config = parse(checkpoint);
  FamilyInfo info;
  info.towers = {"text"};
  info.context_length = config.context_length;
  info.vocab_size = config.vocab_size;
  info.text_layers = config.layers;
  return info;
}

std::unique_ptr<const Family> load(const Checkpoint& checkpoint, const nn::Placement& placement, Run& run) {
  return std::make_unique<Llama>(checkpoint, placement, run);
}

}  // namespace lmm::models::llama
