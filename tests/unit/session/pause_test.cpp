#include "lib/session/conversation.hpp"
#include "lib/session/job.hpp"
#include "tests/unit/session/fake_engine.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <thread>
#include <vector>

using namespace lmm;
using namespace std::chrono_literals;

namespace {

constexpr auto kAWhile = 20ms;

struct Fixture {
  std::shared_ptr<test::FakeFamily> family = std::make_shared<test::FakeFamily>();
  std::shared_ptr<session::Engine> engine = test::fake_engine(family);

  Fixture() { family->layers = 10; }

  std::shared_ptr<session::Job> start(bool paused) const {
    const auto conversation = std::make_shared<session::Conversation>(engine, SessionOptions{});
    GenerateOptions options;
    options.paused = paused;
    return conversation->start("one two three", options, [](std::vector<Turn>& turns) { turns.clear(); });
  }

  static Reply wait(session::Job& job) {
    std::unique_lock lock(job.mutex);
    job.changed.wait(lock, [&] { return job.ended; });
    if (job.error != nullptr) std::rethrow_exception(job.error);
    return job.reply;
  }

  /// Grants time until some layers have run, but not all of a forward pass.
  void stop_in_the_middle(session::Job& job) const {
    while (family->layers_run % family->layers == 0) job.run_for(300us);
    REQUIRE(!job.finished());
  }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "started paused, nothing runs before it is resumed") {
  const auto job = start(true);
  std::this_thread::sleep_for(kAWhile);
  CHECK(family->layers_run == 0);
  CHECK(!job->finished());
  job->resume();
  CHECK(wait(*job).finish_reason == FinishReason::eos);
}

TEST_CASE_FIXTURE(Fixture, "granted time bit by bit, the reply is the same") {
  const Reply plain = wait(*start(false));
  const auto job = start(true);
  int calls = 0;
  while (!job->finished()) {
    job->run_for(300us);
    const int computed = family->layers_run;
    if (++calls % 4 == 0) std::this_thread::sleep_for(1ms);
    CHECK(family->layers_run == computed);  // nothing runs outside the grants
  }
  CHECK(wait(*job).token_ids == plain.token_ids);
  CHECK(wait(*job).text == plain.text);
}

TEST_CASE_FIXTURE(Fixture, "a large grant ends with the reply") {
  const auto job = start(true);
  job->run_for(std::chrono::microseconds::max());
  CHECK(job->finished());
}

TEST_CASE_FIXTURE(Fixture, "a running reply is paused and resumed") {
  family->reply_length = 100000;
  const auto job = start(false);
  while (family->layers_run == 0) std::this_thread::yield();
  job->pause();
  job->run_for(1us);  // returns when the worker has let go of it
  const int computed = family->layers_run;
  std::this_thread::sleep_for(kAWhile);
  CHECK(family->layers_run == computed);
  job->resume();
  CHECK(wait(*job).finish_reason == FinishReason::length);
}

TEST_CASE_FIXTURE(Fixture, "while one reply is paused in the middle of a layer, others are made") {
  const auto paused = start(true);
  stop_in_the_middle(*paused);
  CHECK(wait(*start(false)).finish_reason == FinishReason::eos);
  CHECK(!paused->finished());
  paused->resume();
  CHECK(wait(*paused).finish_reason == FinishReason::eos);
}

TEST_CASE_FIXTURE(Fixture, "several stepped replies of one model all end") {
  const std::vector<std::shared_ptr<session::Job>> jobs = {start(true), start(true), start(true)};
  const auto one_left = [&] {
    return std::any_of(jobs.begin(), jobs.end(), [](const auto& job) { return !job->finished(); });
  };
  while (one_left()) {
    for (const auto& job : jobs) job->run_for(500us);
  }
  for (const auto& job : jobs) CHECK(wait(*job).finish_reason == FinishReason::eos);
}

TEST_CASE_FIXTURE(Fixture, "cancelled while it is paused, it ends at once") {
  const auto before = start(true);
  before->cancel();
  CHECK_THROWS_AS(wait(*before), Error);
  const auto middle = start(true);
  stop_in_the_middle(*middle);
  middle->cancel();
  std::unique_lock lock(middle->mutex);
  CHECK(middle->changed.wait_for(lock, 10s, [&] { return middle->ended; }));
}

TEST_CASE_FIXTURE(Fixture, "let go while it is paused in the middle of a layer, nothing is kept") {
  auto job = start(true);
  stop_in_the_middle(*job);
  job->cancel();
  job.reset();
  const std::weak_ptr<session::Engine> alive = engine;
  engine.reset();
  for (int i = 0; i < 2000 && !alive.expired(); ++i) std::this_thread::sleep_for(1ms);
  CHECK(alive.expired());
}
