#include "tests/capi/support.hpp"

using namespace capi_test;

TEST_CASE("a message holds texts and pictures in order") {
  Own<lmm_message> message;
  ok([&](lmm_error** e) { return lmm_message_create(nullptr, &message, e); });
  CHECK(lmm_message_count(message) == 0);
  ok([&](lmm_error** e) { return lmm_message_add_text(message, "before\0!", 8, e); });
  {
    const Own<lmm_image> image = open_picture();
    ok([&](lmm_error** e) { return lmm_message_add_image(message, image, e); });
  }
  ok([&](lmm_error** e) { return lmm_message_add_text(message, nullptr, 0, e); });
  REQUIRE(lmm_message_count(message) == 3);
  CHECK(lmm_message_kind(message, 0) == LMM_PART_TEXT);
  CHECK(lmm_message_kind(message, 1) == LMM_PART_IMAGE);
  CHECK(lmm_message_kind(message, 2) == LMM_PART_TEXT);
  CHECK(lmm_message_kind(message, 3) == LMM_PART_NONE);
  std::size_t length = 0;
  const char* text = lmm_message_text(message, 0, &length);
  CHECK(std::string(text, length) == std::string("before\0!", 8));
  CHECK(text[length] == '\0');
  CHECK(lmm_message_text(message, 1, &length) == nullptr);
  CHECK(length == 0);
  CHECK(lmm_message_text(message, 3, nullptr) == nullptr);
  CHECK(lmm_image_width(lmm_message_image(message, 1)) == lmm_image_width(open_picture()));
  CHECK(lmm_message_image(message, 0) == nullptr);
  CHECK(lmm_message_image(message, SIZE_MAX) == nullptr);
}

TEST_CASE("texts that are none, and nothing changes") {
  const Own<lmm_message> message = say("x");
  const auto refuse = [&](const char* text, std::size_t length, const char* part) {
    fails(LMM_ERROR_INVALID_ARGUMENT, {part},
          [&](lmm_error** e) { return lmm_message_add_text(message, text, length, e); });
  };
  refuse(nullptr, 4, "NULL");
  refuse(nullptr, LMM_STRLEN, "NULL");
  refuse("x", SIZE_MAX - 1, "bytes");
  refuse("x", (std::size_t{1} << 30) + 1, "bytes");
  for (const char* text : {"\xFF", "a\xC3", "\xED\xA0\x80", "\xC0\xAF", "\xF4\x90\x80\x80"})
    refuse(text, LMM_STRLEN, "UTF-8");
  fails(LMM_ERROR_INVALID_ARGUMENT, {"image"},
        [&](lmm_error** e) { return lmm_message_add_image(message, nullptr, e); });
  CHECK(lmm_message_count(message) == 1);
}

TEST_CASE("a history holds turns") {
  Own<lmm_history> history;
  ok([&](lmm_error** e) { return lmm_history_create(nullptr, &history, e); });
  CHECK(lmm_history_count(history) == 0);
  {
    const Own<lmm_image> image = open_picture();
    const Own<lmm_message> said = say("What is this?", image);
    ok([&](lmm_error** e) { return lmm_history_add(history, "user", 4, said, e); });
  }
  const Own<lmm_message> answer = say("A burger.");
  ok([&](lmm_error** e) { return lmm_history_add(history, "assistant", LMM_STRLEN, answer, e); });
  REQUIRE(lmm_history_count(history) == 2);
  std::size_t length = 0;
  CHECK(std::string(lmm_history_role(history, 1, &length)) == "assistant");
  CHECK(length == 9);
  CHECK(lmm_history_role(history, 2, &length) == nullptr);
  const lmm_message* first = lmm_history_message(history, 0);
  CHECK(lmm_message_count(first) == 2);
  CHECK(lmm_message_kind(first, 0) == LMM_PART_IMAGE);
  CHECK(std::string(lmm_message_text(first, 1, nullptr)) == "What is this?");
  CHECK(lmm_history_message(history, 2) == nullptr);
}

TEST_CASE("turns that are none") {
  Own<lmm_history> history;
  ok([&](lmm_error** e) { return lmm_history_create(nullptr, &history, e); });
  Own<lmm_message> empty;
  ok([&](lmm_error** e) { return lmm_message_create(nullptr, &empty, e); });
  const Own<lmm_message> said = say("x");
  fails(LMM_ERROR_INVALID_ARGUMENT, {"role"}, [&](lmm_error** e) { return lmm_history_add(history, "", 0, said, e); });
  fails(LMM_ERROR_INVALID_ARGUMENT, {"role"},
        [&](lmm_error** e) { return lmm_history_add(history, "\xFF", 1, said, e); });
  fails(LMM_ERROR_INVALID_ARGUMENT, {"empty"},
        [&](lmm_error** e) { return lmm_history_add(history, "user", 4, empty, e); });
  fails(LMM_ERROR_INVALID_ARGUMENT, {"message"},
        [&](lmm_error** e) { return lmm_history_add(history, "user", 4, nullptr, e); });
  CHECK(lmm_history_count(history) == 0);
}

TEST_CASE("no message, no history") {
  std::size_t length = 1;
  CHECK(lmm_message_count(nullptr) == 0);
  CHECK(lmm_message_kind(nullptr, 0) == LMM_PART_NONE);
  CHECK(lmm_message_text(nullptr, 0, &length) == nullptr);
  CHECK(length == 0);
  CHECK(lmm_message_image(nullptr, 0) == nullptr);
  CHECK(lmm_history_count(nullptr) == 0);
  CHECK(lmm_history_role(nullptr, 0, nullptr) == nullptr);
  CHECK(lmm_history_message(nullptr, 0) == nullptr);
  lmm_message_free(nullptr);
  lmm_history_free(nullptr);
}
