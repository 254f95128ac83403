#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace lmm::models::whisper {

/// Seconds from the start of the window at which each token was spoken: the attention of chosen heads normalised,
/// smoothed by a median and warped (_extract_token_timestamps of generation_whisper.py).
/// weights (heads, tokens, positions) fp32. `frames`: frames of features that hold sound, as the reference counts them:
/// it may be larger than the window, and below zero counts from its end.
std::vector<float> token_times(const at::Tensor& weights, std::int64_t frames, std::int64_t median_filter_width);

}  // namespace lmm::models::whisper
