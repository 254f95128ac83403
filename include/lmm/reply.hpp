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
  std::int64_t prompt_tokens = 0;  ///< whole prompt, pictures and earlier turns included; 0 of a transcript
  std::int64_t image_tokens = 0;   ///< of prompt_tokens, those that stand for pictures and videos
  std::int64_t audio_tokens = 0;   ///< of prompt_tokens, those that stand for sound
  std::int64_t image_tiles = 0;    ///< inputs of the vision tower that the pictures are made of
  std::int64_t reused_tokens = 0;  ///< of prompt_tokens, already in the KV cache and not computed again
  std::int64_t new_tokens = 0;     ///< generated, the end token included
};

/// Wall-clock seconds of one reply.
struct Timings {
  double load = 0;        ///< loading the model; the same in each of its replies
  double preprocess = 0;  ///< pictures → pixels
  double encode = 0;      ///< vision or audio tower and projector
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

/// A word of a transcript.
struct Word {
  std::string text = {};   ///< UTF-8, with the space before it where there is one
  double begin = 0;        ///< seconds from the start of the recording
  double end = 0;          ///< >= begin
  double probability = 0;  ///< mean over its tokens, 0 to 1
};

/// A stretch of speech in a transcript (a segment of Whisper).
struct Segment {
  double begin = 0;                     ///< seconds from the start of the recording
  double end = 0;                       ///< >= begin
  std::string text = {};                ///< UTF-8, as the model writes it: mostly with a space in front
  std::string language = {};            ///< code, e.g. "en"
  std::vector<Word> words = {};         ///< where asked for
  double mean_log_probability = 0;      ///< a token, natural logarithm, of the window that it was heard in
  double no_speech_probability = 0;     ///< that the window holds no speech, 0 to 1
  double temperature = 0;               ///< at which the window was decoded
};

/// What the model answered.
struct Reply {
  std::string text = {};                     ///< UTF-8; special tokens left out, as the reference decodes it: it may begin
                                             ///< with a space, which the history has not
  std::vector<std::int32_t> token_ids = {};  ///< the new tokens, the end token included; none of a transcript
  FinishReason finish_reason = FinishReason::eos;
  /// Places that the text tells of, in the last picture: of families that were taught to write them (Qwen-VL, Granite-Docling,
  /// the pocket model), in their own formats. Empty for others.
  std::vector<Box> boxes = {};
  std::vector<Point> points = {};
  /// What was heard: of a Whisper model the transcript, whose texts make up `text`; of a model with a transcriber
  /// (SessionOptions) the transcripts of the message's recordings, one after the other. Empty for models that hear.
  std::vector<Segment> segments = {};
  Usage usage;
  Timings timings;
};

}  // namespace v0
}  // namespace lmm
