// Wrong use of a session, and sessions that end early: one clear line, nothing lost, the host lives on.

#include "tests/fault/support.hpp"

#include <atomic>
#include <thread>

using namespace lmm;
using namespace lmm::test;

namespace {

const Model& model() {
  static const Model loaded = Model::load(LMM_POCKET_MODEL);
  return loaded;
}

Image picture() { return Image::open(std::string(LMM_POCKET_MODEL) + "/../../pictures/burger.png"); }

}  // namespace

TEST_CASE("pictures that are none") {
  expect(error_of([] { Image::open("/no/such/picture.png"); }), ErrorCode::not_found, {"/no/such/picture.png"});
  expect(error_of([] { Image::from_memory("", 0); }), ErrorCode::bad_file, {});
  expect(error_of([] { Image::from_memory("hello, world", 12); }), ErrorCode::bad_file, {});
  expect(error_of([] { Image::from_memory(nullptr, 5); }), ErrorCode::invalid_argument, {});
  const std::uint8_t pixels[12] = {};
  expect(error_of([&] { Image::from_pixels({pixels, 12, 0, 2}); }), ErrorCode::invalid_argument, {"0"});
  expect(error_of([&] { Image::from_pixels({pixels, 12, 3, 2}); }), ErrorCode::invalid_argument, {"12", "9"});
  expect(error_of([&] { Image::from_pixels({pixels, 12, 2, 2, 5}); }), ErrorCode::invalid_argument, {"5", "6"});
  expect(error_of([&] { Image::from_pixels({pixels, SIZE_MAX, INT64_MAX, INT64_MAX}); }), ErrorCode::invalid_argument, {});
}

TEST_CASE("options that are out of range or contradict each other") {
  Session session(model());
  const auto refuse = [&](const GenerateOptions& options, const std::string& name) {
    expect(error_of([&] { session.ask("hello", options); }), ErrorCode::invalid_argument, {name});
  };
  refuse({.max_tokens = 0}, "max_tokens");
  refuse({.max_tokens = 2, .min_tokens = 3}, "min_tokens");
  refuse({.sample = false, .temperature = 0.5}, "temperature");
  refuse({.temperature = -1.0}, "temperature");
  refuse({.temperature = std::numeric_limits<double>::quiet_NaN()}, "temperature");
  refuse({.temperature = 1.0, .top_k = -1}, "top_k");
  refuse({.temperature = 1.0, .top_p = 1.5}, "top_p");
  refuse({.repetition_penalty = 0.0}, "repetition_penalty");
  refuse({.logit_bias = {{static_cast<std::int32_t>(model().info().vocab_size), 1.0}}}, "logit_bias");
  refuse({.stop = {""}}, "stop");
  expect(error_of([&] { session.ask(Message()); }), ErrorCode::invalid_argument, {"empty"});
  CHECK(session.history().empty());
  CHECK(session.ask("hello", {.max_tokens = 2}).usage.new_tokens > 0);
}

TEST_CASE("a prompt that is longer than the context says how many tokens of each") {
  Session session(model());
  expect(error_of([&] { session.ask({picture(), std::string(3000, 'x')}); }), ErrorCode::context_overflow,
         {"100 of them from pictures", std::to_string(model().info().context_length)});
  CHECK(session.history().empty());
  CHECK(error_of([&] { Session(model(), {.max_context = -1}); }).code() == ErrorCode::invalid_argument);
}

TEST_CASE("two threads on one session: one answers, the other is told") {
  Session session(model());
  Pending first = session.start({picture(), "What is this?"}, {.max_tokens = 100, .ignore_eos = true});
  int refused = 0;
  std::thread other([&] {
    try {
      session.ask("And this?");
    } catch (const Error& error) {
      refused = error.code() == ErrorCode::busy ? 1 : -1;
    }
  });
  other.join();
  CHECK(refused == 1);
  CHECK(first.get().usage.new_tokens == 100);
  CHECK(session.history().size() == 2);
}

TEST_CASE("cancel before, during and after an answer") {
  Session session(model());
  session.cancel();  // nothing runs: nothing happens
  {
    Pending pending = session.start({picture(), "What is this?"});
    pending.cancel();
    try {
      pending.get();
    } catch (const Error& error) {
      CHECK(error.code() == ErrorCode::cancelled);
    }
  }
  int pieces = 0;
  const Reply stopped = session.ask("Count.", {.max_tokens = 200, .ignore_eos = true},
                                    [&](std::string_view) { return ++pieces < 3; });
  CHECK(stopped.finish_reason == FinishReason::cancelled);
  CHECK(stopped.usage.new_tokens < 200);
  Pending done = session.start("What is this?", {.max_tokens = 2});
  while (done.poll() == Pending::State::running) std::this_thread::yield();
  done.cancel();
  CHECK(done.get().usage.new_tokens > 0);
  CHECK(error_of([&] { done.get(); }).code() == ErrorCode::invalid_argument);
}

TEST_CASE("a callback that throws ends the answer, and the session goes on") {
  Session session(model());
  CHECK_THROWS_WITH(session.ask("Count.", {.max_tokens = 200, .ignore_eos = true},
                                [](std::string_view) -> bool { throw std::runtime_error("the host's own"); }),
                    "the host's own");
  CHECK(session.ask("What is this?", {.max_tokens = 2}).usage.new_tokens > 0);
}

TEST_CASE("sessions and pending replies destroyed in the middle of an answer") {
  for (int i = 0; i < 20; ++i) {
    Session session(model());
    Pending pending = session.start({picture(), "What is this?"}, {.max_tokens = 200, .ignore_eos = true});
    if (i % 2 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(i));
    if (i % 3 == 0) session = Session(model());
  }
  Session session(model());
  CHECK(session.ask("What is this?", {.max_tokens = 2}).usage.new_tokens > 0);
}

TEST_CASE("many threads, a session each, one model") {
  const std::string expected = Session(model()).ask({picture(), "Name the object."}).text;
  std::atomic<int> right{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 6; ++i) {
    threads.emplace_back([&] {
      if (Session(model()).ask({picture(), "Name the object."}).text == expected) ++right;
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(right == 6);
}

TEST_CASE("taking back, editing and forking turns") {
  Session session(model(), {.system = "Be brief."});
  CHECK(!session.pop().has_value());
  CHECK(error_of([&] { session.edit_last("x"); }).code() == ErrorCode::invalid_argument);
  const Reply first = session.ask({picture(), "Name the object."});
  Session copy = session.fork();
  CHECK(copy.ask("And its colour?", {.max_tokens = 4}).usage.reused_tokens > 100);
  CHECK(session.history().size() == 3);
  const Reply again = session.edit_last({picture(), "Name the object."});
  CHECK(again.text == first.text);
  CHECK(again.usage.reused_tokens == again.usage.prompt_tokens - 1);
  CHECK(session.history().size() == 3);
  CHECK(session.pop().has_value());
  CHECK(session.history().size() == 1);
  session.reset();
  CHECK(session.history().size() == 1);
}

TEST_CASE("boxes come in the pixels of the picture given") {
  const Image fish = Image::open(std::string(LMM_POCKET_MODEL) + "/../../pictures/fish.png");
  const Reply reply = Session(model()).ask({fish, "Find the fish."});
  REQUIRE(reply.boxes.size() == 1);
  const Box& box = reply.boxes[0];
  CHECK(box.x0 >= 0);
  CHECK(box.x1 <= static_cast<double>(fish.width()));
  CHECK(box.x0 < box.x1);
  CHECK(box.y0 < box.y1);
  CHECK(Session(model()).ask("Find the fish.").boxes.empty());
}

TEST_CASE("progress is told through all stages, and cancels any of them") {
  for (const std::string stop_at : {"preprocess", "encode", "prefill", "never"}) {
    Session session(model());
    GenerateOptions options;
    options.max_tokens = 2;
    options.on_progress = [&](const Progress& progress) {
      CHECK(progress.done <= progress.total);
      return progress.stage != stop_at;
    };
    try {
      session.ask({picture(), "What is this?"}, options);
    } catch (const Error& error) {
      CHECK(error.code() == ErrorCode::cancelled);
    }
  }
}
