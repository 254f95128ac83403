// Prompts of models with positions on three axes: spans, positions, and what of a conversation can be reused.

#include "lib/session/prompt.hpp"
#include "tests/unit/session/fake_engine.hpp"

#include <doctest/doctest.h>

using namespace lmm;
using models::Grid;

namespace {

/// A family whose pictures lie on grids.
class GridFamily final : public models::Family {
 public:
  explicit GridFamily(models::MediaPlan plan) : plan_(std::move(plan)) {}

  const models::FamilyInfo& info() const override { return fake_.info(); }
  models::MediaPlan plan(const media::Medium&) const override { return plan_; }
  std::shared_ptr<const models::MediaInput> preprocess(const media::Medium& medium) const override {
    return fake_.preprocess(medium);
  }
  std::vector<std::shared_ptr<const models::MediaRows>> encode(
      std::span<const std::shared_ptr<const models::MediaInput>> images, Run& run) const override {
    return fake_.encode(images, run);
  }
  std::unique_ptr<models::State> new_state() const override { return fake_.new_state(); }
  void forward(const models::Sequence& sequence, models::State& state, std::span<float> logits, Run& run) const override {
    fake_.forward(sequence, state, logits, run);
  }

 private:
  test::FakeFamily fake_;
  models::MediaPlan plan_;
};

std::shared_ptr<session::Engine> engine_with(const models::MediaPlan& plan) {
  auto engine = test::fake_engine(std::make_shared<test::FakeFamily>());
  engine->family = std::make_shared<GridFamily>(plan);
  return engine;
}

Image picture() {
  const std::vector<std::uint8_t> pixels(4 * 4 * 3, 7);
  return Image::from_pixels({pixels.data(), pixels.size(), 4, 4});
}

std::vector<std::uint64_t> keys_with(const session::Prompt& prompt, std::initializer_list<std::int32_t> generated) {
  models::Sequence sequence = prompt.sequence;
  std::vector<std::uint64_t> keys = prompt.token_keys;
  for (const std::int32_t id : generated) {
    sequence.append(id);
    keys.push_back(session::token_key(sequence, sequence.ids.size() - 1));
  }
  return keys;
}

}  // namespace

TEST_CASE("a picture's placeholders carry its grid, and one prefix is reused with and without a picture behind it") {
  const auto engine = engine_with({"<image><image><image><image><image><image>", 6, 1, {{1, 2, 3}}});
  const session::Prompt text = session::raw_prompt(*engine, {"one two three"});
  const session::Prompt seen = session::raw_prompt(*engine, {"one two three", picture(), "four"});
  CHECK(text.sequence.positions.empty());
  REQUIRE(seen.sequence.spans.size() == 1);
  const models::MediaSpan& span = seen.sequence.spans[0];
  CHECK(span.count == 6);
  CHECK(span.grid.width == 3);
  CHECK(seen.sequence.positions.size() == seen.sequence.ids.size());
  CHECK(seen.sequence.positions[static_cast<std::size_t>(span.position) + 5] ==
        nn::Position{span.position, span.position + 1, span.position + 2});
  CHECK(session::common_prefix(text.token_keys, seen) == static_cast<std::int64_t>(text.sequence.ids.size()));

  // The same text behind a picture stands elsewhere.
  const session::Prompt late = session::raw_prompt(*engine, {picture(), "one two three"});
  CHECK(session::common_prefix(seen.token_keys, late) == 0);
}

TEST_CASE("an answer is reused where it stands as a part of the next prompt") {
  const auto engine = engine_with({"<image><image><image>", 3, 1, {{1, 1, 3}}});
  const session::Prompt first = session::raw_prompt(*engine, {picture(), "one two"});
  const std::vector<std::uint64_t> held = keys_with(first, {100, 101});
  session::Prompt second = first;
  for (const std::int32_t id : {100, 101, 102}) second.sequence.ids.push_back(id);
  models::place(second.sequence);
  for (std::size_t i = first.sequence.ids.size(); i < second.sequence.ids.size(); ++i) {
    second.token_keys.push_back(session::token_key(second.sequence, i));
  }
  CHECK(session::common_prefix(held, second) == static_cast<std::int64_t>(held.size()));
}

TEST_CASE("an answer behind a long video stands elsewhere in the next prompt, and is computed anew") {
  const auto engine = engine_with({"<image><image><image>", 3, 1, {{3, 1, 1, 10.0}}});
  const session::Prompt first = session::raw_prompt(*engine, {picture(), "one two"});
  CHECK(first.sequence.next_position == 21);  // behind the video's last moment, as the reference's rope_deltas
  const std::vector<std::uint64_t> held = keys_with(first, {100, 101});
  session::Prompt second = first;
  second.sequence.ids.push_back(100);
  models::place(second.sequence);
  second.token_keys.push_back(session::token_key(second.sequence, second.sequence.ids.size() - 1));
  CHECK(session::common_prefix(held, second) == static_cast<std::int64_t>(first.sequence.ids.size()));
}

TEST_CASE("frames with text between them have a grid each") {
  const auto engine = engine_with({"a<image><image>b<image><image>", 4, 1, {{1, 1, 2}, {1, 2, 1}}});
  const session::Prompt prompt = session::raw_prompt(*engine, {picture()});
  REQUIRE(prompt.sequence.spans.size() == 2);
  CHECK(prompt.sequence.spans[1].first_row == 2);
  CHECK(prompt.sequence.spans[1].item == 0);
  CHECK(prompt.sequence.spans[1].grid.height == 2);
  const auto at = static_cast<std::size_t>(prompt.sequence.spans[1].position);
  CHECK(prompt.sequence.positions[at][0] == prompt.sequence.positions[at - 1][0] + 1);
}

TEST_CASE("placeholders that do not fit the grids are refused") {
  for (const models::MediaPlan& plan : {models::MediaPlan{"<image><image>a<image>", 3, 1, {{1, 1, 3}}},
                                        models::MediaPlan{"<image><image><image>", 3, 1, {{1, 1, 2}}}}) {
    const auto engine = engine_with(plan);
    CHECK_THROWS_WITH_AS(session::raw_prompt(*engine, {picture(), "x"}), doctest::Contains("do not fit its grid"), Error);
  }
}
