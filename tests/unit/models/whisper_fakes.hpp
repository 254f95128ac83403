#pragma once

#include "lib/models/whisper/transcription.hpp"
#include "tests/unit/tokenizer/support.hpp"

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

/// A Whisper without weights: a vocabulary of a few letters, and a model that says what it is told to.
namespace whisper_fakes {

using namespace lmm;
using namespace lmm::models::whisper;

using Ids = std::vector<std::int32_t>;

enum : std::int32_t { kSpace = 8, kDot = 9, kEnd = 10, kStart, kEnglish, kGerman, kTranscribe, kTranslate, kPrevious, kNoSpeech,
                      kNoTimes, kTime };  // 0 to 7 are the letters a to h
constexpr std::int64_t kVocab = kTime + 51;

inline std::int32_t at_time(double seconds) { return kTime + static_cast<std::int32_t>(seconds * 50 + 0.5); }

inline GenerationRules rules() {
  GenerationRules out;
  out.where = "generation_config.json";
  out.end = kEnd;
  out.start = kStart;
  out.no_timestamps = kNoTimes;
  out.previous = kPrevious;
  out.previous_is_named = true;
  out.suppress = {kStart, kPrevious, kNoSpeech};
  out.begin_suppress = {kSpace, kEnd};
  out.multilingual = true;
  out.languages = {{"en", kEnglish}, {"de", kGerman}};
  out.tasks = {{"transcribe", kTranscribe}, {"translate", kTranslate}};
  out.alignment_heads = {{0, 0}};
  out.max_length = 48;
  return out;
}

inline Config config() {
  Config out;
  out.vocab_size = kVocab;
  out.hidden_size = 8;
  out.layers = out.heads = 1;
  out.positions = 48;
  return out;
}

/// The letters as tokens, " " as "Ġ", the special ones, and the time stamps.
inline std::shared_ptr<const tokenizer::Tokenizer> tokenizer_of_letters() {
  std::vector<std::string> tokens = {"a", "b", "c", "d", "e", "f", "g", "h", "Ġ", "."};
  Json json = support::tokenizer_json(tokens);
  json["decoder"] = {{"type", "ByteLevel"}, {"add_prefix_space", true}, {"use_regex", true}};
  json["pre_tokenizer"] = {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"use_regex", false}};
  const char* special[] = {"<|endoftext|>", "<|startoftranscript|>", "<|en|>", "<|de|>", "<|transcribe|>", "<|translate|>",
                           "<|startofprev|>", "<|nospeech|>", "<|notimestamps|>"};
  std::int64_t id = kEnd;
  for (const char* token : special) json["added_tokens"].push_back(support::added_token(id++, token, true));
  for (int i = 0; i <= 50; ++i) {
    json["added_tokens"].push_back(support::added_token(id++, fmt::format("<|{:.2f}|>", i * 0.02), false));
  }
  support::Folder folder;
  folder.write_json("tokenizer.json", json);
  return folder.load();
}

/// One text: the tokens, how far their logits stand above all others, and the logit of silence.
struct Line {
  Ids tokens;
  float margin = 20;
  float silence = 0;
};

/// Windows of 100 frames. Says lines().front() of the window at the first try, the next at the next.
class FakeEar final : public Ear {
 public:
  explicit FakeEar(std::vector<std::vector<Line>> script) : script_(std::move(script)) {}

  std::int64_t vocab_size() const override { return kVocab; }
  std::int64_t mel_bins() const override { return 2; }
  std::int64_t window_frames() const override { return 100; }
  std::int64_t context_length() const override { return 48; }

  void hear(std::span<const float> features, Run& run) override {
    run.checkpoint();
    heard.emplace_back(features.begin(), features.end());
    attempt_ = 0;
  }

  void begin(std::span<const std::int32_t> prompt, std::size_t index, bool, std::span<float> logits,
             std::span<float> logits_of_index, Run& run) override {
    run.checkpoint();
    std::fill(logits.begin(), logits.end(), 0.0f);
    std::fill(logits_of_index.begin(), logits_of_index.end(), 0.0f);
    if (prompt.size() == 1) {  // which language?
      ++languages_heard;
      logits[kGerman] = 1;
      logits[3] = 5;
      return;
    }
    prompts.emplace_back(prompt.begin(), prompt.end());
    CHECK(prompt[index] == kStart);
    const std::vector<Line>& lines = script_[(heard.size() - 1) % script_.size()];
    line_ = lines[std::min(attempt_++, lines.size() - 1)];
    logits_of_index[kNoSpeech] = line_.silence;
    said_ = 0;
    say(logits);
  }

  void next(std::span<const std::int32_t> parents, std::span<const std::int32_t> tokens, std::span<float> logits,
            Run& run) override {
    run.checkpoint();
    CHECK(parents.size() == tokens.size());
    ++said_;
    for (std::size_t i = 0; i < tokens.size(); ++i) say(logits.subspan(i * kVocab, kVocab));
  }

  /// Token i is spoken at i / 10 seconds.
  std::vector<float> times(std::span<const std::int32_t> rows, std::int64_t frames) override {
    frames_asked.push_back(frames);
    std::vector<float> out;
    for (std::size_t i = 0; i < rows.size(); ++i) out.push_back(static_cast<float>(i) / 10.0f);
    return out;
  }

  std::vector<std::vector<float>> heard;
  std::vector<Ids> prompts;
  std::vector<std::int64_t> frames_asked;
  int languages_heard = 0;

 private:
  void say(std::span<float> logits) const {
    std::fill(logits.begin(), logits.end(), 0.0f);
    logits[static_cast<std::size_t>(said_ < line_.tokens.size() ? line_.tokens[said_] : kEnd)] = line_.margin;
  }

  std::vector<std::vector<Line>> script_;
  std::size_t attempt_ = 0, said_ = 0;
  Line line_;
};

/// Frames that say where they stand.
class FakeFeatures final : public Features {
 public:
  explicit FakeFeatures(std::int64_t frames) : frames_(frames) {}
  std::int64_t frames() const override { return frames_; }
  std::int64_t sound_frames() const override { return frames_; }
  void read(std::int64_t first, std::int64_t count, std::span<float> out) override {
    for (std::int64_t i = 0; i < count; ++i) out[static_cast<std::size_t>(i)] = static_cast<float>(first + i);
  }

 private:
  std::int64_t frames_;
};

/// A transcription of `frames` frames by a fake.
struct Room {
  Room(std::vector<std::vector<Line>> script, std::int64_t frames, const GenerateOptions& options = {},
       GenerationRules the_rules = rules())
      : own(std::move(the_rules)), ear(std::make_shared<FakeEar>(std::move(script))) {
    Settings settings = Settings::resolve(options, own, config(), *letters);
    transcription.emplace(ear, own, std::move(settings), [frames](Run&) { return std::make_unique<FakeFeatures>(frames); },
                          letters);
  }

  std::vector<Segment> all() {
    std::vector<Segment> segments;
    while (transcription->step(segments, run)) ++windows;
    return segments;
  }

  Run run;
  GenerationRules own;
  std::shared_ptr<const tokenizer::Tokenizer> letters = tokenizer_of_letters();
  std::shared_ptr<FakeEar> ear;
  std::optional<WindowedTranscription> transcription;
  std::int64_t windows = 0;
};

}  // namespace whisper_fakes
