#include "tests/capi/support.hpp"

#include <chrono>
#include <thread>

using namespace capi_test;

namespace {

Own<lmm_pending> start(lmm_session* session, const lmm_message* message,
                       const lmm_generate_options* options = nullptr) {
  Own<lmm_pending> pending;
  ok([&](lmm_error** e) { return lmm_session_start(session, message, options, &pending, e); });
  return pending;
}

/// Polls with a buffer of `capacity` bytes until the end; every piece is whole UTF-8 that fits.
std::string poll_to_end(lmm_pending* pending, std::size_t capacity, lmm_state expected = LMM_STATE_DONE) {
  std::string text;
  std::vector<char> buffer(capacity + 1, '#');
  lmm_state state = LMM_STATE_RUNNING;
  while (state == LMM_STATE_RUNNING) {
    std::size_t length = SIZE_MAX;
    ok([&](lmm_error** e) { return lmm_pending_poll(pending, buffer.data(), capacity, &length, &state, e); });
    REQUIRE(length <= capacity);
    CHECK(buffer[capacity] == '#');
    text.append(buffer.data(), length);
    if (length == 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  CHECK(state == expected);
  return text;
}

Own<lmm_reply> get(lmm_pending* pending) {
  Own<lmm_reply> reply;
  ok([&](lmm_error** e) { return lmm_pending_get(pending, &reply, e); });
  return reply;
}

}  // namespace

TEST_CASE("polled into a buffer of any size, a reply is the same") {
  const std::string expected = text_of(ask(new_session(), say("Name the object.", open_picture())));
  for (const std::size_t capacity : {4, 5, 4096}) {
    const Own<lmm_session> session = new_session();
    const Own<lmm_pending> pending = start(session, say("Name the object.", open_picture()));
    CHECK(poll_to_end(pending, capacity) == expected);
    CHECK(text_of(get(pending)) == expected);
    CHECK(turns_of(session) == 2);
  }
}

TEST_CASE("the end is told once the text was taken") {
  const Own<lmm_session> session = new_session();
  const Own<lmm_pending> pending = start(session, say("Name the object.", open_picture()));
  lmm_state state = LMM_STATE_RUNNING;
  while (state == LMM_STATE_RUNNING) {
    ok([&](lmm_error** e) { return lmm_pending_poll(pending, nullptr, 0, nullptr, &state, e); });
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  CHECK(state == LMM_STATE_DONE);
  char buffer[4];
  std::size_t length = 0;
  ok([&](lmm_error** e) { return lmm_pending_poll(pending, buffer, 4, &length, &state, e); });
  CHECK(length > 0);
  CHECK(state == LMM_STATE_RUNNING);
  poll_to_end(pending, 4);
}

TEST_CASE("polls that cannot be") {
  const Own<lmm_session> session = new_session();
  const Own<lmm_pending> pending = start(session, say("Hello."));
  char buffer[8] = {};
  std::size_t length = 77;
  lmm_state state = 77;
  const auto refused = [&](char* to, std::size_t capacity, std::size_t* written) {
    fails(LMM_ERROR_INVALID_ARGUMENT, {},
          [&](lmm_error** e) { return lmm_pending_poll(pending, to, capacity, written, &state, e); });
  };
  refused(buffer, 3, &length);
  refused(buffer, 0, &length);
  refused(nullptr, 8, &length);
  refused(buffer, 8, nullptr);
  CHECK(length == 77);
  CHECK(state == 77);
  get(pending);
}

TEST_CASE("a reply is taken once") {
  const Own<lmm_session> session = new_session();
  const Own<lmm_pending> pending = start(session, say("Hello."));
  CHECK(!text_of(get(pending)).empty());
  fails(LMM_ERROR_INVALID_ARGUMENT, {"taken"}, [&](lmm_error** e) {
    lmm_reply* reply = untouched<lmm_reply>();
    const lmm_code code = lmm_pending_get(pending, &reply, e);
    CHECK(reply == untouched<lmm_reply>());
    return code;
  });
  fails(LMM_ERROR_INVALID_ARGUMENT, {"taken"},
        [&](lmm_error** e) { return lmm_pending_poll(pending, nullptr, 0, nullptr, nullptr, e); });
  lmm_pending_cancel(pending);
}

TEST_CASE("what fails is told by the poll, and why by get") {
  const Own<lmm_session> session = new_session();
  const Own<lmm_pending> pending = start(session, say(std::string(3000, 'x').c_str()));
  poll_to_end(pending, 100, LMM_STATE_FAILED);
  Own<lmm_error> error;
  Own<lmm_reply> reply;
  CHECK(lmm_pending_get(pending, &reply, &error) == LMM_ERROR_CONTEXT_OVERFLOW);
  CHECK(reply == nullptr);
}

TEST_CASE("cancelled, a reply ends soon") {
  const Own<lmm_session> session = new_session();
  const Own<lmm_pending> pending = start(session, say("Count."), new_options(240, true));
  lmm_pending_cancel(pending);
  lmm_pending_cancel(pending);
  Own<lmm_error> error;
  Own<lmm_reply> reply;
  const lmm_code code = lmm_pending_get(pending, &reply, &error);
  if (code == LMM_OK) {
    CHECK(lmm_reply_new_tokens(reply) < 240);
  } else {
    CHECK(code == LMM_ERROR_CANCELLED);
    CHECK(turns_of(session) == 0);
  }
}

TEST_CASE("progress") {
  const Own<lmm_session> session = new_session();
  const Own<lmm_generate_options> options = new_options(4);
  ok([&](lmm_error** e) { return lmm_generate_options_set_paused(options, LMM_TRUE, e); });
  const Own<lmm_pending> pending = start(session, say("Name the object.", open_picture()), options);
  const char* stage = nullptr;
  int64_t done = -1;
  int64_t total = -1;
  ok([&](lmm_error** e) { return lmm_pending_progress(pending, &stage, &done, &total, e); });
  CHECK(std::string(stage).empty());
  CHECK(total == 0);
  bool seen = false;
  lmm_state state = LMM_STATE_RUNNING;
  while (state == LMM_STATE_RUNNING) {
    ok([&](lmm_error** e) { return lmm_pending_step(pending, 500, &state, e); });
    ok([&](lmm_error** e) { return lmm_pending_progress(pending, &stage, &done, &total, e); });
    seen = seen || (total > 0 && done > 0 && done <= total);
  }
  CHECK(seen);
  ok([&](lmm_error** e) { return lmm_pending_progress(pending, nullptr, nullptr, nullptr, e); });
}

TEST_CASE("a reply that starts paused runs when it is stepped or resumed") {
  const std::string expected = text_of(ask(new_session(), say("Name the object.", open_picture())));
  const Own<lmm_session> session = new_session();
  const Own<lmm_generate_options> options = new_options(32);
  ok([&](lmm_error** e) { return lmm_generate_options_set_paused(options, LMM_TRUE, e); });
  const Own<lmm_pending> pending = start(session, say("Name the object.", open_picture()), options);
  std::string text;
  int steps = 0;
  lmm_state state = LMM_STATE_RUNNING;
  while (state == LMM_STATE_RUNNING) {
    ok([&](lmm_error** e) { return lmm_pending_step(pending, 4000, nullptr, e); });
    char buffer[64];
    std::size_t length = 0;
    ok([&](lmm_error** e) { return lmm_pending_poll(pending, buffer, sizeof buffer, &length, &state, e); });
    text.append(buffer, length);
    ++steps;
  }
  CHECK(state == LMM_STATE_DONE);
  CHECK(steps > 1);
  CHECK(text == expected);
  CHECK(text_of(get(pending)) == expected);

  const Own<lmm_pending> resumed = start(session, say("Which mood is this?"), options);
  for (const int64_t budget : {int64_t{0}, int64_t{-1}, INT64_MIN}) {
    fails(LMM_ERROR_INVALID_ARGUMENT, {"budget"},
          [&](lmm_error** e) { return lmm_pending_step(resumed, budget, nullptr, e); });
  }
  lmm_pending_resume(resumed);
  lmm_pending_pause(resumed);
  lmm_pending_resume(resumed);
  CHECK(!poll_to_end(resumed, 64).empty());
}

TEST_CASE("a huge budget is as good as none") {
  const Own<lmm_session> session = new_session();
  const Own<lmm_generate_options> options = new_options(4);
  ok([&](lmm_error** e) { return lmm_generate_options_set_paused(options, LMM_TRUE, e); });
  const Own<lmm_pending> pending = start(session, say("Hello."), options);
  lmm_state state = LMM_STATE_RUNNING;
  ok([&](lmm_error** e) { return lmm_pending_step(pending, INT64_MAX, &state, e); });
  CHECK(state == LMM_STATE_DONE);
}

TEST_CASE("waiting for a paused reply resumes it") {
  const Own<lmm_session> session = new_session();
  const Own<lmm_generate_options> options = new_options(4);
  ok([&](lmm_error** e) { return lmm_generate_options_set_paused(options, LMM_TRUE, e); });
  const Own<lmm_pending> pending = start(session, say("Hello."), options);
  CHECK(lmm_reply_new_tokens(get(pending)) > 0);
}

TEST_CASE("no pending reply") {
  lmm_pending_cancel(nullptr);
  lmm_pending_pause(nullptr);
  lmm_pending_resume(nullptr);
  lmm_pending_free(nullptr);
}
