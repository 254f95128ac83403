#include "lib/models/whisper/model.hpp"

#include "lib/core/error.hpp"
#include "lib/media/log_mel.hpp"
#include "lib/models/whisper/align.hpp"
#include "lib/models/whisper/config.hpp"
#include "lib/models/whisper/decoder.hpp"
#include "lib/nn/tap.hpp"
#include "lib/towers/audio/whisper_encoder.hpp"

#include <ATen/ATen.h>

#include <algorithm>

namespace lmm::models::whisper {
namespace {

/// What the files of a checkpoint say, apart from its weights.
struct Description {
  Config config;
  towers::WhisperEncoderConfig encoder;
  GenerationRules rules;
  media::LogMelConfig mel;

  static Description read(const Checkpoint& checkpoint) {
    const Config config = Config::parse(checkpoint.fields());
    Description out{config, towers::WhisperEncoderConfig::parse(checkpoint.fields()),
                    GenerationRules::load(checkpoint.folder, checkpoint.config, config),
                    media::LogMelConfig::load(checkpoint.folder)};
    if (out.mel.mels != out.encoder.mel_bins || out.mel.chunk_frames() != out.encoder.frames()) {
      fail(ErrorCode::bad_file,
           "{}: features of {} mels and {} frames a window, but num_mel_bins is {} and max_source_positions {} takes {}",
           checkpoint.folder.string(), out.mel.mels, out.mel.chunk_frames(), out.encoder.mel_bins, out.encoder.positions,
           out.encoder.frames());
    }
    return out;
  }
};

/// Features of a recording, which is padded to a window or, where longer, taken as it is: as transformers' own pipeline
/// for speech recognition does.
class SoundFeatures final : public Features {
 public:
  SoundFeatures(const media::LogMelConfig& config, const std::shared_ptr<const media::Sound>& sound, Run& run)
      : mel_(config, sound, sound->length(config.rate) > config.chunk_samples() ? 0 : config.chunk_samples()) {
    const std::int64_t piece = config.chunk_frames();
    run.begin("scan", mel_.frames());  // for the largest value of all
    do run.checkpoint();
    while (scan(piece, run));
  }

  std::int64_t frames() const override { return mel_.frames(); }
  std::int64_t sound_frames() const override { return mel_.sound_frames(); }

  void read(std::int64_t first, std::int64_t count, std::span<float> out) override {
    const std::int64_t there = std::clamp<std::int64_t>(frames() - first, 0, count);
    if (there == count) return mel_.features(first, count, out);
    std::fill(out.begin(), out.end(), 0.0f);
    if (there == 0) return;
    part_.resize(static_cast<std::size_t>(mel_.mels() * there));
    mel_.features(first, there, part_);
    for (std::int64_t mel = 0; mel < mel_.mels(); ++mel) {
      std::copy_n(part_.begin() + mel * there, there, out.begin() + mel * count);
    }
  }

 private:
  bool scan(std::int64_t count, Run& run) {
    const std::int64_t before = mel_.scanned();
    const bool more = mel_.scan(count);
    run.advance(mel_.scanned() - before);
    return more;
  }

  media::LogMel mel_;
  std::vector<float> part_;
};

/// A loaded checkpoint; const after construction. What is being transcribed keeps it alive.
struct Layers {
  Layers(Description read, const nn::WeightScope& base, const nn::WeightScope& root)
      : description(std::move(read)),
        encoder(base.scope("encoder").packable(), description.encoder),
        decoder(base.scope("decoder"), root, description.config, description.rules.alignment_heads) {}

  Description description;
  towers::WhisperEncoder encoder;
  Decoder decoder;
};

/// The model over one recording.
class ModelEar final : public Ear {
 public:
  explicit ModelEar(std::shared_ptr<const Layers> layers) : layers_(std::move(layers)) {}

  std::int64_t vocab_size() const override { return layers_->decoder.config().vocab_size; }
  std::int64_t mel_bins() const override { return layers_->encoder.config().mel_bins; }
  std::int64_t window_frames() const override { return layers_->encoder.config().frames(); }
  std::int64_t context_length() const override { return layers_->decoder.config().positions; }

  void hear(std::span<const float> features, Run& run) override {
    run.begin("encode", layers_->encoder.config().layers + layers_->decoder.config().layers);
    const at::Tensor input =
        at::from_blob(const_cast<float*>(features.data()), {1, mel_bins(), window_frames()}, at::kFloat);
    nn::tap(run, "input_features", "", input);
    const at::Tensor encoded = layers_->encoder.forward(input, run);
    crossing_ = layers_->decoder.cross(encoded, run);
    run.advance(layers_->decoder.config().layers);
  }

  void begin(std::span<const std::int32_t> prompt, std::size_t index, bool align, std::span<float> logits,
             std::span<float> logits_of_index, Run& run) override {
    align_ = align;
    attention_.clear();
    caches_.clear();
    caches_.push_back(layers_->decoder.new_cache());
    const at::Tensor hidden = layers_->decoder.forward(prompt, crossing_, *caches_.front(), run);  // (tokens, hidden)
    const at::Tensor two = at::stack({hidden[static_cast<std::int64_t>(index)], hidden[-1]});
    const at::Tensor rows = layers_->decoder.logits(two);
    nn::tap(run, "logits", "", rows[1]);
    std::copy_n(rows[0].const_data_ptr<float>(), logits_of_index.size(), logits_of_index.begin());
    std::copy_n(rows[1].const_data_ptr<float>(), logits.size(), logits.begin());
  }

  void next(std::span<const std::int32_t> parents, std::span<const std::int32_t> tokens, std::span<float> logits,
            Run& run) override {
    arrange(parents);
    at::Tensor weights;
    layers_->decoder.step(tokens, crossing_, caches_, logits, run, align_ ? &weights : nullptr);
    if (align_) attention_.push_back(weights);
  }

  std::vector<float> times(std::span<const std::int32_t> rows, std::int64_t frames) override {
    std::vector<at::Tensor> parts;
    for (std::size_t i = 0; i < rows.size(); ++i) parts.push_back(attention_.at(i)[rows[i]]);  // (heads, positions)
    if (parts.empty()) return {};
    return token_times(at::stack(parts, 1), frames, layers_->decoder.config().median_filter_width);
  }

 private:
  /// Row i goes on from row parents[i]: the first of its children takes a cache as it is, further ones a copy.
  void arrange(std::span<const std::int32_t> parents) {
    std::vector<std::unique_ptr<nn::KvCache>> arranged(parents.size());
    for (std::size_t i = parents.size(); i-- > 0;) {
      const auto parent = static_cast<std::size_t>(parents[i]);
      const bool first = std::find(parents.begin(), parents.begin() + static_cast<std::ptrdiff_t>(i), parents[i]) ==
                         parents.begin() + static_cast<std::ptrdiff_t>(i);
      if (first) {
        arranged[i] = std::move(caches_[parent]);
      } else {
        arranged[i].reset(static_cast<nn::KvCache*>(caches_[parent]->clone().release()));
      }
    }
    caches_ = std::move(arranged);
  }

  std::shared_ptr<const Layers> layers_;
  Crossing crossing_;
  std::vector<std::unique_ptr<nn::KvCache>> caches_;  // one a row
  bool align_ = false;
  std::vector<at::Tensor> attention_;  // of each next(): (rows, aligned heads, positions)
};

class Whisper final : public Family, public Transcriber {
 public:
  Whisper(const Checkpoint& checkpoint, const nn::Placement& placement, Run& run)
      : info_(describe(checkpoint)) {
    const nn::WeightScope root(checkpoint.weights->scope(""), placement, run);
    // The bare model's save_pretrained leaves the prefix out.
    const nn::WeightScope base = root.scope(checkpoint.weights->first_of({"model", ""}));
    layers_ = std::make_shared<const Layers>(Description::read(checkpoint), base, root);
  }

  const FamilyInfo& info() const override { return info_; }
  const Transcriber* transcriber() const override { return this; }

  MediaPlan plan(const media::Medium&) const override { transcribes(); }
  std::shared_ptr<const MediaInput> preprocess(const media::Medium&) const override { transcribes(); }
  std::vector<std::shared_ptr<const MediaRows>> encode(std::span<const std::shared_ptr<const MediaInput>>,
                                                       Run&) const override {
    transcribes();
  }
  std::unique_ptr<State> new_state() const override { return layers_->decoder.new_cache(); }
  void forward(const Sequence&, State&, std::span<float>, Run&) const override { transcribes(); }

  std::unique_ptr<Transcription> transcribe(std::shared_ptr<const media::Sound> sound, const GenerateOptions& options,
                                            std::shared_ptr<const tokenizer::Tokenizer> tokenizer) const override {
    const auto open = [layers = layers_, sound = std::move(sound)](Run& run) {
      return std::make_unique<SoundFeatures>(layers->description.mel, sound, run);
    };
    return transcribe_features(open, options, std::move(tokenizer));
  }

  std::unique_ptr<Transcription> transcribe_features(OpenFeatures features, const GenerateOptions& options,
                                                     std::shared_ptr<const tokenizer::Tokenizer> tokenizer) const {
    const Description& own = layers_->description;
    Settings settings = Settings::resolve(options, own.rules, own.config, *tokenizer);
    return std::make_unique<WindowedTranscription>(std::make_shared<ModelEar>(layers_), own.rules,
                                                   std::move(settings), std::move(features), std::move(tokenizer));
  }

 private:
  [[noreturn]] static void transcribes() {
    fail(ErrorCode::unsupported, "this model transcribes: give it a recording alone");
  }

  FamilyInfo info_;
  std::shared_ptr<const Layers> layers_;
};

}  // namespace

FamilyInfo describe(const Checkpoint& checkpoint) {
  const Description description = Description::read(checkpoint);
  FamilyInfo info;
  info.towers = {"audio", "text"};
  info.context_length = description.config.positions;
  info.vocab_size = description.config.vocab_size;
  info.text_layers = description.config.layers;
  info.transcribes = true;
  return info;
}

std::unique_ptr<const Family> load(const Checkpoint& checkpoint, const nn::Placement& placement, Run& run) {
  return std::make_unique<Whisper>(checkpoint, placement, run);
}

std::unique_ptr<Transcription> transcribe_features(const Family& family, OpenFeatures features,
                                                   const GenerateOptions& options,
                                                   std::shared_ptr<const tokenizer::Tokenizer> tokenizer) {
  return dynamic_cast<const Whisper&>(family).transcribe_features(std::move(features), options, std::move(tokenizer));
}

}  // namespace lmm::models::whisper
