#pragma once

#include "lib/core/run.hpp"
#include "lib/nn/state.hpp"

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace lmm::media {
struct Picture;
}

/// What the session knows of a model: no torch type is seen here, so that session logic builds and tests without it.
namespace lmm::models {

/// What a picture of some size becomes in a prompt.
struct ImagePlan {
  std::string prompt;              ///< what stands for the picture in the prompt's text, placeholders included
  std::int64_t rows = 0;           ///< embedding rows = placeholder tokens within `prompt`
  std::int64_t tiles = 0;          ///< inputs of the vision tower
};

/// Pixels of one picture, ready for the vision tower. Immutable.
struct ImageInput {
  virtual ~ImageInput() = default;
};

/// Embedding rows of one picture: (rows, hidden). Immutable.
struct ImageRows {
  virtual ~ImageRows() = default;
  std::int64_t rows = 0;
  std::uint64_t bytes = 0;
};

/// Placeholder tokens that take rows of a picture.
struct ImageSpan {
  std::int64_t position = 0;       ///< of the first placeholder token in the sequence
  std::int64_t count = 0;          ///< consecutive placeholder tokens
  std::int64_t first_row = 0;      ///< row of the picture for the first of them
  std::size_t image = 0;           ///< index into Sequence::images
};

/// A prompt as the model sees it.
struct Sequence {
  std::vector<std::int32_t> ids;
  std::vector<ImageSpan> spans;    ///< by position, not overlapping
  std::vector<std::shared_ptr<const ImageRows>> images;  ///< null where no row of it has to be computed
};

using nn::State;

/// What a family tells about a checkpoint from its config alone.
struct FamilyInfo {
  std::vector<std::string> towers;
  std::int64_t context_length = 0;
  std::int64_t vocab_size = 0;     ///< rows of the embedding = columns of the logits
  std::string image_token;         ///< the placeholder's text; empty for a text model
  std::int32_t image_token_id = -1;
  std::int64_t text_layers = 0;    ///< for progress
};

/// One loaded model. Const and shared; encode() and forward() run on the worker thread only.
class Family {
 public:
  virtual ~Family() = default;
  virtual const FamilyInfo& info() const = 0;

  /// Any thread; cheap. Errors: unsupported for a model without eyes, invalid_argument for a size it does not take.
  virtual ImagePlan plan(const media::Picture& picture) const = 0;

  /// Any thread. Resizes, splits and normalises.
  virtual std::shared_ptr<const ImageInput> preprocess(const media::Picture& picture) const = 0;

  /// Vision tower and projector over all tiles; progress stage "encode".
  virtual std::vector<std::shared_ptr<const ImageRows>> encode(
      std::span<const std::shared_ptr<const ImageInput>> images, Run& run) const = 0;

  virtual std::unique_ptr<State> new_state() const = 0;

  /// Runs the tokens sequence.ids[state.length()..] and writes the logits of the last one, (vocab_size) floats.
  /// After an error the state's length is as before.
  virtual void forward(const Sequence& sequence, State& state, std::span<float> logits, Run& run) const = 0;
};

}  // namespace lmm::models
