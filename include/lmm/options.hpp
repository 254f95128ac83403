#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <lmm/export.hpp>

namespace lmm {
inline namespace v0 {

/// Number format of weights and activations. `automatic`: bf16 for a bf16 checkpoint, fp32 otherwise.
enum class DType : std::int32_t { automatic = 0, fp32 = 1, bf16 = 2, fp16 = 3 };

/// Name as `--dtype` takes it: "auto", "fp32", "bf16", "fp16". Static storage.
LMM_API const char* dtype_name(DType dtype) noexcept;

/// How weight matrices are kept in memory. `full`: in the compute type, as far as they are stored so in the mapped files.
/// `int8`: 8 bits a weight and a bf16 scale for each 32 of a row; decoding reads half of what bf16 takes. `int4`: 4 bits a
/// weight, one of 16 levels, and such a scale; the output layer keeps 8. They are packed when a model is loaded. In products
/// with packed weights activations are rounded to 8 bits a number and a scale for each 32; sums over the blocks stay fp32.
enum class WeightType : std::int32_t { full = 0, int8 = 1, int4 = 2 };

/// Name as `--weights` takes it: "full", "int8", "int4". Static storage.
LMM_API const char* weight_type_name(WeightType type) noexcept;

/// How far a long call has come.
struct Progress {
  std::string_view stage = {};    ///< "load", "preprocess", "encode", "prefill"; of speech "scan", "encode", "decode"
  std::int64_t done = 0;     ///< in the unit of the stage: bytes, pictures, tiles x layers, tokens x layers; of speech frames of 10 ms,
                             ///< layers, tokens
  std::int64_t total = 0;    ///< same unit, > 0
};

/// Called on the thread that made the call. Return false to cancel it (Error `cancelled`); what it throws comes out of the call.
using OnProgress = std::function<bool(const Progress&)>;

/// Called on the caller's thread with each whole piece of UTF-8 text. Return false to stop; the reply then
/// has finish reason `cancelled` and the text so far. What it throws comes out of the call, and the session is as before.
using OnPiece = std::function<bool(std::string_view piece)>;

/// How much a line of the log matters. debug: each reply's token counts and times. info: what was loaded and how, and
/// what of it was left aside. warning: what is not as asked for, or odd.
enum class LogLevel : std::int32_t { debug = 0, info = 1, warning = 2 };

/// A line about a model, without line break; valid during the call. Called on the thread that loads the model and on its
/// worker thread, by one of them at a time. What it throws is dropped. Calls that wait for a model's worker (load, ask, edit_last,
/// fork, get, step, wait) throw Error `busy` in it.
using OnLog = std::function<void(LogLevel level, std::string_view line)>;

struct LoadOptions {
  DType dtype = DType::automatic;
  WeightType weights = WeightType::full;        ///< of text decoders, and of all of Whisper
  WeightType tower_weights = WeightType::full;  ///< of a model's vision and audio towers (Whisper's encoder goes by weights):
                                                ///< int8 makes encoding faster on processors without matrix tiles (AMX)
  int threads = 0;                 ///< threads of the model's worker, 1 to 1024; 0: as many as the process may use
  std::string device = "cpu";      ///< "cpu", or "cuda" / "cuda:N" where the libtorch given has it
  std::string cache_folder = {};   ///< where packed weights are kept for later loads, which map them; "": nowhere. It is made
                                   ///< if it is not there; where it can't be written to the log warns
  std::uint64_t max_memory = 0;    ///< bytes that the weights may take in the compute type; 0: no limit. Checked before allocating
  OnProgress on_progress = {};
  OnLog on_log = {};               ///< kept by the model
};

/// Which times a transcript has. With none a recording longer than a window of 30 s gets those of segments all the same.
enum class SpeechTimes : std::int32_t { none = 0, segments = 1, words = 2 };

/// How speech is written down, by a Whisper model alone or as transcriber. What is unset is as transformers' generate()
/// does it with the fallback settings of the Whisper paper: temperatures 0 to 1 by 0.2, mean log probability -1, compression
/// ratio 1.35, no-speech probability 0.6.
struct SpeechOptions {
  std::string language = {};        ///< code or English name, e.g. "de", "German"; empty: heard from the first 30 s
  bool translate = false;           ///< into English
  SpeechTimes times = SpeechTimes::segments;  ///< words: found by the decoder's cross-attention
  std::string prompt = {};          ///< text that goes before: names, spelling, style
  bool condition_on_previous = false;  ///< each window is told the text of the one before
  std::int64_t beams = 1;           ///< 1 to 32, at temperature 0
  std::vector<double> temperatures = {};  ///< tried in this order until the thresholds hold; each 0 to 1
  std::optional<double> compression_ratio_threshold = {};  ///< of text over its zlib size, a window above is tried again
  std::optional<double> log_probability_threshold = {};    ///< a window below is tried again
  std::optional<double> no_speech_threshold = {};  ///< a window above, and below log_probability_threshold, is silent

  bool operator==(const SpeechOptions&) const = default;
};

/// An intermediate of the forward pass, seen by GenerateOptions::on_tap. Valid during the call only.
struct Tap {
  std::string_view name = {};           ///< e.g. "vision.layer.3.attn_out"
  std::vector<std::int64_t> shape = {};  ///< row-major
  const float* data = nullptr;     ///< as fp32, whatever the compute type
};

/// Called on the model's worker thread, where calls that wait for a worker throw Error `busy`, as in OnLog. Return false to end
/// the reply, as cancel() does; what it throws comes out of the call that waits for the reply, and the session is as before.
using OnTap = std::function<bool(const Tap&)>;

/// How a reply is generated. An unset optional takes the checkpoint's generation_config.json, then the reference's
/// default. Values are checked on every call; what the model does not support is an error, never ignored. Designated
/// initializers have to keep this order.
struct GenerateOptions {
  std::optional<std::int64_t> max_tokens = {};      ///< most new tokens; unset: the checkpoint's, else 512
  std::optional<std::int64_t> min_tokens = {};      ///< eos is not allowed before
  std::optional<bool> sample = {};                  ///< false: greedy. Unset: true where temperature is given and > 0
  std::optional<double> temperature = {};           ///< >= 0; 0 means greedy
  std::optional<std::int64_t> top_k = {};           ///< >= 0; 0: off
  std::optional<double> top_p = {};                 ///< 0 to 1
  std::optional<double> min_p = {};                 ///< 0 to 1
  std::optional<double> typical_p = {};             ///< above 0, to 1
  std::optional<double> repetition_penalty = {};    ///< > 0; 1: off
  std::optional<double> presence_penalty = {};      ///< -2 to 2, as OpenAI defines it, over the new tokens
  std::optional<double> frequency_penalty = {};     ///< -2 to 2, as OpenAI defines it, over the new tokens
  std::optional<std::int64_t> no_repeat_ngram = {}; ///< >= 0; 0: off
  std::vector<std::string> bad_words = {};          ///< texts that are never produced
  std::map<std::int32_t, double> logit_bias = {};   ///< token id → added to its logit
  std::vector<std::string> stop = {};               ///< texts that end the reply; not part of it
  std::optional<std::uint64_t> seed = {};           ///< of sampling, and of a transcriber's: the same seed, the same reply; unset: a fresh one
  bool raw = false;                            ///< the message is the prompt itself, no chat template, no history
  bool paused = false;                         ///< start() only: nothing runs before Pending::resume() or step()
  bool ignore_eos = false;                     ///< generate max_tokens whatever comes (benchmarks)
  SpeechOptions speech = {};                   ///< for a Whisper model, alone or as transcriber
  std::string taps = {};                            ///< glob over tap names ("vision.*", "*"); empty: none
  OnTap on_tap = {};                                ///< with taps
  OnProgress on_progress = {};                      ///< of ask() and edit_last(); a Pending has progress() instead
};

}  // namespace v0
}  // namespace lmm
