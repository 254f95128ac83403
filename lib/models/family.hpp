#pragma once

#include "lib/answer/grounding.hpp"
#include "lib/core/run.hpp"
#include "lib/media/medium.hpp"
#include "lib/nn/position.hpp"
#include "lib/nn/state.hpp"

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

/// What the session knows of a model: no torch type is seen here, so that session logic builds and tests without it.
namespace lmm::models {

/// How rows of a picture lie on the axes of multimodal rotary positions (nn::Position), in merged units (those of the
/// rows): row (t * height + h) * width + w stands at t * interval * unit, h and w from where the grid begins.
/// No grid (time 0): the rows stand one behind the other, as text does.
struct Grid {
  std::int64_t time = 0;
  std::int64_t height = 0;
  std::int64_t width = 0;
  double interval = 1.0;  ///< on the time axis, from one step to the next; fractions of a place are cut off
  double unit = 1.0;      ///< places of one unit of interval, such as those of a second

  /// What comes behind the grid stands behind its longer side, or behind its largest place on any axis.
  enum class End { longer_side, last_place };
  End end = End::longer_side;

  std::int64_t rows() const noexcept { return time * height * width; }
};

/// What a picture, video or recording becomes in a prompt.
struct MediaPlan {
  std::string prompt;              ///< what stands for it in the prompt's text, placeholders included
  std::int64_t rows = 0;           ///< embedding rows = placeholder tokens within `prompt`
  std::int64_t tiles = 0;          ///< inputs of the vision tower
  /// For models with positions on three axes: one grid for each unbroken run of placeholders in `prompt`, in order; a
  /// picture has one, a video whose frames have time stamps between them one a frame. Empty: plain positions.
  std::vector<Grid> grids = {};
  std::int64_t seen_width = 0;     ///< pixels of a picture as the model sees it whole; 0 where it does not
  std::int64_t seen_height = 0;
};

/// Pixels of one picture or video, or features of one recording, ready for their tower. Immutable.
struct MediaInput {
  virtual ~MediaInput() = default;
};

/// Embedding rows of one of them: (rows, hidden). Immutable.
struct MediaRows {
  virtual ~MediaRows() = default;
  std::int64_t rows = 0;
  std::uint64_t bytes = 0;
};

/// Placeholder tokens that take rows of a tower.
struct MediaSpan {
  std::int64_t position = 0;       ///< of the first placeholder token in the sequence
  std::int64_t count = 0;          ///< consecutive placeholder tokens
  std::int64_t first_row = 0;      ///< row for the first of them
  std::size_t item = 0;            ///< index into Sequence::media
  Grid grid = {};                  ///< of exactly these rows, if any
};

/// A prompt as the model sees it.
struct Sequence {
  std::vector<std::int32_t> ids;
  std::vector<MediaSpan> spans;    ///< by position, not overlapping
  std::vector<std::shared_ptr<const MediaRows>> media;  ///< null where no row of it has to be computed

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
/// and what follows a grid where that says (get_rope_index of transformers' qwen2_vl, qwen2_5_vl, qwen3_vl, qwen2_5_omni).
/// Without any grid positions stay plain. Errors: internal for a grid that does not fit its span, invalid_argument for
/// times that no position can say.
void place(Sequence& sequence);

using nn::State;

/// What marks a picture, video or recording in a prompt.
struct Placeholder {
  std::string token = {};          ///< its text; empty where the model takes none of this kind
  std::int32_t id = -1;            ///< of the tokens that take rows
  /// Texts before and behind the token which, where both stand there, are replaced with it by MediaPlan::prompt.
  std::string before = {};
  std::string behind = {};
};

/// What a family tells about a checkpoint from its config alone.
struct FamilyInfo {
  std::vector<std::string> towers;
  std::int64_t context_length = 0;
  std::int64_t vocab_size = 0;     ///< rows of the embedding = columns of the logits
  std::array<Placeholder, media::kKinds> placeholders = {};  ///< by media::Kind
  std::int64_t text_layers = 0;    ///< for progress
  bool transcribes = false;        ///< Family::transcriber() is there
  std::optional<answer::Format> grounding = {};  ///< how it writes boxes and points; else its tokens tell

  const Placeholder& placeholder(media::Kind kind) const { return placeholders[static_cast<std::size_t>(kind)]; }
  Placeholder& placeholder(media::Kind kind) { return placeholders[static_cast<std::size_t>(kind)]; }
  bool takes(media::Kind kind) const { return placeholder(kind).id >= 0; }
};

class Transcriber;

/// One loaded model. Const and shared; encode() and forward() run on the worker thread only.
class Family {
 public:
  virtual ~Family() = default;
  virtual const FamilyInfo& info() const = 0;

  /// Any thread; cheap. Called with the kinds that info() has placeholders for. Errors: invalid_argument for a size or
  /// length it does not take.
  virtual MediaPlan plan(const media::Medium& medium) const = 0;

  /// Any thread. Which frames of a video of `total` frames, `fps` a second, the model would be shown: rising indices.
  /// `wanted`: frames a second to choose, 0 to 1e6; 0: as the checkpoint says. Errors: unsupported, invalid_argument.
  virtual std::vector<std::int64_t> sample_frames(std::int64_t total, double fps, double wanted) const;

  /// Any thread. Resizes, splits and normalises pixels; makes log-mel features of sound.
  virtual std::shared_ptr<const MediaInput> preprocess(const media::Medium& medium) const = 0;

  /// Towers and projectors over all inputs; progress stage "encode".
  virtual std::vector<std::shared_ptr<const MediaRows>> encode(
      std::span<const std::shared_ptr<const MediaInput>> inputs, Run& run) const = 0;

  virtual std::unique_ptr<State> new_state() const = 0;

  /// Runs the tokens sequence.ids[state.length()..] and writes the logits of the last one, (vocab_size) floats.
  /// After an error the state's length is as before.
  virtual void forward(const Sequence& sequence, State& state, std::span<float> logits, Run& run) const = 0;

  /// Of a model that writes down speech instead of answering (none of the above is called then); else null.
  virtual const Transcriber* transcriber() const { return nullptr; }
};

}  // namespace lmm::models
