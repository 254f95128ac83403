#include "lib/models/whisper/token_rules.hpp"

#include "lib/generate/vector_math.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace lmm::models::whisper {
namespace {

constexpr float kNever = -std::numeric_limits<float>::infinity();

void forbid(std::span<float> scores, std::int64_t begin, std::int64_t end) {
  const auto size = static_cast<std::int64_t>(scores.size());
  begin = std::clamp<std::int64_t>(begin, 0, size);
  end = std::clamp<std::int64_t>(end, begin, size);
  std::fill(scores.begin() + begin, scores.begin() + end, kNever);
}

}  // namespace

double log_sum_exp(std::span<const float> x, std::vector<float>& room) {
  if (x.empty()) return kNever;
  const float max = generate::maximum(x).value;
  if (max == kNever) return kNever;
  room.resize(x.size());
  return static_cast<double>(max) + std::log(generate::exponentials(x, max, room));
}

void TokenRules::apply(std::span<const std::int32_t> generated, std::span<float> scores) {
  if (generated.empty()) {
    for (const std::int32_t id : rules_.begin_suppress) scores[static_cast<std::size_t>(id)] = kNever;
  }
  for (const std::int32_t id : rules_.suppress) scores[static_cast<std::size_t>(id)] = kNever;
  if (timestamps_ && rules_.no_timestamps) apply_timestamps(generated, scores);
}

void TokenRules::apply_timestamps(std::span<const std::int32_t> generated, std::span<float> scores) {
  const std::int32_t begin = rules_.timestamp_begin();
  const auto vocab = static_cast<std::int64_t>(scores.size());
  const auto is_time = [&](std::int32_t id) { return id >= begin; };
  scores[static_cast<std::size_t>(*rules_.no_timestamps)] = kNever;

  // Time stamps come in pairs, except before the end.
  const std::size_t count = generated.size();
  const bool last = count >= 1 && is_time(generated[count - 1]);
  const bool one_before = count < 2 || is_time(generated[count - 2]);
  if (last && one_before) forbid(scores, begin, vocab);
  if (last && !one_before) forbid(scores, 0, rules_.end);

  // They do not go back, nor stand still but within a pair.
  const auto latest = std::find_if(generated.rbegin(), generated.rend(), is_time);
  if (latest != generated.rend()) forbid(scores, begin, last && !one_before ? *latest : *latest + 1);

  if (generated.empty()) {
    forbid(scores, 0, begin);
    if (rules_.max_initial_timestamp) forbid(scores, begin + *rules_.max_initial_timestamp + 1, vocab);
  }

  // Where the time stamps together are likelier than the likeliest text, it is one of them.
  const auto middle = static_cast<std::size_t>(std::min<std::int64_t>(begin, vocab));
  const double times = log_sum_exp(scores.subspan(middle), room_);
  const float text = middle == 0 ? kNever : generate::maximum(scores.first(middle)).value;
  if (times > static_cast<double>(text)) forbid(scores, 0, begin);
}

}  // namespace lmm::models::whisper
