// Callbacks: taps and progress, stopping, throwing, calling back, and when what they were given is released.

#include "tests/capi/support.hpp"

#include <chrono>
#include <set>
#include <stdexcept>
#include <thread>

using namespace capi_test;

namespace {

/// Waits for what the worker does a moment later.
bool soon(const std::function<bool()>& done) {
  for (int i = 0; i < 5000 && !done(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  return done();
}

lmm_code ask_code(lmm_session* session, const lmm_message* message, const lmm_generate_options* options,
                  lmm_on_piece on_piece, void* user, Own<lmm_reply>& reply) {
  Own<lmm_error> error;
  const lmm_code code = lmm_session_ask(session, message, options, on_piece, user, &reply, &error);
  CHECK((code == LMM_OK) == (error == nullptr));
  return code;
}

void set_on_progress(lmm_generate_options* options, lmm_on_progress on_progress, void* user = nullptr) {
  ok([&](lmm_error** e) { return lmm_generate_options_set_on_progress(options, on_progress, user, nullptr, e); });
}

void set_on_tap(lmm_generate_options* options, const char* glob, lmm_on_tap on_tap, void* user = nullptr,
                lmm_release release = nullptr) {
  ok([&](lmm_error** e) {
    return lmm_generate_options_set_on_tap(options, glob, LMM_STRLEN, on_tap, user, release, e);
  });
}

}  // namespace

TEST_CASE("taps show the intermediates whose name matches") {
  struct Seen {
    std::set<std::string> names;
    bool shapes_fit = true;
  } seen;
  const Own<lmm_generate_options> options = new_options(2);
  set_on_tap(
      options, "vision.*",
      [](void* user, const char* name, std::size_t name_length, const int64_t* shape, std::size_t rank,
         const float* data) -> int32_t {
        auto& saw = *static_cast<Seen*>(user);
        saw.names.emplace(name, name_length);
        if (rank == 0 || shape[0] <= 0 || data == nullptr || name[name_length] != '\0') saw.shapes_fit = false;
        return LMM_GO_ON;
      },
      &seen);
  ask(new_session(), say("Name the object.", open_picture()), options);
  CHECK(seen.names.size() > 3);
  CHECK(seen.shapes_fit);
  for (const std::string& name : seen.names) CHECK(name.starts_with("vision."));
  seen.names.clear();
  set_on_tap(options, nullptr, nullptr);
  ask(new_session(), say("Name the object.", open_picture()), options);
  CHECK(seen.names.empty());
  fails(LMM_ERROR_INVALID_ARGUMENT, {"glob"}, [&](lmm_error** e) {
    return lmm_generate_options_set_on_tap(
        options, "", 0,
        [](void*, const char*, std::size_t, const int64_t*, std::size_t, const float*) -> int32_t { return LMM_GO_ON; },
        nullptr, nullptr, e);
  });
}

TEST_CASE("a tap that stops, or throws, cancels the reply") {
  const Own<lmm_session> session = new_session();
  const Own<lmm_generate_options> options = new_options(2);
  Own<lmm_reply> reply;
  set_on_tap(options, "*", [](void*, const char*, std::size_t, const int64_t*, std::size_t, const float*) -> int32_t {
    return LMM_STOP;
  });
  CHECK(ask_code(session, say("Hello."), options, nullptr, nullptr, reply) == LMM_ERROR_CANCELLED);
  set_on_tap(options, "*",
             [](void*, const char*, std::size_t, const int64_t*, std::size_t, const float*) -> int32_t { throw 7; });
  CHECK(ask_code(session, say("Hello."), options, nullptr, nullptr, reply) == LMM_ERROR_CANCELLED);
  CHECK(turns_of(session) == 0);
  CHECK(lmm_reply_new_tokens(ask(session, say("Hello."))) > 0);
}

TEST_CASE("progress is told through all stages, and cancels any of them") {
  struct Seen {
    std::string stop_at;
    std::set<std::string> stages;
  };
  const lmm_on_progress on_progress = [](void* user, const char* stage, int64_t done, int64_t total) -> int32_t {
    auto& saw = *static_cast<Seen*>(user);
    CHECK(done <= total);
    saw.stages.insert(stage);
    return saw.stop_at == stage ? LMM_STOP : LMM_GO_ON;
  };
  for (const std::string stop_at : {"encode", "prefill", "never"}) {
    Seen seen{stop_at, {}};
    const Own<lmm_session> session = new_session();
    const Own<lmm_generate_options> options = new_options(2);
    set_on_progress(options, on_progress, &seen);
    Own<lmm_reply> reply;
    const lmm_code code = ask_code(session, say("Name the object.", open_picture()), options, nullptr, nullptr, reply);
    if (code != LMM_OK) {
      CHECK(code == LMM_ERROR_CANCELLED);
      CHECK(turns_of(session) == 0);
    }
    CHECK((code == LMM_OK || seen.stages.contains(stop_at)));
  }
}

TEST_CASE("a piece that is answered with LMM_STOP ends the reply, and both turns stay") {
  const Own<lmm_session> session = new_session();
  int pieces = 0;
  const lmm_on_piece third = [](void* user, const char*, std::size_t) -> int32_t {
    return ++*static_cast<int*>(user) < 3;
  };
  const Own<lmm_reply> reply = ask(session, say("Count."), new_options(200, true), third, &pieces);
  CHECK(pieces == 3);
  CHECK(lmm_reply_finish_reason(reply) == LMM_FINISH_CANCELLED);
  CHECK(lmm_reply_new_tokens(reply) < 200);
  CHECK(turns_of(session) == 2);
}

TEST_CASE("no exception of a callback gets across") {
  const Own<lmm_session> session = new_session();
  const Own<lmm_reply> stopped =
      ask(session, say("Count."), new_options(200, true),
          [](void*, const char*, std::size_t) -> int32_t { throw std::runtime_error("the host's own"); });
  CHECK(lmm_reply_finish_reason(stopped) == LMM_FINISH_CANCELLED);

  const Own<lmm_generate_options> options = new_options(2);
  set_on_progress(options, [](void*, const char*, int64_t, int64_t) -> int32_t { throw std::bad_alloc(); });
  Own<lmm_reply> reply;
  const lmm_code code = ask_code(session, say("Name the object.", open_picture()), options, nullptr, nullptr, reply);
  CHECK((code == LMM_ERROR_CANCELLED || code == LMM_OK));  // OK: it was done before anything was to be told
  const Own<lmm_generate_options> releasing = new_options(2);
  ok([&](lmm_error** e) {
    return lmm_generate_options_set_on_progress(
        releasing, [](void*, const char*, int64_t, int64_t) -> int32_t { return LMM_GO_ON; }, nullptr,
        [](void*) { throw 1; }, e);
  });
  ok([&](lmm_error** e) { return lmm_generate_options_set_on_progress(releasing, nullptr, nullptr, nullptr, e); });
}

TEST_CASE("a callback that calls its own session gets busy, and may read and cancel") {
  struct Host {
    lmm_session* session;
    lmm_message* message;
    int calls = 0;
  };
  const Own<lmm_session> session = new_session();
  const Own<lmm_message> message = say("Hello.");
  Host host{session, message};
  const lmm_on_piece on_piece = [](void* user, const char*, std::size_t) -> int32_t {
    auto& me = *static_cast<Host*>(user);
    ++me.calls;
    Own<lmm_reply> reply;
    Own<lmm_pending> pending;
    Own<lmm_session> copy;
    Own<lmm_history> history;
    CHECK(lmm_session_ask(me.session, me.message, nullptr, nullptr, nullptr, &reply, nullptr) == LMM_ERROR_BUSY);
    CHECK(lmm_session_edit_last(me.session, me.message, nullptr, nullptr, nullptr, &reply, nullptr) == LMM_ERROR_BUSY);
    CHECK(lmm_session_start(me.session, me.message, nullptr, &pending, nullptr) == LMM_ERROR_BUSY);
    CHECK(lmm_session_fork(me.session, &copy, nullptr) == LMM_ERROR_BUSY);
    CHECK(lmm_session_pop(me.session, nullptr, nullptr) == LMM_ERROR_BUSY);
    CHECK(lmm_session_reset(me.session, nullptr) == LMM_ERROR_BUSY);
    CHECK(lmm_session_history(me.session, &history, nullptr) == LMM_OK);
    CHECK(lmm_session_set_history(me.session, history, nullptr) == LMM_ERROR_BUSY);
    // Another session of the same model is free.
    const Own<lmm_session> other = new_session();
    CHECK(lmm_session_ask(other, me.message, new_options(2), nullptr, nullptr, &reply, nullptr) == LMM_OK);
    lmm_session_cancel(me.session);
    return LMM_GO_ON;
  };
  const Own<lmm_reply> reply = ask(session, message, new_options(100, true), on_piece, &host);
  CHECK(host.calls == 1);
  CHECK(lmm_reply_finish_reason(reply) == LMM_FINISH_CANCELLED);
  CHECK(lmm_reply_new_tokens(ask(session, message)) > 0);
}

TEST_CASE("a tap that waits for the worker gets busy instead of waiting for itself") {
  struct Host {
    lmm_session* other;
    lmm_message* message;
    std::set<lmm_code> codes;
    int pictures = 0;
  };
  const Own<lmm_session> other = new_session();
  const Own<lmm_message> message = say("Hello.");
  Host host{other, message, {}, 0};
  const Own<lmm_generate_options> options = new_options(1);
  set_on_tap(
      options, "*",
      [](void* user, const char*, std::size_t, const int64_t*, std::size_t, const float*) -> int32_t {
        auto& me = *static_cast<Host*>(user);
        Own<lmm_reply> reply;
        Own<lmm_session> copy;
        Own<lmm_model> loaded;
        Own<lmm_image> image;
        me.codes.insert(lmm_session_ask(me.other, me.message, nullptr, nullptr, nullptr, &reply, nullptr));
        me.codes.insert(lmm_session_edit_last(me.other, me.message, nullptr, nullptr, nullptr, &reply, nullptr));
        me.codes.insert(lmm_session_fork(me.other, &copy, nullptr));
        me.codes.insert(lmm_model_load(nullptr, LMM_POCKET_MODEL, LMM_STRLEN, nullptr, &loaded, nullptr));
        if (me.pictures == 0 && lmm_image_open(nullptr, picture_file().c_str(), LMM_STRLEN, &image, nullptr) == LMM_OK)
          ++me.pictures;
        return LMM_GO_ON;
      },
      &host);
  ask(new_session(), say("Hello."), options);
  CHECK(host.codes == std::set<lmm_code>{LMM_ERROR_BUSY});
  CHECK(host.pictures == 1);
}

TEST_CASE("what a kept callback was given is released once, when nothing can call it any more") {
  std::atomic<int> released{0};
  std::atomic<int> taps{0};
  struct Counts {
    std::atomic<int>* released;
    std::atomic<int>* taps;
  } counts{&released, &taps};
  const lmm_release release = [](void* user) { ++*static_cast<Counts*>(user)->released; };
  const lmm_on_tap on_tap = [](void* user, const char*, std::size_t, const int64_t*, std::size_t,
                               const float*) -> int32_t {
    CHECK(*static_cast<Counts*>(user)->released == 0);
    ++*static_cast<Counts*>(user)->taps;
    return LMM_GO_ON;
  };
  Own<lmm_generate_options> options = new_options(200, true);
  set_on_tap(options, "*", on_tap, &counts, release);
  Own<lmm_session> session = new_session();
  Own<lmm_pending> pending;
  ok([&](lmm_error** e) { return lmm_session_start(session, say("Count."), options, &pending, e); });
  CHECK(soon([&] { return taps > 5; }));
  options.reset();
  CHECK(released == 0);
  pending.reset();  // in the middle of the answer
  session.reset();
  CHECK(soon([&] { return released == 1; }));

  // A setter that fails takes nothing over.
  int own = 0;
  const Own<lmm_generate_options> other = new_options(2);
  CHECK(lmm_generate_options_set_on_tap(
            other, "\xFF", 1, on_tap, &own, [](void* user) { ++*static_cast<int*>(user); }, nullptr) ==
        LMM_ERROR_INVALID_ARGUMENT);
  CHECK(own == 0);
}
