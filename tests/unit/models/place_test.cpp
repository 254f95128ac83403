// Positions on three axes, as get_rope_index of transformers' qwen2_vl, qwen2_5_vl and qwen3_vl gives them.

#include "lib/core/error.hpp"
#include "lib/models/family.hpp"

#include <doctest/doctest.h>

#include <limits>

using namespace lmm;
using models::Grid;
using models::Sequence;

namespace {

/// `text` tokens, then a span of that grid, and so on; `last` tokens of text at the end.
Sequence sequence_of(std::initializer_list<std::pair<std::int64_t, Grid>> parts, std::int64_t last) {
  Sequence sequence;
  std::size_t image = 0;
  const auto add = [&](std::int64_t tokens) { sequence.ids.resize(sequence.ids.size() + static_cast<std::size_t>(tokens), 7); };
  for (const auto& [text, grid] : parts) {
    add(text);
    sequence.spans.push_back({static_cast<std::int64_t>(sequence.ids.size()), grid.rows(), 0, image++, grid});
    add(grid.rows());
  }
  add(last);
  return sequence;
}

}  // namespace

TEST_CASE("text alone keeps plain positions") {
  Sequence sequence = sequence_of({}, 5);
  models::place(sequence);
  CHECK(sequence.positions.empty());
  sequence.append(3);
  CHECK(sequence.ids.size() == 6);
  CHECK(sequence.positions.empty());

  sequence.spans.push_back({1, 2, 0, 0, {}});  // rows that stand as text does
  models::place(sequence);
  CHECK(sequence.positions.empty());
}

TEST_CASE("a picture stands on its grid and text goes on behind its longer side") {
  Sequence sequence = sequence_of({{2, {1, 2, 3}}, {1, {1, 3, 1}}}, 2);
  models::place(sequence);
  const std::vector<nn::Position> expected = {
      {0, 0, 0}, {1, 1, 1},                                              // text
      {2, 2, 2}, {2, 2, 3}, {2, 2, 4}, {2, 3, 2}, {2, 3, 3}, {2, 3, 4},  // 2 rows of 3
      {5, 5, 5},                                                         // text
      {6, 6, 6}, {6, 7, 6}, {6, 8, 6},                                   // 3 rows of 1
      {9, 9, 9}, {10, 10, 10}};
  CHECK(sequence.positions == expected);
  sequence.append(3);
  sequence.append(4);
  CHECK(sequence.positions[14] == nn::Position{11, 11, 11});
  CHECK(sequence.positions[15] == nn::Position{12, 12, 12});
}

TEST_CASE("time goes on by intervals whose fractions are cut off, and answers stand behind the largest place") {
  Sequence sequence = sequence_of({{1, {4, 1, 1, 2.6}}}, 2);
  models::place(sequence);
  const std::vector<nn::Position> expected = {{0, 0, 0}, {1, 1, 1}, {3, 1, 1}, {6, 1, 1}, {8, 1, 1}, {2, 2, 2}, {3, 3, 3}};
  CHECK(sequence.positions == expected);
  sequence.append(3);
  CHECK(sequence.positions.back() == nn::Position{9, 9, 9});
}

TEST_CASE("a picture at either end, and two that touch") {
  Sequence sequence = sequence_of({{0, {1, 1, 2}}, {0, {1, 2, 1}}}, 0);
  models::place(sequence);
  CHECK(sequence.positions == std::vector<nn::Position>{{0, 0, 0}, {0, 0, 1}, {2, 2, 2}, {2, 3, 2}});
  CHECK(sequence.next_position == 4);
}

TEST_CASE("a grid that does not fit its span") {
  Sequence sequence = sequence_of({{2, {1, 2, 3}}}, 2);
  sequence.spans[0].count = 5;
  CHECK_THROWS_AS(models::place(sequence), Error);
}

TEST_CASE("times that are no positions") {
  for (const double interval : {-1.0, std::numeric_limits<double>::quiet_NaN(), 1e300}) {
    Sequence sequence = sequence_of({{1, {2, 1, 1, interval}}}, 1);
    CHECK_THROWS_AS(models::place(sequence), Error);
  }
}

TEST_CASE("steps of 5 / 3 are multiplied in fp32, as the reference's tensors are") {
  Sequence sequence = sequence_of({{1, {7, 1, 1, static_cast<float>(5.0 / 3.0)}}}, 1);
  models::place(sequence);
  std::vector<std::int64_t> times;
  for (std::size_t i = 1; i <= 7; ++i) times.push_back(sequence.positions[i][0]);
  CHECK(times == std::vector<std::int64_t>{1, 2, 4, 6, 7, 9, 11});  // 3 * 1.6666666 is 5 in fp32, 4.9999998 in fp64
}

TEST_CASE("seconds are rounded before they become places, and text may go on behind the last of them") {
  // A frame every 2 / 29.97 s and 25 places a second, as get_rope_index of qwen2_5_omni has them.
  const Grid clock{8, 1, 2, 2 / 29.97, 25.0, Grid::End::last_place};
  Sequence sequence = sequence_of({{1, clock}}, 1);
  models::place(sequence);
  std::vector<std::int64_t> times;
  for (std::size_t i = 1; i <= 16; i += 2) times.push_back(sequence.positions[i][0]);
  CHECK(times == std::vector<std::int64_t>{1, 2, 4, 6, 7, 9, 11, 12});
  CHECK(sequence.positions.back() == nn::Position{13, 13, 13});
  CHECK(sequence.next_position == 14);

  Sequence side = sequence_of({{1, {2, 1, 6, 1.0, 2.0, Grid::End::last_place}}}, 1);
  models::place(side);
  CHECK(side.positions.back() == nn::Position{7, 7, 7});  // its longer side reaches further than its time

  for (const double unit : {-1.0, std::numeric_limits<double>::quiet_NaN(), 1e300}) {
    Sequence bad = sequence_of({{1, {2, 1, 1, 1.0, unit, Grid::End::last_place}}}, 1);
    CHECK_THROWS_AS(models::place(bad), Error);
  }
}
