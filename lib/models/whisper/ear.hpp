#pragma once

#include "lib/core/run.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace lmm::models::whisper {

/// What the rules of a transcription ask of the model: one window of sound at a time, and texts that grow over it in rows
/// of one length. No torch type is seen here, so that the rules are tested without weights. Worker thread only.
class Ear {
 public:
  virtual ~Ear() = default;

  virtual std::int64_t vocab_size() const = 0;
  virtual std::int64_t mel_bins() const = 0;
  virtual std::int64_t window_frames() const = 0;    ///< of the features
  virtual std::int64_t context_length() const = 0;   ///< tokens, prompt included

  /// Takes a window: features (mel_bins, window_frames). Progress stage "encode".
  virtual void hear(std::span<const float> features, Run& run) = 0;

  /// Begins a text over the window with `prompt`, in one row. Writes the logits of what follows it, and of what follows its
  /// token `index`. With `align` the attention of all rows from here on is kept for times().
  virtual void begin(std::span<const std::int32_t> prompt, std::size_t index, bool align, std::span<float> logits,
                     std::span<float> logits_of_index, Run& run) = 0;

  /// From now on there are parents.size() rows: row i goes on from row parents[i] with tokens[i]. Writes the logits of what
  /// follows, (rows, vocab_size).
  virtual void next(std::span<const std::int32_t> parents, std::span<const std::int32_t> tokens, std::span<float> logits,
                    Run& run) = 0;

  /// When the tokens of a text were spoken, by dynamic time warping of the attention that next() kept: one for each entry
  /// of `rows`, the row that the text was in at each next(). Seconds from the start of the window. `frames`: those of the
  /// features that hold sound, counted as the reference does.
  virtual std::vector<float> times(std::span<const std::int32_t> rows, std::int64_t frames) = 0;
};

}  // namespace lmm::models::whisper
