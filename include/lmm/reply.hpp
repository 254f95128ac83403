#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <lmm/export.hpp>

namespace lmm {
inline namespace v0 {

enum class FinishReason : std::int32_t { eos = 0, stop = 1, length = 2, cancelled = 3 };

/// "eos", "stop", "length" or "cancelled". Static storage.
LMM_API const char* finish_reason_name(FinishReason reason) noexcept;

/// Tokens of one reply.
struct Usage {
  std::int64_t prompt_tokens = 0;  ///< whole prompt, pictures and earlier turns included
  std::int64_t image_tokens = 0;   ///< of these, rows that came from pictures
  std::int64_t image_tiles = 0;    ///< inputs of the vision tower that those pictures are made of
  std::int64_t reused_tokens = 0;  ///< of these, already in the KV cache and not computed again
  std::int64_t new_tokens = 0;     ///< generated, the end token included
};

/// Wall-clock seconds of one reply.
struct Timings {
  double load = 0;        ///< loading the model; the same in each of its replies
  double preprocess = 0;  ///< pictures → pixels
  double encode = 0;      ///< vision tower and projector
  double prefill = 0;     ///< prompt → first logits
  double decode = 0;      ///< all steps after the prefill
  double per_token = 0;   ///< decode / steps, 0 without steps
};

/// A place in a picture, in the pixels of the picture that the caller gave; (0, 0) is its upper left corner, and a box
/// over all of it is 0, 0, width, height.
struct Box {
  double x0 = 0;
  double y0 = 0;
  double x1 = 0;          ///< > x0
  double y1 = 0;          ///< > y0
  std::string label = {};      ///< UTF-8, empty where the model gives none
  std::size_t image = 0;  ///< which picture of the conversation, the first is 0
};

struct Point {
  double x = 0;
  double y = 0;
  std::string label = {};
  std::size_t image = 0;
};

/// What the model answered.
struct Reply {
  std::string text = {};                     ///< UTF-8; special tokens left out, as the reference decodes it
  std::vector<std::int32_t> token_ids = {};  ///< the new tokens, the end token included
  FinishReason finish_reason = FinishReason::eos;
  std::vector<Box> boxes = {};               ///< that the text tells of; in the last picture
  std::vector<Point> points = {};
  Usage usage;
  Timings timings;
};

}  // namespace v0
}  // namespace lmm
