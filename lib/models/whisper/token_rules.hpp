#pragma once

#include "lib/models/whisper/config.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace lmm::models::whisper {

/// Which tokens may follow: SuppressTokensAtBeginLogitsProcessor, SuppressTokensLogitsProcessor and, with time stamps,
/// WhisperTimeStampLogitsProcessor of transformers' generation/logits_process.py, in this order.
/// For one thread.
class TokenRules {
 public:
  TokenRules(const GenerationRules& rules, bool timestamps) : rules_(rules), timestamps_(timestamps) {}

  /// Sets the scores of forbidden tokens to -inf. `generated`: the tokens behind the prompt. Scores are logits or their
  /// log softmax. `rules` and scores must be of one vocabulary.
  void apply(std::span<const std::int32_t> generated, std::span<float> scores);

 private:
  void apply_timestamps(std::span<const std::int32_t> generated, std::span<float> scores);

  const GenerationRules& rules_;
  bool timestamps_;
  std::vector<float> room_;
};

/// ln of the sum of e^x; -inf where all are. `room` is working space.
double log_sum_exp(std::span<const float> x, std::vector<float>& room);

}  // namespace lmm::models::whisper
