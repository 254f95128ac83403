#include "tests/capi/support.hpp"

using namespace capi_test;

namespace {

void check_info(const lmm_info* info) {
  std::size_t length = 0;
  CHECK(std::string(lmm_info_folder(info, &length)) == model_folder());
  CHECK(length == model_folder().size());
  CHECK(std::string(lmm_info_family(info, nullptr)) == "idefics3");
  CHECK(std::string(lmm_info_architecture(info, &length)) == "Idefics3ForConditionalGeneration");
  CHECK(lmm_info_parameters(info) == 8985856);
  CHECK(lmm_info_weight_bytes(info) == 2 * lmm_info_parameters(info));
  CHECK(lmm_info_context_length(info) == 512);
  CHECK(lmm_info_vocab_size(info) == 1053);
  CHECK(lmm_info_stored_dtype(info) == LMM_DTYPE_FP16);
  CHECK(lmm_info_sees_images(info));
  CHECK(lmm_info_has_chat_template(info));
  REQUIRE(lmm_info_tower_count(info) == 2);
  CHECK(std::string(lmm_info_tower(info, 0, nullptr)) == "vision");
  CHECK(std::string(lmm_info_tower(info, 1, &length)) == "text");
  CHECK(lmm_info_tower(info, 2, &length) == nullptr);
  REQUIRE(lmm_info_weight_file_count(info) == 1);
  CHECK(std::string(lmm_info_weight_file(info, 0, nullptr)) == model_folder() + "/model.safetensors");
  CHECK(lmm_info_weight_file(info, 1, nullptr) == nullptr);
}

}  // namespace

TEST_CASE("what a checkpoint is, without loading it") {
  Own<lmm_info> info;
  ok([&](lmm_error** e) { return lmm_info_read(nullptr, LMM_POCKET_MODEL, LMM_STRLEN, &info, e); });
  check_info(info);
  CHECK(lmm_info_compute_dtype(info) == LMM_DTYPE_AUTO);
  fails(LMM_ERROR_NOT_FOUND, {"/no/such"}, [](lmm_error** e) {
    lmm_info* none = untouched<lmm_info>();
    const lmm_code code = lmm_info_read(nullptr, "/no/such", LMM_STRLEN, &none, e);
    CHECK(none == untouched<lmm_info>());
    return code;
  });
}

TEST_CASE("what a loaded model is") {
  check_info(lmm_model_info(model()));
  CHECK(lmm_info_compute_dtype(lmm_model_info(model())) == LMM_DTYPE_FP32);
}

TEST_CASE("loading with options, telling of progress") {
  struct Seen {
    int calls = 0;
    int64_t total = 0;
    int released = 0;
  } seen;
  Own<lmm_load_options> options;
  ok([&](lmm_error** e) { return lmm_load_options_create(nullptr, &options, e); });
  ok([&](lmm_error** e) { return lmm_load_options_set_dtype(options, LMM_DTYPE_BF16, e); });
  ok([&](lmm_error** e) { return lmm_load_options_set_threads(options, 1, e); });
  const lmm_on_progress on_progress = [](void* user, const char* stage, int64_t done, int64_t total) -> int32_t {
    auto& saw = *static_cast<Seen*>(user);
    ++saw.calls;
    saw.total = total;
    return std::string(stage) == "load" && done >= 0 && done <= total ? LMM_GO_ON : LMM_STOP;
  };
  const lmm_release release = [](void* user) { ++static_cast<Seen*>(user)->released; };
  ok([&](lmm_error** e) { return lmm_load_options_set_on_progress(options, on_progress, &seen, release, e); });
  Own<lmm_model> loaded;
  ok([&](lmm_error** e) { return lmm_model_load(nullptr, LMM_POCKET_MODEL, LMM_STRLEN, options, &loaded, e); });
  CHECK(seen.calls > 0);
  CHECK(seen.total > 0);
  CHECK(lmm_info_compute_dtype(lmm_model_info(loaded)) == LMM_DTYPE_BF16);
  ok([&](lmm_error** e) { return lmm_load_options_set_on_progress(options, nullptr, nullptr, nullptr, e); });
  CHECK(seen.released == 1);
  options.reset();
  CHECK(seen.released == 1);
}

TEST_CASE("a model outlives its handle in its sessions and tokenizers") {
  Own<lmm_model> loaded;
  ok([&](lmm_error** e) { return lmm_model_load(nullptr, LMM_POCKET_MODEL, LMM_STRLEN, nullptr, &loaded, e); });
  const Own<lmm_session> session = new_session(loaded);
  Own<lmm_tokenizer> tokenizer;
  ok([&](lmm_error** e) { return lmm_model_tokenizer(loaded, &tokenizer, e); });
  loaded.reset();
  CHECK(lmm_reply_new_tokens(ask(session, say("Hello."))) > 0);
  CHECK(lmm_tokenizer_has_chat_template(tokenizer));
}

TEST_CASE("no model, no info") {
  std::size_t length = 1;
  for (const auto getter : {lmm_info_folder, lmm_info_family, lmm_info_architecture}) {
    length = 1;
    CHECK(getter(nullptr, &length) == nullptr);
    CHECK(length == 0);
  }
  CHECK(lmm_info_parameters(nullptr) == 0);
  CHECK(lmm_info_weight_bytes(nullptr) == 0);
  CHECK(lmm_info_context_length(nullptr) == 0);
  CHECK(lmm_info_vocab_size(nullptr) == 0);
  CHECK(lmm_info_stored_dtype(nullptr) == LMM_DTYPE_AUTO);
  CHECK(lmm_info_compute_dtype(nullptr) == LMM_DTYPE_AUTO);
  CHECK(!lmm_info_sees_images(nullptr));
  CHECK(!lmm_info_has_chat_template(nullptr));
  CHECK(lmm_info_tower_count(nullptr) == 0);
  CHECK(lmm_info_tower(nullptr, 0, nullptr) == nullptr);
  CHECK(lmm_info_weight_file_count(nullptr) == 0);
  CHECK(lmm_info_weight_file(nullptr, 0, nullptr) == nullptr);
  CHECK(lmm_model_info(nullptr) == nullptr);
  lmm_info_free(nullptr);
  lmm_model_free(nullptr);
}
