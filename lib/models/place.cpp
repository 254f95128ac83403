#include "lib/core/error.hpp"
#include "lib/models/family.hpp"

#include <algorithm>

namespace lmm::models {
namespace {

void check(const MediaSpan& span) {
  const Grid& grid = span.grid;
  if (grid.rows() != span.count) {
    fail(ErrorCode::internal, "a grid of {} x {} x {} for {} placeholders at token {}", grid.time, grid.height,
         grid.width, span.count, span.position);
  }
  constexpr double kMost = 1 << 30;  // positions are computed with in fp32; no context is as long
  if (!(grid.interval >= 0.0 && grid.interval * static_cast<double>(grid.time) <= kMost)) {
    fail(ErrorCode::invalid_argument, "{} steps of {} positions on the time axis, expected at most {} positions in all",
         grid.time, grid.interval, kMost);
  }
}

/// Positions of a grid that begins at `start`. The product is the reference's, of fp32 tensors: 3 * (5 / 3) is 5.
void place_on_grid(const Grid& grid, std::int64_t start, std::vector<nn::Position>& positions) {
  const float interval = static_cast<float>(grid.interval);
  for (std::int64_t t = 0; t < grid.time; ++t) {
    const auto time = start + static_cast<std::int64_t>(static_cast<float>(t) * interval);
    for (std::int64_t h = 0; h < grid.height; ++h) {
      for (std::int64_t w = 0; w < grid.width; ++w) positions.push_back({time, start + h, start + w});
    }
  }
}

}  // namespace

void place(Sequence& sequence) {
  sequence.positions.clear();
  const auto has_grid = [](const MediaSpan& span) { return span.grid.time > 0; };
  if (std::none_of(sequence.spans.begin(), sequence.spans.end(), has_grid)) return;

  sequence.positions.reserve(sequence.ids.size());
  std::int64_t next = 0;
  const auto place_text = [&](std::int64_t end) {
    for (auto i = static_cast<std::int64_t>(sequence.positions.size()); i < end; ++i, ++next) {
      sequence.positions.push_back({next, next, next});
    }
  };
  for (const MediaSpan& span : sequence.spans) {
    if (!has_grid(span)) continue;
    check(span);
    place_text(span.position);
    place_on_grid(span.grid, next, sequence.positions);
    next += std::max(span.grid.height, span.grid.width);
  }
  place_text(static_cast<std::int64_t>(sequence.ids.size()));
  // As the reference: behind the largest place of all, which may be the time of a long video.
  sequence.next_position = 0;
  for (const nn::Position& position : sequence.positions) {
    sequence.next_position = std::max(sequence.next_position, *std::max_element(position.begin(), position.end()) + 1);
  }
}

}  // namespace lmm::models
