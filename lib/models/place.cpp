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
  const double step = grid.interval * grid.unit;
  if (!(grid.interval >= 0.0 && step >= 0.0 && step * static_cast<double>(grid.time) <= kMost)) {
    fail(ErrorCode::invalid_argument, "{} steps of {} positions on the time axis, expected at most {} positions in all",
         grid.time, step, kMost);
  }
}

/// Where a step stands on the time axis. The products are the reference's, of fp32 tensors: 3 * (5 / 3) is 5.
std::int64_t time_of(const Grid& grid, std::int64_t step) {
  const float moment = static_cast<float>(step) * static_cast<float>(grid.interval);
  return static_cast<std::int64_t>(moment * static_cast<float>(grid.unit));
}

/// Places from where a grid begins to what comes behind it.
std::int64_t length_of(const Grid& grid) {
  const std::int64_t side = std::max(grid.height, grid.width);
  return grid.end == Grid::End::longer_side ? side : std::max(side, time_of(grid, grid.time - 1) + 1);
}

/// Positions of a grid that begins at `start`.
void place_on_grid(const Grid& grid, std::int64_t start, std::vector<nn::Position>& positions) {
  for (std::int64_t t = 0; t < grid.time; ++t) {
    const std::int64_t time = start + time_of(grid, t);
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
    next += length_of(span.grid);
  }
  place_text(static_cast<std::int64_t>(sequence.ids.size()));
  // As the reference: behind the largest place of all, which may be the time of a long video.
  sequence.next_position = 0;
  for (const nn::Position& position : sequence.positions) {
    sequence.next_position = std::max(sequence.next_position, *std::max_element(position.begin(), position.end()) + 1);
  }
}

}  // namespace lmm::models
