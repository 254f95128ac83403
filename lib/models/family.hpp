#pragma once

#include "lib/answer/grounding.hpp"
#include "lib/core/run.hpp"
#include "lib/nn/position.hpp"
#include "lib/nn/state.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace lmm::media {
struct Picture;
}

/// What the session knows of a model: no torch type is seen here, so that session logic builds and tests without it.
namespace lmm::models {

/// How rows of a picture lie on the axes of multimodal rotary positions (nn::Position), in merged units (those of the
/// rows): row (t * height + h) * width + w stands at t * interval, h and w from where the grid begins.
/// No grid (time 0): the rows stand one behind the other, as text does.
struct Grid {
  std::int64_t time = 0;
  std::int64_t height = 0;
  std::int64_t width = 0;
  double interval = 1.0;  ///< on the time axis, from one step to the next; fractions of a place are cut off

  std::int64_t rows() const noexcept { return time * height * width; }
};

/// What a picture of some size becomes in a prompt.
struct ImagePlan {
  std::string prompt;              ///< what stands for the picture in the prompt's text, placeholders included
  std::int64_t rows = 0;           ///< embedding rows = placeholder tokens within `prompt`
  std::int64_t tiles = 0;          ///< inputs of the vision tower
  /// For models with positions on three axes: one grid for each unbroken run of placeholders in `prompt`, in order; a
  /// picture has one, a video whose frames have time stamps between them one a frame. Empty: plain positions.
  std::vector<Grid> grids = {};
  std::int64_t seen_width = 0;     ///< pixels of the picture as the model sees it whole; 0 where it does not
  std::int64_t seen_height = 0;
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
  Grid grid = {};                  ///< of exactly these rows, if any
};

/// A prompt as the model sees it.
struct Sequence {
  std::vector<std::int32_t> ids;
  std::vector<ImageSpan> spans;    ///< by position, not overlapping
  std::vector<std::shared_ptr<const ImageRows>> images;  ///< null where no row of it has to be computed

  /// Where the tokens stand, one an id. Empty: token i stands at i on all axes. They are a function of the prompt
  /// alone (place()), so a state needs to remember none: what it holds is reused where token and position are equal.
  std::vector<nn::Position> positions = {};
  std::int64_t next_position = 0;  ///< where the next generated token stands; unused without positions

  /// Adds a generated token, behind all that is there.
  void append(std::int32_t id) {
    ids.push_back(id);
    if (positions.empty()) return;
    positions.push_back({next_position, next_position, next_position});
    ++next_position;
  }
};

/// Gives the tokens of a prompt their positions: text stands behind what was before, a span with a grid on its grid,
/// and what follows a grid behind its longer side (get_rope_index of transformers' qwen2_vl, qwen2_5_vl and qwen3_vl).
/// Without any grid positions stay plain. Errors: internal for a grid that does not fit its span, invalid_argument for
/// times that no position can say.
void place(Sequence& sequence);

using nn::State;

/// What a family tells about a checkpoint from its config alone.
struct FamilyInfo {
  std::vector<std::string> towers;
  std::int64_t context_length = 0;
  std::int64_t vocab_size = 0;     ///< rows of the embedding = columns of the logits
  std::string image_token;         ///< the placeholder's text; empty for a text model
  std::int32_t image_token_id = -1;
  std::int64_t text_layers = 0;    ///< for progress
  std::optional<answer::Format> grounding = {};  ///< how it writes boxes and points; else its tokens tell
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
