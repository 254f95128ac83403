#pragma once

#include "lib/core/run.hpp"
#include "lib/media/sound.hpp"
#include "lib/tokenizer/tokenizer.hpp"

#include <lmm/options.hpp>
#include <lmm/reply.hpp>

#include <cstdint>
#include <memory>
#include <vector>

/// A model that writes down speech instead of answering (Whisper).
namespace lmm::models {

/// One recording being written down. Worker thread only.
class Transcription {
 public:
  virtual ~Transcription() = default;

  /// Hears the next window (30 s) and adds what is settled to `segments`; false at the end of the recording, where
  /// nothing was added. Progress stages "scan" (once, over
  /// the whole recording), "encode" and "decode". Errors: as of the sound's reader; cancelled.
  virtual bool step(std::vector<Segment>& segments, Run& run) = 0;

  virtual std::int64_t new_tokens() const = 0;  ///< generated so far

  double encode_seconds = 0;  ///< so far: log-mel features and encoder
};

class Transcriber {
 public:
  virtual ~Transcriber() = default;

  /// Any thread; cheap. `tokenizer` is the checkpoint's. Errors: invalid_argument for options out of range or a language
  /// that the model has not, unsupported for what the checkpoint cannot do (translation by an English-only model).
  virtual std::unique_ptr<Transcription> transcribe(std::shared_ptr<const media::Sound> sound,
                                                    const GenerateOptions& options,
                                                    std::shared_ptr<const tokenizer::Tokenizer> tokenizer) const = 0;
};

}  // namespace lmm::models
