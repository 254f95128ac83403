#pragma once

#include "lib/chat_template/chat_template.hpp"
#include "lib/core/error.hpp"
#include "lib/session/engine.hpp"
#include "lib/tokenizer/tokenizer.hpp"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <set>
#include <thread>

namespace lmm::test {

/// Counts what a session asks of a model, and answers by a rule instead of by weights: the token after t is
/// 100 + (sum of all tokens so far) mod 50, or eos after `reply_length` tokens.
class FakeFamily final : public models::Family {
 public:
  struct FakeState final : models::State {
    std::vector<std::int32_t> ids;
    std::int64_t length() const override { return static_cast<std::int64_t>(ids.size()); }
    void truncate(std::int64_t length) override { ids.resize(static_cast<std::size_t>(std::min(length, this->length()))); }
    std::unique_ptr<State> clone() const override { return std::make_unique<FakeState>(*this); }
  };

  struct FakeInput final : models::MediaInput {};
  struct FakeRows final : models::MediaRows {};

  FakeFamily() {
    info_.towers = {"vision", "text"};
    info_.context_length = 200;
    info_.vocab_size = 4096;  // more than the tokenizer has
    info_.placeholder(media::Kind::picture) = {"<image>", 6};
    info_.text_layers = 1;
  }

  const models::FamilyInfo& info() const override { return info_; }

  /// Takes recordings, too.
  void hear() { info_.placeholder(media::Kind::sound) = {"<global-img>", 5}; }

  models::MediaPlan plan(const media::Medium& medium) const override {
    if (media::kind_of(medium) == media::Kind::sound) return {"<global-img><global-img><global-img>", 3, 1};
    models::MediaPlan plan{"<fake_token_around_image><image><image><image><fake_token_around_image>", 3, 1};
    plan.seen_width = seen_width;
    plan.seen_height = seen_height;
    return plan;
  }

  std::shared_ptr<const models::MediaInput> preprocess(const media::Medium&) const override {
    ++preprocessed;
    return std::make_shared<FakeInput>();
  }

  std::vector<std::shared_ptr<const models::MediaRows>> encode(
      std::span<const std::shared_ptr<const models::MediaInput>> images, Run& run) const override {
    run.checkpoint();
    encoded += static_cast<int>(images.size());
    std::vector<std::shared_ptr<const models::MediaRows>> rows;
    for (std::size_t i = 0; i < images.size(); ++i) {
      auto one = std::make_shared<FakeRows>();
      one->rows = 3;
      one->bytes = 12;
      rows.push_back(one);
    }
    return rows;
  }

  std::unique_ptr<models::State> new_state() const override { return std::make_unique<FakeState>(); }

  void forward(const models::Sequence& sequence, models::State& state, std::span<float> logits, Run& run) const override {
    auto& own = dynamic_cast<FakeState&>(state);
    gate(run);
    if (const float value = 0.5f; run.wants("fake")) run.emit({"fake", {1}, &value});
    for (const models::MediaSpan& span : sequence.spans) {
      if (span.position + span.count > own.length() && sequence.media[span.item] == nullptr) ++rows_missing;
    }
    for (int i = 0; i < layers; ++i) {
      run.checkpoint();
      std::this_thread::sleep_for(std::chrono::microseconds(100));
      ++layers_run;
    }
    const std::size_t from = own.ids.size();
    computed += static_cast<int>(sequence.ids.size() - from);
    if (fail_at >= 0 && static_cast<int>(sequence.ids.size()) >= fail_at) throw std::bad_alloc();
    own.ids.assign(sequence.ids.begin(), sequence.ids.end());
    std::int64_t sum = 0;
    for (const std::int32_t id : own.ids) sum += id;
    std::fill(logits.begin(), logits.end(), 0.0f);
    const int step = ++steps_since_prompt(from, sequence);
    if (closing_) closed = true;
    if (!script.empty()) {
      const auto at = static_cast<std::size_t>(step - 1);
      logits[at < script.size() ? static_cast<std::size_t>(script[at]) : 3u] = 1.0f;
      return;
    }
    logits[step > reply_length ? 3u : static_cast<std::size_t>(100 + sum % 50)] = 1.0f;
  }

  /// Lets forward() wait until open() or cancel, to catch a session in the middle of an answer.
  void close() { closed = true; }
  void close_after_prefill() { closing_ = true; }
  void open() {
    closing_ = closed = false;
    opened_.notify_all();
  }

  mutable std::atomic<int> computed{0};
  mutable std::atomic<int> preprocessed{0};
  mutable std::atomic<int> encoded{0};
  mutable std::atomic<int> rows_missing{0};  ///< spans without the rows that their tokens need
  mutable std::atomic<int> waiting{0};
  mutable std::atomic<int> layers_run{0};
  mutable std::atomic<bool> closed{false};
  int layers = 0;
  int reply_length = 4;
  std::vector<std::int32_t> script;  ///< tokens of each reply, instead of the rule
  std::int64_t seen_width = 0;
  std::int64_t seen_height = 0;
  int fail_at = -1;

 private:
  void gate(Run& run) const {
    if (!closed) return;
    ++waiting;
    std::unique_lock lock(mutex_);
    while (closed && !run.cancelled()) opened_.wait_for(lock, std::chrono::milliseconds(1));
    --waiting;
    run.checkpoint();
  }

  int& steps_since_prompt(std::size_t from, const models::Sequence& sequence) const {
    if (sequence.ids.size() != from + 1) steps_ = 0;
    return steps_;
  }

  models::FamilyInfo info_;
  std::atomic<bool> closing_{false};
  mutable std::mutex mutex_;
  mutable std::condition_variable opened_;
  mutable int steps_ = 0;
};

/// An engine around a fake family, with the tokenizer and the template of the model that ships with lmm.
inline std::shared_ptr<session::Engine> fake_engine(std::shared_ptr<FakeFamily> family) {
  auto engine = std::make_shared<session::Engine>();
  engine->info.family = "fake";
  engine->info.context_length = family->info().context_length;
  engine->text = session::TextTools::load(LMM_POCKET_MODEL);
  engine->generation = generate::GenerationConfig::load(LMM_POCKET_MODEL);
  engine->family = std::move(family);
  engine->worker = std::make_unique<session::Worker>([] { return std::shared_ptr<void>(); });
  engine->probe_template();
  return engine;
}

}  // namespace lmm::test
