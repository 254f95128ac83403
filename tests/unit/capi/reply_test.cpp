// A reply with all that a model may give: not every model gives points or labels.

#include "capi/objects.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace lmm;

TEST_CASE("boxes and points come out with their labels and pictures") {
  Reply from;
  from.text = "here";
  from.token_ids = {5, 6};
  from.finish_reason = FinishReason::length;
  from.boxes = {{1, 2, 3, 4, "a label that is longer than a string holds in itself", 2}};
  from.points = {{5, 6, "", 0}, {7, 8, "fish", 1}};
  from.usage = {.prompt_tokens = 10, .image_tokens = 9, .image_tiles = 8, .reused_tokens = 7, .new_tokens = 6};
  from.timings = {1, 2, 3, 4, 5, 6};
  const capi::Owned<lmm_reply> reply = capi::make_owned<lmm_reply>(capi::default_allocator(), from);

  double numbers[4] = {};
  size_t image = 0;
  size_t length = 0;
  REQUIRE(lmm_reply_box_count(reply.get()) == 1);
  REQUIRE(lmm_reply_box(reply.get(), 0, numbers, &image));
  CHECK(numbers[0] == 1);
  CHECK(numbers[1] == 2);
  CHECK(numbers[2] == 3);
  CHECK(numbers[3] == 4);
  CHECK(image == 2);
  CHECK(std::string(lmm_reply_box_label(reply.get(), 0, &length)) == from.boxes[0].label);
  CHECK(length == from.boxes[0].label.size());

  REQUIRE(lmm_reply_point_count(reply.get()) == 2);
  double place[3] = {-1, -1, -1};
  REQUIRE(lmm_reply_point(reply.get(), 1, place, &image));
  CHECK(place[0] == 7);
  CHECK(place[1] == 8);
  CHECK(place[2] == -1);  // a point has two
  CHECK(image == 1);
  CHECK(std::string(lmm_reply_point_label(reply.get(), 1, nullptr)) == "fish");
  CHECK(std::string(lmm_reply_point_label(reply.get(), 0, &length)).empty());
  CHECK(length == 0);
  CHECK(!lmm_reply_point(reply.get(), 2, place, nullptr));
  CHECK(lmm_reply_point_label(reply.get(), 2, nullptr) == nullptr);

  CHECK(lmm_reply_finish_reason(reply.get()) == LMM_FINISH_LENGTH);
  CHECK(lmm_reply_prompt_tokens(reply.get()) == 10);
  CHECK(lmm_reply_image_tokens(reply.get()) == 9);
  CHECK(lmm_reply_image_tiles(reply.get()) == 8);
  CHECK(lmm_reply_reused_tokens(reply.get()) == 7);
  CHECK(lmm_reply_new_tokens(reply.get()) == 6);
  CHECK(lmm_reply_load_seconds(reply.get()) == 1);
  CHECK(lmm_reply_preprocess_seconds(reply.get()) == 2);
  CHECK(lmm_reply_encode_seconds(reply.get()) == 3);
  CHECK(lmm_reply_prefill_seconds(reply.get()) == 4);
  CHECK(lmm_reply_decode_seconds(reply.get()) == 5);
  CHECK(lmm_reply_seconds_per_token(reply.get()) == 6);
}
