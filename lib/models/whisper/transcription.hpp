#pragma once

#include "lib/models/transcriber.hpp"
#include "lib/models/whisper/ear.hpp"
#include "lib/models/whisper/search.hpp"
#include "lib/models/whisper/settings.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

namespace lmm::models::whisper {

/// Log-mel features of one recording, read window by window. Worker thread only.
class Features {
 public:
  virtual ~Features() = default;
  virtual std::int64_t frames() const = 0;      ///< that are transcribed: at least a window's
  virtual std::int64_t sound_frames() const = 0;  ///< of these, not padding
  /// Frames [first, first + count) for each of the mel bins, zeros beyond the last: out (mel_bins, count).
  virtual void read(std::int64_t first, std::int64_t count, std::span<float> out) = 0;
};

/// Called once, at the first step.
using OpenFeatures = std::function<std::unique_ptr<Features>(Run&)>;

/// One recording in windows: the sequential long form of generation_whisper.py's generate(), for one input. Short
/// recordings go the same way. Worker thread only.
class WindowedTranscription final : public Transcription {
 public:
  WindowedTranscription(std::shared_ptr<Ear> ear, const GenerationRules& rules, Settings settings, OpenFeatures open,
                        std::shared_ptr<const tokenizer::Tokenizer> tokenizer);

  bool step(std::vector<Segment>& segments, Run& run) override;
  std::int64_t new_tokens() const override { return search_.new_tokens(); }

 private:
  /// The text that was kept for a window, and what was found out about it.
  struct Heard {
    Text text;
    float mean_log_probability = 0;
    double no_speech_probability = 0;
    bool silent = false;
  };

  void begin(Run& run);
  void hear_language(Run& run);
  std::vector<std::int32_t> prompt() const;
  Heard listen(std::span<const std::int32_t> prompt, Run& run);
  double no_speech_probability() const;
  void add(std::vector<Segment>& segments, const Heard& heard, std::int64_t frames);
  void add_words(Segment& segment, const Heard& heard, std::span<const float> times, std::size_t first, std::size_t count,
                 double offset) const;
  void remember(std::span<const std::int32_t> tokens);

  std::shared_ptr<Ear> ear_;
  const GenerationRules& rules_;
  Settings settings_;
  OpenFeatures open_;
  std::shared_ptr<const tokenizer::Tokenizer> tokenizer_;
  Search search_;
  std::unique_ptr<Features> features_;
  std::vector<float> window_;         // (mel_bins, window_frames)
  std::vector<std::int32_t> initial_;  // settled ones of settings_
  bool timestamps_ = true;
  std::int64_t seek_ = 0;             // frames
  std::int64_t max_length_ = 0;       // of a window's tokens, prompt included
  std::vector<std::int32_t> before_;  // the last tokens of the windows so far
  bool conditioned_ = false;          // the next window is told them
};

}  // namespace lmm::models::whisper
