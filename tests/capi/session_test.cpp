#include "tests/capi/support.hpp"

#include <thread>

using namespace capi_test;

namespace {

std::vector<std::string> roles_of(const lmm_session* session) {
  Own<lmm_history> history;
  ok([&](lmm_error** e) { return lmm_session_history(session, &history, e); });
  std::vector<std::string> roles;
  for (std::size_t i = 0; i < lmm_history_count(history); ++i)
    roles.emplace_back(lmm_history_role(history, i, nullptr));
  return roles;
}

}  // namespace

TEST_CASE("a question about a picture, piece by piece, and a further one") {
  Own<lmm_model> fresh;  // has seen no picture yet
  ok([&](lmm_error** e) { return lmm_model_load(nullptr, LMM_POCKET_MODEL, LMM_STRLEN, nullptr, &fresh, e); });
  const Own<lmm_session> session = new_session(fresh);
  std::string streamed;
  const lmm_on_piece on_piece = [](void* user, const char* piece, std::size_t length) -> int32_t {
    CHECK(piece[length] == '\0');
    static_cast<std::string*>(user)->append(piece, length);
    return LMM_GO_ON;
  };
  const Own<lmm_reply> first = ask(session, say("Name the object.", open_picture()), nullptr, on_piece, &streamed);
  CHECK(text_of(first).find("burger") != std::string::npos);
  CHECK(streamed == text_of(first));
  CHECK(lmm_reply_finish_reason(first) == LMM_FINISH_EOS);
  CHECK(lmm_reply_prompt_tokens(first) > lmm_reply_image_tokens(first));
  CHECK(lmm_reply_image_tokens(first) == 100);
  CHECK(lmm_reply_image_tiles(first) == 1);
  CHECK(lmm_reply_reused_tokens(first) == 0);
  std::size_t count = 0;
  CHECK(lmm_reply_token_ids(first, &count) != nullptr);
  CHECK(lmm_reply_new_tokens(first) == static_cast<int64_t>(count));
  CHECK(lmm_reply_load_seconds(first) > 0);
  CHECK(lmm_reply_preprocess_seconds(first) > 0);
  CHECK(lmm_reply_encode_seconds(first) > 0);
  CHECK(lmm_reply_prefill_seconds(first) > 0);
  CHECK(lmm_reply_decode_seconds(first) > 0);
  CHECK(lmm_reply_seconds_per_token(first) > 0);
  const Own<lmm_reply> second = ask(session, say("Which mood is this?"));
  CHECK(lmm_reply_reused_tokens(second) > 100);
  CHECK(roles_of(session) == std::vector<std::string>{"user", "assistant", "user", "assistant"});
}

TEST_CASE("boxes come in the pixels of the picture given") {
  const Own<lmm_image> fish = open_picture("fish.png");
  const Own<lmm_reply> reply = ask(new_session(), say("Find the fish.", fish));
  REQUIRE(lmm_reply_box_count(reply) == 1);
  double box[4] = {-1, -1, -1, -1};
  std::size_t image = 9;
  std::size_t length = 9;
  REQUIRE(lmm_reply_box(reply, 0, box, &image));
  CHECK(image == 0);
  CHECK(box[0] >= 0);
  CHECK(box[0] < box[2]);
  CHECK(box[1] < box[3]);
  CHECK(box[2] <= static_cast<double>(lmm_image_width(fish)));
  CHECK(std::strlen(lmm_reply_box_label(reply, 0, &length)) == length);
  CHECK(lmm_reply_box(reply, 0, nullptr, nullptr));
  image = 9;
  CHECK(!lmm_reply_box(reply, 1, box, &image));
  CHECK(image == 9);
  CHECK(lmm_reply_box_label(reply, 1, &length) == nullptr);
  CHECK(length == 0);
  CHECK(lmm_reply_point_count(reply) == 0);
  CHECK(!lmm_reply_point(reply, 0, box, &image));
  CHECK(lmm_reply_point_label(reply, 0, nullptr) == nullptr);
}

TEST_CASE("a history that is kept by the host and put back") {
  const Own<lmm_session> session = new_session();
  ask(session, say("Name the object.", open_picture()));
  const std::string expected = text_of(ask(session, say("Which mood is this?")));
  Own<lmm_history> history;
  ok([&](lmm_error** e) { return lmm_session_history(session, &history, e); });
  REQUIRE(lmm_history_count(history) == 4);
  CHECK(lmm_message_kind(lmm_history_message(history, 0), 0) == LMM_PART_IMAGE);

  Own<lmm_history> half;
  ok([&](lmm_error** e) { return lmm_history_create(nullptr, &half, e); });
  for (std::size_t i = 0; i < 2; ++i) {
    ok([&](lmm_error** e) {
      return lmm_history_add(half, lmm_history_role(history, i, nullptr), LMM_STRLEN, lmm_history_message(history, i),
                             e);
    });
  }
  const Own<lmm_session> other = new_session();
  ok([&](lmm_error** e) { return lmm_session_set_history(other, half, e); });
  half.reset();
  history.reset();
  CHECK(text_of(ask(other, say("Which mood is this?"))) == expected);
  CHECK(turns_of(other) == 4);
}

TEST_CASE("taking back, replacing and forgetting turns") {
  const Own<lmm_session> session = new_session();
  Own<lmm_message> none;
  ok([&](lmm_error** e) { return lmm_session_pop(session, &none, e); });
  CHECK(none == nullptr);
  fails(LMM_ERROR_INVALID_ARGUMENT, {"no user turn"}, [&](lmm_error** e) {
    Own<lmm_reply> reply;
    return lmm_session_edit_last(session, say("x"), nullptr, nullptr, nullptr, &reply, e);
  });
  const std::string first = text_of(ask(session, say("Name the object.", open_picture())));
  Own<lmm_reply> again;
  std::string streamed;
  const lmm_on_piece on_piece = [](void* user, const char* piece, std::size_t length) -> int32_t {
    static_cast<std::string*>(user)->append(piece, length);
    return LMM_GO_ON;
  };
  const Own<lmm_message> same = say("Name the object.", open_picture());
  ok([&](lmm_error** e) { return lmm_session_edit_last(session, same, nullptr, on_piece, &streamed, &again, e); });
  CHECK(text_of(again) == first);
  CHECK(streamed == first);
  CHECK(turns_of(session) == 2);

  Own<lmm_message> taken;
  ok([&](lmm_error** e) { return lmm_session_pop(session, &taken, e); });
  REQUIRE(lmm_message_count(taken) == 2);
  CHECK(lmm_message_kind(taken, 0) == LMM_PART_IMAGE);
  CHECK(std::string(lmm_message_text(taken, 1, nullptr)) == "Name the object.");
  CHECK(turns_of(session) == 0);
  CHECK(text_of(ask(session, taken)) == first);
  ok([&](lmm_error** e) { return lmm_session_pop(session, nullptr, e); });
  CHECK(turns_of(session) == 0);

  ask(session, say("Hello."));
  ok([&](lmm_error** e) { return lmm_session_reset(session, e); });
  CHECK(turns_of(session) == 0);
}

TEST_CASE("a fork goes on by itself") {
  const Own<lmm_session> session = new_session();
  ask(session, say("Name the object.", open_picture()));
  Own<lmm_session> copy;
  ok([&](lmm_error** e) { return lmm_session_fork(session, &copy, e); });
  const Own<lmm_reply> reply = ask(copy, say("Which mood is this?"));
  CHECK(lmm_reply_reused_tokens(reply) > 100);
  CHECK(turns_of(copy) == 4);
  CHECK(turns_of(session) == 2);
}

TEST_CASE("a reply needs no session") {
  Own<lmm_reply> reply;
  {
    const Own<lmm_session> session = new_session();
    reply = ask(session, say("Name the object.", open_picture()));
  }
  CHECK(!text_of(reply).empty());
}

TEST_CASE("cancelling from another thread") {
  const Own<lmm_session> session = new_session();
  lmm_session_cancel(session);  // nothing runs: nothing happens
  struct Shared {
    const lmm_session* session;
    std::thread thread;
  } shared{session, {}};
  const lmm_on_piece on_piece = [](void* user, const char*, std::size_t) -> int32_t {
    auto* both = static_cast<Shared*>(user);
    if (!both->thread.joinable()) both->thread = std::thread([both] { lmm_session_cancel(both->session); });
    return LMM_GO_ON;
  };
  const Own<lmm_reply> reply = ask(session, say("Count."), new_options(240, true), on_piece, &shared);
  REQUIRE(shared.thread.joinable());
  shared.thread.join();
  const lmm_finish_reason reason = lmm_reply_finish_reason(reply);
  CHECK((reason == LMM_FINISH_CANCELLED || reason == LMM_FINISH_LENGTH));
  CHECK(lmm_reply_new_tokens(ask(session, say("Hello."))) > 0);
}

TEST_CASE("an empty message is refused") {
  const Own<lmm_session> session = new_session();
  Own<lmm_message> empty;
  ok([&](lmm_error** e) { return lmm_message_create(nullptr, &empty, e); });
  fails(LMM_ERROR_INVALID_ARGUMENT, {"empty"}, [&](lmm_error** e) {
    lmm_pending* pending = untouched<lmm_pending>();
    const lmm_code code = lmm_session_start(session, empty, nullptr, &pending, e);
    CHECK(pending == untouched<lmm_pending>());
    return code;
  });
}

TEST_CASE("no session, no reply") {
  std::size_t length = 1;
  CHECK(lmm_reply_text(nullptr, &length) == nullptr);
  CHECK(length == 0);
  CHECK(lmm_reply_token_ids(nullptr, &length) == nullptr);
  CHECK(lmm_reply_finish_reason(nullptr) == LMM_FINISH_EOS);
  for (const auto tokens : {lmm_reply_prompt_tokens, lmm_reply_image_tokens, lmm_reply_image_tiles,
                            lmm_reply_reused_tokens, lmm_reply_new_tokens}) {
    CHECK(tokens(nullptr) == 0);
  }
  for (const auto seconds : {lmm_reply_load_seconds, lmm_reply_preprocess_seconds, lmm_reply_encode_seconds,
                             lmm_reply_prefill_seconds, lmm_reply_decode_seconds, lmm_reply_seconds_per_token}) {
    CHECK(seconds(nullptr) == 0);
  }
  CHECK(lmm_reply_box_count(nullptr) == 0);
  CHECK(lmm_reply_point_count(nullptr) == 0);
  CHECK(!lmm_reply_box(nullptr, 0, nullptr, nullptr));
  CHECK(!lmm_reply_point(nullptr, 0, nullptr, nullptr));
  CHECK(lmm_reply_box_label(nullptr, 0, nullptr) == nullptr);
  CHECK(lmm_reply_point_label(nullptr, 0, nullptr) == nullptr);
  lmm_reply_free(nullptr);
  lmm_session_cancel(nullptr);
  lmm_session_free(nullptr);
}
