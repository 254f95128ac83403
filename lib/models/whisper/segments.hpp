#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace lmm::models::whisper {

constexpr double kTimePrecision = 0.02;         // seconds of a time stamp
constexpr float kFeatureTimePrecision = 0.01f;  // and of a frame of features
constexpr std::int64_t kInputStride = 2;        // frames a time stamp

/// A stretch of a window's tokens between time stamps, these included.
struct Stretch {
  std::size_t first = 0;  ///< of the window's tokens
  std::size_t count = 0;
  double begin = 0;       ///< seconds from the start of the recording
  double end = 0;
};

/// What a window's tokens say, and how many frames on the next window begins.
struct WindowSegments {
  std::vector<Stretch> stretches;
  std::int64_t advance = 0;
};

/// _retrieve_segment of generation_whisper.py. `tokens`: of a window, without the end token; `frames`: those of the window
/// that lie within the recording; `offset`: seconds, where the window begins.
WindowSegments split_window(std::span<const std::int32_t> tokens, std::int32_t timestamp_begin, std::int64_t frames,
                            double offset);

/// Bytes of the tokens over their size in zlib: how much a text repeats itself (_retrieve_compression_ratio).
double compression_ratio(std::span<const std::int32_t> tokens, std::int64_t vocab_size);

}  // namespace lmm::models::whisper
