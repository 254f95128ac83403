#include "lib/models/qwen2_5_omni/model.hpp"

#include "lib/core/error.hpp"
#include "lib/models/media_rows.hpp"
#include "lib/models/qwen2_5_omni/config.hpp"
#include "lib/models/qwen2_5_omni/preprocess.hpp"
#include "lib/models/qwen2_vl/model.hpp"
#include "lib/nn/tap.hpp"
#include "lib/towers/audio/qwen2_5_omni_encoder.hpp"
#include "lib/towers/vision/qwen2_5_vl.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <vector>

namespace lmm::models::qwen2_5_omni {
namespace {

/// What the files of a checkpoint say, apart from its weights.
struct Description {
  qwen2_vl::Variant vision;
  std::int64_t audio_token_id = 0;
  std::string audio_token;
  towers::OmniAudioConfig audio;
  media::LogMelConfig mel;

  static Description read(const Checkpoint& checkpoint);
};

/// Qwen2_5OmniProcessor.videos_kwargs: every video is brought between these, whatever the checkpoint's files say.
void set_videos(qwen2_vl::VideoProcessorConfig& config) {
  config.min_pixels = 128 * 28 * 28;
  config.max_pixels = 768 * 28 * 28;
}

Description Description::read(const Checkpoint& checkpoint) {
  const Fields thinker = thinker_fields(checkpoint.fields());
  const Config config = Config::parse(thinker);
  const auto vision = towers::Qwen25VisionConfig::parse(vision_fields(thinker));
  Description out;
  out.vision.config = config;
  out.vision.vision = vision;
  out.vision.grounding = answer::Format::qwen2_5_vl;
  out.vision.times = qwen2_vl::VideoTimes::clock;
  out.vision.tokens_per_second = static_cast<double>(config.position_id_per_seconds);
  out.vision.prefix = checkpoint.weights->first_of({"thinker", ""});
  out.vision.set_videos = set_videos;
  out.vision.make_tower = [vision](const nn::WeightScope& weights) {
    return std::make_unique<const towers::Qwen25VlTower>(weights, vision);
  };
  out.audio_token_id = config.audio_token_id;
  out.audio_token = qwen2_5_omni::audio_token(checkpoint.folder);
  out.audio = towers::OmniAudioConfig::parse(audio_fields(thinker));
  out.mel = load_log_mel(checkpoint.folder);
  if (out.mel.mels != out.audio.mel_bins) {
    fail(ErrorCode::bad_file,
         "{}: feature_size is {} for the feature extractor, num_mel_bins {} in config.json's audio_config",
         checkpoint.folder.string(), out.mel.mels, out.audio.mel_bins);
  }
  if (out.audio.out_hidden_size != config.text.hidden_size) {
    fail(ErrorCode::bad_file, "{}: output_dim is {} in audio_config, the text model takes {}",
         (checkpoint.folder / "config.json").string(), out.audio.out_hidden_size, config.text.hidden_size);
  }
  return out;
}

FamilyInfo info_of(const Checkpoint& checkpoint, const Description& description) {
  FamilyInfo info = qwen2_vl::describe(checkpoint, description.vision);
  info.towers = {"audio", "vision", "text"};
  info.placeholder(media::Kind::sound) = {description.audio_token, static_cast<std::int32_t>(description.audio_token_id)};
  return info;
}

/// Log-mel features of a recording.
struct SoundInput final : MediaInput {
  std::int64_t mels = 0;
  std::int64_t frames = 0;
  std::vector<float> features;  // (mels, frames)

  at::Tensor tensor() const {
    return at::from_blob(const_cast<float*>(features.data()), {mels, frames}, at::kFloat);  // nothing writes through it
  }
};

const std::shared_ptr<const media::Sound>& sound_of(const media::Medium& medium) {
  return std::get<std::shared_ptr<const media::Sound>>(medium);
}

/// Eyes and text model are those of a Qwen VL model; ears are its own.
class Omni final : public Family {
 public:
  Omni(const Checkpoint& checkpoint, const Description& description, const nn::Placement& placement, Run& run)
      : info_(info_of(checkpoint, description)),
        mel_(description.mel),
        seeing_(qwen2_vl::load(checkpoint, description.vision, placement, run)),
        encoder_(nn::WeightScope(checkpoint.weights->scope(description.vision.prefix), placement, run)
                     .first_of({"audio_tower", "model.audio_tower"})
                     .packable_tower(),
                 description.audio) {}

  const FamilyInfo& info() const override { return info_; }

  MediaPlan plan(const media::Medium& medium) const override {
    if (media::kind_of(medium) != media::Kind::sound) return seeing_->plan(medium);
    MediaPlan plan;
    plan.rows = towers::omni_audio_rows(sound_frames(*sound_of(medium), mel_));
    plan.tiles = 1;
    const std::string& token = info_.placeholder(media::Kind::sound).token;
    for (std::int64_t i = 0; i < plan.rows; ++i) plan.prompt += token;
    return plan;
  }

  std::vector<std::int64_t> sample_frames(std::int64_t total, double fps, double wanted) const override {
    return seeing_->sample_frames(total, fps, wanted);
  }

  std::shared_ptr<const MediaInput> preprocess(const media::Medium& medium) const override {
    if (media::kind_of(medium) != media::Kind::sound) return seeing_->preprocess(medium);
    auto input = std::make_shared<SoundInput>();
    input->features = sound_features(sound_of(medium), mel_);
    input->mels = mel_.mels;
    input->frames = std::ssize(input->features) / mel_.mels;
    return input;
  }

  std::vector<std::shared_ptr<const MediaRows>> encode(std::span<const std::shared_ptr<const MediaInput>> inputs,
                                                       Run& run) const override;

  std::unique_ptr<State> new_state() const override { return seeing_->new_state(); }

  void forward(const Sequence& sequence, State& state, std::span<float> logits, Run& run) const override {
    seeing_->forward(sequence, state, logits, run);
  }

 private:
  std::vector<at::Tensor> hear(std::span<const at::Tensor> features, Run& run) const;

  FamilyInfo info_;
  media::LogMelConfig mel_;
  std::unique_ptr<const Family> seeing_;
  towers::OmniAudioEncoder encoder_;
};

std::vector<at::Tensor> Omni::hear(std::span<const at::Tensor> features, Run& run) const {
  std::int64_t positions = 0;
  for (const at::Tensor& one : features) positions += towers::omni_audio_positions(one.size(1));
  run.begin("encode", positions * encoder_.config().layers);
  if (run.wants("input_features")) {
    nn::tap(run, "input_features", "", at::cat(std::vector(features.begin(), features.end()), 1));
  }
  std::vector<at::Tensor> rows = encoder_.forward(features, run);
  if (rows.size() == 1) return rows;
  // Clones: a recording that is kept must not keep the others of its batch.
  for (at::Tensor& one : rows) one = one.clone();
  return rows;
}

std::vector<std::shared_ptr<const MediaRows>> Omni::encode(std::span<const std::shared_ptr<const MediaInput>> inputs,
                                                           Run& run) const {
  std::vector<std::shared_ptr<const MediaInput>> seen;
  std::vector<at::Tensor> heard;
  for (const auto& input : inputs) {
    if (const auto* sound = dynamic_cast<const SoundInput*>(input.get())) {
      heard.push_back(sound->tensor());
    } else {
      seen.push_back(input);
    }
  }
  auto pictures = seen.empty() ? std::vector<std::shared_ptr<const MediaRows>>() : seeing_->encode(seen, run);
  auto sounds = heard.empty() ? std::vector<at::Tensor>() : hear(heard, run);
  auto picture = pictures.begin();
  auto sound = sounds.begin();
  std::vector<std::shared_ptr<const MediaRows>> out;
  for (const auto& input : inputs) {
    if (dynamic_cast<const SoundInput*>(input.get()) != nullptr) {
      out.push_back(std::make_shared<TensorRows>(std::move(*sound++)));
    } else {
      out.push_back(std::move(*picture++));
    }
  }
  return out;
}

}  // namespace

FamilyInfo describe(const Checkpoint& checkpoint) { return info_of(checkpoint, Description::read(checkpoint)); }

std::unique_ptr<const Family> load(const Checkpoint& checkpoint, const nn::Placement& placement, Run& run) {
  return std::make_unique<Omni>(checkpoint, Description::read(checkpoint), placement, run);
}

}  // namespace lmm::models::qwen2_5_omni
