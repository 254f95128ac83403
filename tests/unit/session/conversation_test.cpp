#include "lib/session/conversation.hpp"

#include "lib/session/job.hpp"
#include "tests/unit/session/fake_engine.hpp"

#include <doctest/doctest.h>

#include <thread>

using namespace lmm;

namespace {

struct Fixture {
  std::shared_ptr<test::FakeFamily> family = std::make_shared<test::FakeFamily>();
  std::shared_ptr<session::Engine> engine = test::fake_engine(family);
  std::shared_ptr<session::Conversation> conversation = std::make_shared<session::Conversation>(engine, SessionOptions{});

  std::shared_ptr<session::Job> start(const Message& message, const GenerateOptions& options = {}) {
    return conversation->start(message, options);
  }

  static void wait(session::Job& job) {
    std::unique_lock lock(job.mutex);
    job.changed.wait(lock, [&] { return job.ended; });
  }

  Reply ask(const Message& message, const GenerateOptions& options = {}) {
    const auto job = start(message, options);
    wait(*job);
    if (job->error != nullptr) std::rethrow_exception(job->error);
    return job->reply;
  }

  void wait_until_inside() const {
    while (family->waiting == 0) std::this_thread::yield();
  }
};

Image picture(std::uint8_t shade) {
  const std::vector<std::uint8_t> pixels(4 * 4 * 3, shade);
  return Image::from_pixels({pixels.data(), pixels.size(), 4, 4});
}

Audio recording(float loudness) {
  const std::vector<float> wave(1600, loudness);
  return Audio::from_samples({wave.data(), wave.size() * sizeof(float), 16000});
}

ErrorCode code_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.code();
  }
  FAIL("no error");
  return ErrorCode::internal;
}

}  // namespace

TEST_CASE_FIXTURE(Fixture, "a second turn computes only what is new") {
  const Reply first = ask("one two three");
  CHECK(first.finish_reason == FinishReason::eos);
  CHECK(first.usage.new_tokens == 5);
  CHECK(first.usage.reused_tokens == 0);
  const int before = family->computed;
  const Reply second = ask("four");
  CHECK(second.usage.reused_tokens > first.usage.prompt_tokens - 1);
  CHECK(family->computed - before == second.usage.prompt_tokens - second.usage.reused_tokens + second.usage.new_tokens - 1);
  CHECK(conversation->turns().size() == 4);
}

TEST_CASE_FIXTURE(Fixture, "reuse changes no answer") {
  const Reply first = ask("one two three");
  const Reply second = ask("four");
  Fixture fresh;
  fresh.conversation->edit([&](std::vector<Turn>& turns) { turns = {conversation->turns()[0], conversation->turns()[1]}; });
  const Reply again = fresh.ask("four");
  CHECK(again.usage.reused_tokens == 0);
  CHECK(again.token_ids == second.token_ids);
  CHECK(again.text == second.text);
}

TEST_CASE_FIXTURE(Fixture, "a picture is encoded once") {
  ask({picture(1), "what is this?"});
  CHECK(family->encoded == 1);
  ask("and its colour?");
  CHECK(family->preprocessed == 1);
  CHECK(family->encoded == 1);
  conversation->edit([](std::vector<Turn>& turns) { turns.clear(); });
  ask({picture(1), "something else about it"});
  CHECK(family->encoded == 1);
  ask({picture(2), "another"});
  CHECK(family->encoded == 2);
}

TEST_CASE_FIXTURE(Fixture, "the same picture twice in one message is encoded once") {
  const Reply both = ask({picture(1), "and", picture(1), picture(2), "differ?"});
  CHECK(both.usage.image_tokens == 9);
  CHECK(family->preprocessed == 2);
  CHECK(family->encoded == 2);
  CHECK(family->rows_missing == 0);
}

TEST_CASE_FIXTURE(Fixture, "an observer sees each picture, equal ones too") {
  GenerateOptions options;
  options.taps = "*";
  options.on_tap = [](const Tap&) { return true; };
  ask({picture(1), picture(1), "what is this?"}, options);
  CHECK(family->encoded == 2);
}

TEST_CASE_FIXTURE(Fixture, "a recording is encoded once, in one message and in later ones") {
  family->hear();
  ask({recording(1), "and", recording(1), "?"}, {.raw = true});
  CHECK(family->encoded == 1);
  conversation->edit([](std::vector<Turn>& turns) { turns.clear(); });
  ask({"something else", recording(1)}, {.raw = true});
  CHECK(family->encoded == 1);
  ask({recording(2), "another"}, {.raw = true});
  CHECK(family->encoded == 2);
  CHECK(family->rows_missing == 0);
}

TEST_CASE_FIXTURE(Fixture, "another picture under the same words is not taken for the first") {
  const Reply first = ask({picture(1), "what is this?"});
  conversation->edit([](std::vector<Turn>& turns) { turns.clear(); });
  const Reply second = ask({picture(2), "what is this?"});
  CHECK(second.usage.reused_tokens < first.usage.prompt_tokens - 3);
}

TEST_CASE_FIXTURE(Fixture, "pictures must find their placeholders") {
  CHECK(ask({picture(1), "x <image> y"}, {.raw = true}).usage.image_tokens == 3);
  CHECK(ask({"x", picture(1), "y"}, {.raw = true}).usage.image_tokens == 3);
  CHECK(code_of([&] { ask({picture(1), picture(2), "x <image> y"}, {.raw = true}); }) == ErrorCode::invalid_argument);
  // In a chat the user's own "<image>" is text, not a placeholder.
  CHECK(ask({picture(1), "what does <image> mean?"}).usage.image_tokens == 3);
  CHECK(ask("what does <image> mean?").usage.prompt_tokens > 0);
}

TEST_CASE_FIXTURE(Fixture, "a session answers one question at a time") {
  family->close();
  const auto job = start("one");
  wait_until_inside();
  CHECK(code_of([&] { start("two"); }) == ErrorCode::busy);
  CHECK(code_of([&] { conversation->edit([](std::vector<Turn>& turns) { turns.clear(); }); }) == ErrorCode::busy);
  CHECK(code_of([&] { conversation->fork(); }) == ErrorCode::busy);
  family->open();
  wait(*job);
  CHECK(job->error == nullptr);
  CHECK(conversation->turns().size() == 2);
}

TEST_CASE_FIXTURE(Fixture, "cancelled before the first token, nothing has happened") {
  ask("one");
  const auto turns = conversation->turns().size();
  family->close();
  const auto job = start("two");
  wait_until_inside();
  job->run.cancel();
  wait(*job);
  REQUIRE(job->error != nullptr);
  CHECK(code_of([&] { std::rethrow_exception(job->error); }) == ErrorCode::cancelled);
  CHECK(conversation->turns().size() == turns);
  family->open();
  CHECK(ask("two").finish_reason == FinishReason::eos);
}

TEST_CASE_FIXTURE(Fixture, "a new question right after a cancel waits for nothing else") {
  family->close();
  const auto first = start("one");
  wait_until_inside();
  first->run.cancel();
  const auto second = start("two");
  family->open();
  wait(*second);
  CHECK(second->error == nullptr);
  CHECK(first->finished());
  CHECK(conversation->turns().size() == 2);
}

TEST_CASE_FIXTURE(Fixture, "cancelled in the middle, the text so far stays") {
  family->reply_length = 100000;
  GenerateOptions options;
  options.max_tokens = 1000;
  const auto job = start("one", options);
  {
    std::unique_lock lock(job->mutex);
    job->changed.wait(lock, [&] { return !job->fresh_text.empty(); });
  }
  job->run.cancel();
  wait(*job);
  REQUIRE(job->error == nullptr);
  CHECK((job->reply.finish_reason == FinishReason::cancelled || job->reply.finish_reason == FinishReason::length));
  CHECK(!job->reply.text.empty());
  CHECK(conversation->turns().size() == 2);
}

TEST_CASE_FIXTURE(Fixture, "a cancelled reply that has not ended comes into no later history") {
  ask("zero");
  const auto cancelled_inside_its_second_token = [&] {
    const auto job = start("one");
    {
      std::unique_lock lock(job->mutex);
      job->changed.wait(lock, [&] { return !job->fresh_text.empty(); });
    }
    wait_until_inside();
    job->run.cancel();
    return job;
  };
  const auto ended = [&](const std::shared_ptr<session::Job>& job) {
    family->open();
    wait(*job);
    family->close_after_prefill();
  };
  family->close_after_prefill();
  auto job = cancelled_inside_its_second_token();
  conversation->edit([](std::vector<Turn>& turns) { turns.clear(); });
  ended(job);
  CHECK(job->reply.finish_reason == FinishReason::cancelled);
  CHECK(conversation->turns().empty());

  job = cancelled_inside_its_second_token();  // a fork waits for it, and both have it
  std::thread opener([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    family->open();
  });
  const auto copy = conversation->fork();
  opener.join();
  wait(*job);
  CHECK(conversation->turns().size() == 2);
  CHECK(copy->turns().size() == 2);
}

TEST_CASE_FIXTURE(Fixture, "the context bounds prompt and reply") {
  family->reply_length = 100000;
  const Reply reply = ask("one", {.max_tokens = 100000});
  CHECK(reply.finish_reason == FinishReason::length);
  CHECK(reply.usage.prompt_tokens + reply.usage.new_tokens == 200);
  try {
    ask(std::string(2000, 'q'));
    FAIL("no error");
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::context_overflow);
    CHECK(std::string(error.what()).find("200") != std::string::npos);
  }
  CHECK(conversation->turns().size() == 2);
}

TEST_CASE_FIXTURE(Fixture, "running out of memory is an error, and the session goes on") {
  ask("one");
  family->fail_at = 1;
  CHECK(code_of([&] { ask("two"); }) == ErrorCode::out_of_memory);
  family->fail_at = -1;
  CHECK(conversation->turns().size() == 2);
  CHECK(ask("two").finish_reason == FinishReason::eos);
}

TEST_CASE_FIXTURE(Fixture, "a fork goes on by itself") {
  ask("one two three");
  const auto copy = conversation->fork();
  const auto job = copy->start("four", {});
  wait(*job);
  CHECK(job->reply.usage.reused_tokens > 0);
  CHECK(copy->turns().size() == 4);
  CHECK(conversation->turns().size() == 2);
}

TEST_CASE_FIXTURE(Fixture, "two sessions advance in turn") {
  auto other = std::make_shared<session::Conversation>(engine, SessionOptions{});
  const auto first = start("one");
  const auto second = other->start("two", {});
  wait(*first);
  wait(*second);
  CHECK(first->error == nullptr);
  CHECK(second->error == nullptr);
}

TEST_CASE_FIXTURE(Fixture, "everything let go in the middle of an answer") {
  family->close();
  auto job = start("one");
  wait_until_inside();
  job->run.cancel();
  job.reset();
  conversation.reset();
  std::weak_ptr<session::Engine> engine_alive = engine;
  engine.reset();
  family->open();
  for (int i = 0; i < 2000 && !engine_alive.expired(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  CHECK(engine_alive.expired());
}

TEST_CASE_FIXTURE(Fixture, "options that are no JSON are refused at once") {
  SessionOptions options;
  options.template_variables = "[1]";
  CHECK(code_of([&] { session::Conversation(engine, options); }) == ErrorCode::invalid_argument);
  options.template_variables = "{";
  CHECK(code_of([&] { session::Conversation(engine, options); }) == ErrorCode::invalid_argument);
  options.template_variables.clear();
  options.tools = "{}";
  CHECK(code_of([&] { session::Conversation(engine, options); }) == ErrorCode::invalid_argument);
}
