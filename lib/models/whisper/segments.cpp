#include "lib/models/whisper/segments.hpp"

#include "lib/core/error.hpp"

#include <cmath>

#include <zlib.h>

namespace lmm::models::whisper {
namespace {

/// The whole window is one stretch: no two time stamps stand side by side.
WindowSegments one_stretch(std::span<const std::int32_t> tokens, std::int32_t begin, std::int64_t frames, double offset) {
  // In float and cut off, as the reference's tensors have it.
  auto last = static_cast<double>(
      static_cast<std::int64_t>(static_cast<float>(frames) * kFeatureTimePrecision / static_cast<float>(kTimePrecision)));
  for (std::size_t i = tokens.size(); i-- > 0;) {
    if (tokens[i] < begin) continue;
    if (tokens[i] != begin) last = static_cast<double>(tokens[i] - begin);
    break;
  }
  return {{{0, tokens.size(), offset, offset + last * kTimePrecision}}, frames};
}

}  // namespace

WindowSegments split_window(std::span<const std::int32_t> tokens, std::int32_t begin, std::int64_t frames, double offset) {
  const std::size_t count = tokens.size();
  const auto is_time = [&](std::size_t i) { return tokens[i] >= begin; };
  const bool single_ending = count >= 2 && is_time(count - 1) && !is_time(count - 2);
  std::vector<std::size_t> ends;
  for (std::size_t i = 0; i + 1 < count; ++i) {
    if (is_time(i) && is_time(i + 1)) ends.push_back(i + 1);
  }
  if (ends.empty()) return one_stretch(tokens, begin, frames, offset);
  if (single_ending) {
    ends.push_back(count);
  } else {
    ends.back() += 1;  // the last one keeps both, which tells that it was no single ending
  }
  WindowSegments out;
  std::size_t first = 0;
  for (std::size_t i = 0; i < ends.size(); ++i) {
    const bool both = i + 1 == ends.size() && !single_ending;
    const auto from = static_cast<double>(tokens[first] - begin);
    const auto to = static_cast<double>(tokens[ends[i] - (both ? 2 : 1)] - begin);
    out.stretches.push_back({first, ends[i] - first, offset + from * kTimePrecision, offset + to * kTimePrecision});
    first = ends[i];
  }
  out.advance = single_ending ? frames : (tokens[first - 2] - begin) * kInputStride;
  return out;
}

double compression_ratio(std::span<const std::int32_t> tokens, std::int64_t vocab_size) {
  const auto width = static_cast<int>(std::log2(static_cast<double>(vocab_size)) / 8) + 1;
  std::vector<Bytef> bytes;
  for (const std::int32_t token : tokens) {
    for (int i = 0; i < width; ++i) bytes.push_back(static_cast<Bytef>(token >> (8 * i) & 0xff));
  }
  uLongf size = ::compressBound(static_cast<uLong>(bytes.size()));
  std::vector<Bytef> packed(size);
  if (::compress(packed.data(), &size, bytes.data(), static_cast<uLong>(bytes.size())) != Z_OK) {
    fail(ErrorCode::internal, "zlib refuses {} bytes", bytes.size());
  }
  return static_cast<double>(bytes.size()) / static_cast<double>(size);
}

}  // namespace lmm::models::whisper
