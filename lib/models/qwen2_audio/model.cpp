#include "lib/models/qwen2_audio/model.hpp"

#include "lib/core/error.hpp"
#include "lib/media/log_mel.hpp"
#include "lib/models/decode.hpp"
#include "lib/models/media_rows.hpp"
#include "lib/models/qwen2_audio/config.hpp"
#include "lib/models/qwen2_audio/preprocess.hpp"
#include "lib/nn/layers.hpp"
#include "lib/nn/tap.hpp"
#include "lib/towers/audio/whisper_encoder.hpp"
#include "lib/towers/text/decoder.hpp"

#include <ATen/ATen.h>

#include <vector>

namespace lmm::models::qwen2_audio {
namespace {

/// What the files of a checkpoint say, apart from its weights.
struct Description {
  Config config;
  towers::WhisperEncoderConfig encoder;
  media::LogMelConfig mel;

  static Description read(const Checkpoint& checkpoint) {
    const Fields fields = checkpoint.fields();
    Description out{Config::parse(fields), towers::WhisperEncoderConfig::parse_qwen2_audio(audio_fields(fields)),
                    media::LogMelConfig::load(checkpoint.folder)};
    if (out.mel.mels != out.encoder.mel_bins || out.mel.chunk_frames() != out.encoder.frames()) {
      fail(
          ErrorCode::bad_file,
          "{}: features of {} mels and {} frames a window, but num_mel_bins is {} and max_source_positions {} takes {}",
          checkpoint.folder.string(), out.mel.mels, out.mel.chunk_frames(), out.encoder.mel_bins, out.encoder.positions,
          out.encoder.frames());
    }
    return out;
  }
};

/// Log-mel features of a recording, padded to a window.
struct SoundInput final : MediaInput {
  SoundPlan plan;
  std::vector<float> features;  // (mels, frames of a window)
};

class Qwen2Audio final : public Family {
 public:
  Qwen2Audio(const Checkpoint& checkpoint, Description description, const nn::WeightScope& root)
      : info_(describe(checkpoint)),
        mel_(description.mel),
        // Published files have the parts at the top, transformers 5 nests them in "model"; the bare model's text part
        // is "language_model" alone.
        encoder_(root.scope(checkpoint.weights->first_of({"audio_tower", "model.audio_tower"})).packable_tower(), description.encoder),
        projector_(root.scope(checkpoint.weights->first_of({"multi_modal_projector", "model.multi_modal_projector"}))
                       .scope("linear"),
                   description.encoder.hidden_size, description.config.text.hidden_size, true),
        decoder_(
            root.scope(
                checkpoint.weights->first_of({"language_model.model", "model.language_model", "language_model"})),
            root.scope(checkpoint.weights->first_of({"language_model.lm_head", ""}).empty() ? "" : "language_model"),
            description.config.text, false) {}

  const FamilyInfo& info() const override { return info_; }

  MediaPlan plan(const media::Medium& medium) const override {
    MediaPlan plan;
    plan.rows = plan_sound(*std::get<std::shared_ptr<const media::Sound>>(medium), mel_).rows;
    plan.tiles = 1;
    const std::string& token = info_.placeholder(media::Kind::sound).token;
    for (std::int64_t i = 0; i < plan.rows; ++i) plan.prompt += token;
    return plan;
  }

  std::shared_ptr<const MediaInput> preprocess(const media::Medium& medium) const override {
    auto input = std::make_shared<SoundInput>();
    const auto& sound = std::get<std::shared_ptr<const media::Sound>>(medium);
    input->plan = plan_sound(*sound, mel_);
    input->features.resize(static_cast<std::size_t>(mel_.mels * mel_.chunk_frames()));
    media::LogMel(mel_, sound, mel_.chunk_samples()).features(0, mel_.chunk_frames(), input->features);
    return input;
  }

  std::vector<std::shared_ptr<const MediaRows>> encode(std::span<const std::shared_ptr<const MediaInput>> inputs,
                                                       Run& run) const override {
    run.begin("encode", static_cast<std::int64_t>(inputs.size()) * encoder_.config().layers);
    std::vector<std::shared_ptr<const MediaRows>> out;
    for (const auto& input : inputs) {
      out.push_back(std::make_shared<TensorRows>(encode(dynamic_cast<const SoundInput&>(*input), run)));
    }
    return out;
  }

  std::unique_ptr<State> new_state() const override { return decoder_.new_cache(); }

  void forward(const Sequence& sequence, State& state, std::span<float> logits, Run& run) const override {
    decode(decoder_, sequence, dynamic_cast<nn::KvCache&>(state), logits, run);
  }

 private:
  /// One recording at a time: its positions alone fill the products, and those of others differ in number.
  at::Tensor encode(const SoundInput& input, Run& run) const {
    const at::Tensor features =
        at::from_blob(const_cast<float*>(input.features.data()), {1, mel_.mels, mel_.chunk_frames()}, at::kFloat);
    nn::tap(run, "input_features", "", features);
    const at::Tensor heard = encoder_.forward(features, run, input.plan.positions);  // (1, rows, encoder's hidden)
    at::Tensor rows = projector_(heard).select(0, 0);                                // (rows, hidden)
    nn::tap(run, "connector", "", rows);
    return rows;
  }

  FamilyInfo info_;
  media::LogMelConfig mel_;
  towers::WhisperEncoder encoder_;
  nn::Linear projector_;
  towers::Decoder decoder_;
};

}  // namespace

FamilyInfo describe(const Checkpoint& checkpoint) {
  const Config config = Description::read(checkpoint).config;
  FamilyInfo info;
  info.towers = {"audio", "text"};
  info.context_length = config.text.context_length;
  info.vocab_size = config.text.vocab_size;
  info.placeholder(media::Kind::sound) = {audio_token(checkpoint.folder),
                                          static_cast<std::int32_t>(config.audio_token_id)};
  info.text_layers = config.text.layers;
  return info;
}

std::unique_ptr<const Family> load(const Checkpoint& checkpoint, const nn::Placement& placement, Run& run) {
  return std::make_unique<Qwen2Audio>(checkpoint, Description::read(checkpoint),
                                      nn::WeightScope(checkpoint.weights->scope(""), placement, run));
}

}  // namespace lmm::models::qwen2_audio
