#include "lib/models/voxtral/model.hpp"

#include "lib/core/error.hpp"
#include "lib/media/log_mel.hpp"
#include "lib/models/decode.hpp"
#include "lib/models/media_rows.hpp"
#include "lib/models/voxtral/config.hpp"
#include "lib/models/voxtral/preprocess.hpp"
#include "lib/nn/layers.hpp"
#include "lib/nn/tap.hpp"
#include "lib/towers/audio/whisper_encoder.hpp"
#include "lib/towers/text/decoder.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <vector>

namespace lmm::models::voxtral {
namespace {

/// Name of the placeholder in Mistral's vocabularies; published checkpoints have no field for it.
constexpr const char* kAudioToken = "[AUDIO]";

/// What the files of a checkpoint say, apart from its weights.
struct Description {
  Config config;
  towers::WhisperEncoderConfig encoder;
  media::LogMelConfig mel;

  /// Rows of a window: the encoder's output read as vectors of intermediate_size.
  std::int64_t window_rows() const { return encoder.positions * encoder.hidden_size / encoder.intermediate_size; }

  static Description read(const Checkpoint& checkpoint);
};

Description Description::read(const Checkpoint& checkpoint) {
  const Fields fields = checkpoint.fields();
  const Fields audio = audio_fields(fields);
  Description out{Config::parse(fields), towers::WhisperEncoderConfig::parse_voxtral(audio),
                  media::LogMelConfig::load(checkpoint.folder)};
  const towers::WhisperEncoderConfig& encoder = out.encoder;
  if (out.mel.mels != encoder.mel_bins || out.mel.chunk_frames() != encoder.frames()) {
    fail(ErrorCode::bad_file,
         "{}: features of {} mels and {} frames a window, but num_mel_bins is {} and max_source_positions {} takes {}",
         checkpoint.folder.string(), out.mel.mels, out.mel.chunk_frames(), encoder.mel_bins, encoder.positions,
         encoder.frames());
  }
  if (encoder.positions * encoder.hidden_size % encoder.intermediate_size != 0) {
    fail(ErrorCode::bad_file,
         "{}: max_source_positions {} of hidden_size {} are no whole number of rows of intermediate_size {}",
         audio.where(), encoder.positions, encoder.hidden_size, encoder.intermediate_size);
  }
  try {
    static_cast<void>(nn::Activation(out.config.projector_activation));
  } catch (const Error& error) {
    fail(error.code(), "{}: projector_hidden_act: {}", fields.where(), error.what());
  }
  return out;
}

/// VoxtralMultiModalProjector.
class Projector {
 public:
  Projector(const nn::WeightScope& weights, std::int64_t in, std::int64_t out, const std::string& activation)
      : linear_1_(weights.scope("linear_1"), in, out, false),
        linear_2_(weights.scope("linear_2"), out, out, false),
        activation_(activation) {}

  at::Tensor operator()(const at::Tensor& x) const { return linear_2_(linear_1_(x, activation_)); }

 private:
  nn::Linear linear_1_, linear_2_;
  nn::Activation activation_;
};

/// A recording as it is: features of its windows are computed as the encoder comes to them, so that hours of sound take
/// the memory of a minute.
struct SoundInput final : MediaInput {
  SoundInput(std::shared_ptr<const media::Sound> sound_, std::int64_t windows_)
      : sound(std::move(sound_)), windows(windows_) {}

  std::shared_ptr<const media::Sound> sound;
  std::int64_t windows;
};

class Voxtral final : public Family {
 public:
  Voxtral(const Checkpoint& checkpoint, Description description, const nn::WeightScope& root)
      : info_(describe(checkpoint)),
        mel_(description.mel),
        window_rows_(description.window_rows()),
        // Published files have the parts at the top, transformers 5 nests them in "model"; the bare model's text part
        // is "language_model" alone.
        encoder_(root.scope(checkpoint.weights->first_of({"audio_tower", "model.audio_tower"})).packable_tower(), description.encoder),
        projector_(root.scope(checkpoint.weights->first_of({"multi_modal_projector", "model.multi_modal_projector"})),
                   description.encoder.intermediate_size, description.config.text.hidden_size,
                   description.config.projector_activation),
        decoder_(
            root.scope(
                checkpoint.weights->first_of({"language_model.model", "model.language_model", "language_model"})),
            root.scope(checkpoint.weights->first_of({"language_model.lm_head", ""}).empty() ? "" : "language_model"),
            description.config.text, false) {}

  const FamilyInfo& info() const override { return info_; }

  MediaPlan plan(const media::Medium& medium) const override {
    MediaPlan plan;
    plan.tiles = windows_of(*std::get<std::shared_ptr<const media::Sound>>(medium), mel_);
    plan.rows = plan.tiles * window_rows_;
    if (plan.rows > info_.context_length) {  // said before a prompt of that length is made
      fail(ErrorCode::context_overflow, "the recording takes {} tokens, the model's context has {}", plan.rows,
           info_.context_length);
    }
    for (std::int64_t i = 0; i < plan.rows; ++i) plan.prompt += kAudioToken;
    return plan;
  }

  std::shared_ptr<const MediaInput> preprocess(const media::Medium& medium) const override {
    const auto& sound = std::get<std::shared_ptr<const media::Sound>>(medium);
    return std::make_shared<SoundInput>(sound, windows_of(*sound, mel_));
  }

  std::vector<std::shared_ptr<const MediaRows>> encode(std::span<const std::shared_ptr<const MediaInput>> inputs,
                                                       Run& run) const override {
    std::int64_t windows = 0;
    for (const auto& input : inputs) windows += dynamic_cast<const SoundInput&>(*input).windows;
    run.begin("encode", windows * encoder_.config().layers);
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
  /// (rows, hidden) of all windows. One window fills the products; an observer sees each intermediate whole.
  at::Tensor encode(const SoundInput& input, Run& run) const {
    media::LogMel mel(mel_, input.sound, input.windows * mel_.chunk_samples());
    do run.checkpoint();
    while (mel.scan(mel_.chunk_frames()));  // for the largest value of all
    const std::int64_t batch = run.observed() ? input.windows : 1;
    std::vector<at::Tensor> rows;
    for (std::int64_t first = 0; first < input.windows; first += batch) {
      const at::Tensor features = features_of(mel, first, std::min(batch, input.windows - first));
      nn::tap(run, "input_features", "", features);
      const at::Tensor heard = encoder_.forward(features, run);  // (batch, positions, encoder's hidden)
      rows.push_back(projector_(heard.reshape({-1, encoder_.config().intermediate_size})));
    }
    at::Tensor joined = rows.size() == 1 ? rows.front() : at::cat(rows);
    nn::tap(run, "connector", "", joined);
    return joined;
  }

  /// (count, mels, frames of a window)
  at::Tensor features_of(media::LogMel& mel, std::int64_t first, std::int64_t count) const {
    const std::int64_t frames = mel_.chunk_frames();
    at::Tensor features = at::empty({count, mel_.mels, frames}, at::kFloat);
    for (std::int64_t i = 0; i < count; ++i) {
      const std::span out(features[i].mutable_data_ptr<float>(), static_cast<std::size_t>(mel_.mels * frames));
      mel.features((first + i) * frames, frames, out);
    }
    return features;
  }

  FamilyInfo info_;
  media::LogMelConfig mel_;
  std::int64_t window_rows_;
  towers::WhisperEncoder encoder_;
  Projector projector_;
  towers::Decoder decoder_;
};

}  // namespace

FamilyInfo describe(const Checkpoint& checkpoint) {
  const Config config = Description::read(checkpoint).config;
  FamilyInfo info;
  info.towers = {"audio", "text"};
  info.context_length = config.text.context_length;
  info.vocab_size = config.text.vocab_size;
  info.placeholder(media::Kind::sound) = {kAudioToken, static_cast<std::int32_t>(config.audio_token_id)};
  info.text_layers = config.text.layers;
  return info;
}

std::unique_ptr<const Family> load(const Checkpoint& checkpoint, const nn::Placement& placement, Run& run) {
  return std::make_unique<Voxtral>(checkpoint, Description::read(checkpoint),
                                   nn::WeightScope(checkpoint.weights->scope(""), placement, run));
}

}  // namespace lmm::models::voxtral
