// The trained model that ships with lmm, run in different ways that must agree.

#include "lib/core/error.hpp"
#include "lib/media/picture.hpp"
#include "lib/models/registry.hpp"
#include "lib/nn/kernels/thread_pool.hpp"
#include "lib/nn/runtime.hpp"

#include <lmm/message.hpp>

#include <ATen/ATen.h>
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

using namespace lmm;

namespace {

struct Loaded {
  explicit Loaded(at::ScalarType dtype) {
    checkpoint.folder = LMM_POCKET_MODEL;
    checkpoint.config = read_json_file(checkpoint.folder / "config.json");
    checkpoint.weights = weights::Weights::open(checkpoint.folder);
    nn::Placement placement{at::kCPU, dtype, std::make_shared<nn::kernels::ThreadPool>(2)};
    family = models::family_of(checkpoint).load(checkpoint, placement, run);
  }

  std::vector<float> forward(models::State& state, const models::Sequence& sequence) {
    std::vector<float> logits(static_cast<std::size_t>(family->info().vocab_size));
    family->forward(sequence, state, logits, run);
    return logits;
  }

  std::shared_ptr<void> inference = nn::enter_inference(2);
  models::Checkpoint checkpoint;
  Run run;
  std::unique_ptr<const models::Family> family;
};

models::Sequence sequence_of(std::size_t tokens) {
  models::Sequence sequence;
  for (std::size_t i = 0; i < tokens; ++i) sequence.ids.push_back(static_cast<std::int32_t>(10 + i * 37 % 700));
  return sequence;
}

/// Largest difference in units of the largest logit.
double difference(const std::vector<float>& a, const std::vector<float>& b) {
  double most = 0;
  double scale = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    most = std::max(most, std::fabs(static_cast<double>(a[i]) - b[i]));
    scale = std::max(scale, std::fabs(static_cast<double>(a[i])));
  }
  return most / scale;
}

// fp32: sums of up to 704 products in another order. bf16: the layers round each intermediate to 8 bits, the decode
// step does not, and over 5 layers a few roundings add up.
constexpr double kFp32 = 2e-5;
constexpr double kBf16 = 4e-2;

}  // namespace

TEST_CASE("a prompt in one piece and token by token give the same logits") {
  for (const auto& [dtype, bound] : {std::pair(at::kFloat, kFp32), std::pair(at::kBFloat16, kBf16)}) {
    Loaded model(dtype);
    const models::Sequence whole = sequence_of(50);
    const auto state = model.family->new_state();
    const std::vector<float> at_once = model.forward(*state, whole);
    CHECK(state->length() == 50);

    const auto stepped = model.family->new_state();
    std::vector<float> logits;
    for (std::size_t n = 1; n <= whole.ids.size(); ++n) {
      models::Sequence prefix;
      prefix.ids.assign(whole.ids.begin(), whole.ids.begin() + static_cast<std::ptrdiff_t>(n));
      logits = model.forward(*stepped, prefix);
    }
    CHECK(difference(at_once, logits) < bound);

    stepped->truncate(20);
    CHECK(difference(at_once, model.forward(*stepped, whole)) < bound);
    const auto copy = stepped->clone();
    copy->truncate(49);
    CHECK(difference(at_once, model.forward(*copy, whole)) < bound);
  }
}

TEST_CASE("observing a run changes nothing but the way it is computed") {
  Loaded model(at::kFloat);
  const models::Sequence whole = sequence_of(12);
  models::Sequence most = whole;
  most.ids.pop_back();
  const auto state = model.family->new_state();
  model.forward(*state, most);
  const auto copy = state->clone();
  const std::vector<float> fused = model.forward(*state, whole);
  std::vector<std::string> names;
  model.run.observe("text.*", [&](const Tap& tap) { return names.emplace_back(tap.name), true; });
  const std::vector<float> layered = model.forward(*copy, whole);
  CHECK(difference(fused, layered) < kFp32);
  CHECK(std::count(names.begin(), names.end(), "text.layer.4.attn_out") == 1);
  CHECK(std::count(names.begin(), names.end(), "text.norm") == 1);
}

TEST_CASE("a cancelled pass leaves the state as it was") {
  Loaded model(at::kFloat);
  const auto state = model.family->new_state();
  models::Sequence sequence = sequence_of(8);
  model.forward(*state, sequence);
  sequence = sequence_of(30);
  model.run.cancel();
  CHECK_THROWS_AS(model.forward(*state, sequence), Error);
  CHECK(state->length() == 8);
}

TEST_CASE("pictures encoded together and alone give the same rows") {
  Loaded model(at::kFloat);
  const Image image = Image::open(std::string(LMM_POCKET_MODEL) + "/../../pictures/burger.png");
  const media::Medium picture = image.picture();
  const auto input = model.family->preprocess(picture);
  const auto plan = model.family->plan(picture);
  const std::vector<std::shared_ptr<const models::MediaInput>> twice = {input, input};
  const auto together = model.family->encode(twice, model.run);
  REQUIRE(together.size() == 2);
  CHECK(together[0]->rows == plan.rows);
  CHECK(model.run.progress().done == model.run.progress().total);
}
