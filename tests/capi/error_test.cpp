// One test for each error code, each reached as a host would. `internal` is a defect of lmm: tests/unit/capi makes one.

#include "tests/capi/model_copy.hpp"
#include "tests/capi/support.hpp"

#include <unistd.h>

using namespace capi_test;

namespace {

Call load(const std::string& folder, const lmm_load_options* options = nullptr) {
  return [folder, options](lmm_error** e) {
    lmm_model* model = untouched<lmm_model>();
    const lmm_code code = lmm_model_load(nullptr, folder.data(), folder.size(), options, &model, e);
    CHECK(model == untouched<lmm_model>());
    return code;
  };
}

Call open_image(const std::string& path) {
  return [path](lmm_error** e) {
    lmm_image* image = untouched<lmm_image>();
    const lmm_code code = lmm_image_open(nullptr, path.data(), path.size(), &image, e);
    CHECK(image == untouched<lmm_image>());
    return code;
  };
}

Own<lmm_load_options> load_options() {
  Own<lmm_load_options> options;
  ok([&](lmm_error** e) { return lmm_load_options_create(nullptr, &options, e); });
  return options;
}

}  // namespace

TEST_CASE("invalid_argument") {
  fails(LMM_ERROR_INVALID_ARGUMENT, {"image", "NULL"},
        [](lmm_error** e) { return lmm_image_open(nullptr, "x", 1, nullptr, e); });
}

TEST_CASE("not_found") {
  fails(LMM_ERROR_NOT_FOUND, {"/no/such/folder"}, load("/no/such/folder"));
  fails(LMM_ERROR_NOT_FOUND, {"/no/such/file"}, open_image("/no/such/file"));
}

TEST_CASE("io") { fails(LMM_ERROR_IO, {"pictures"}, open_image(std::string(LMM_TEST_DATA) + "/pictures")); }

TEST_CASE("bad_file") { fails(LMM_ERROR_BAD_FILE, {"config.json"}, open_image(model_folder() + "/config.json")); }

TEST_CASE("unsupported") {
  const Own<lmm_load_options> options = load_options();
  ok([&](lmm_error** e) { return lmm_load_options_set_dtype(options, LMM_DTYPE_FP16, e); });
  fails(LMM_ERROR_UNSUPPORTED, {"fp16"}, load(model_folder(), options));
}

TEST_CASE("out_of_memory") {
  const Own<lmm_load_options> options = load_options();
  ok([&](lmm_error** e) { return lmm_load_options_set_max_memory(options, 1000, e); });
  fails(LMM_ERROR_OUT_OF_MEMORY, {"1000"}, load(model_folder(), options));
}

TEST_CASE("context_overflow") {
  const Own<lmm_session> session = new_session();
  const Own<lmm_message> message = say(std::string(3000, 'x').c_str());
  fails(LMM_ERROR_CONTEXT_OVERFLOW, {"512"}, [&](lmm_error** e) {
    lmm_reply* reply = untouched<lmm_reply>();
    const lmm_code code = lmm_session_ask(session, message, nullptr, nullptr, nullptr, &reply, e);
    CHECK(reply == untouched<lmm_reply>());
    return code;
  });
  CHECK(turns_of(session) == 0);
}

TEST_CASE("cancelled") {
  const Own<lmm_load_options> options = load_options();
  const auto stop = [](void*, const char*, int64_t, int64_t) -> int32_t { return LMM_STOP; };
  ok([&](lmm_error** e) { return lmm_load_options_set_on_progress(options, stop, nullptr, nullptr, e); });
  fails(LMM_ERROR_CANCELLED, {"cancelled"}, load(model_folder(), options));
}

TEST_CASE("busy") {
  const Own<lmm_session> session = new_session();
  const Own<lmm_message> message = say("Count.");
  const Own<lmm_generate_options> options = new_options(200, true);
  Own<lmm_pending> pending;
  ok([&](lmm_error** e) { return lmm_session_start(session, message, options, &pending, e); });
  fails(LMM_ERROR_BUSY, {"answering"}, [&](lmm_error** e) {
    Own<lmm_reply> reply;
    return lmm_session_ask(session, message, nullptr, nullptr, nullptr, &reply, e);
  });
}

TEST_CASE("no_device") {
  const Own<lmm_load_options> options = load_options();
  ok([&](lmm_error** e) { return lmm_load_options_set_device(options, "cuda:99", LMM_STRLEN, e); });
  fails(LMM_ERROR_NO_DEVICE, {"cuda:99"}, load(model_folder(), options));
}

TEST_CASE("bad_template") {
  const ModelCopy copy;
  copy.write("chat_template.jinja", "{{ raise_exception('no thanks') }}");
  Own<lmm_tokenizer> tokenizer;
  ok([&](lmm_error** e) { return lmm_tokenizer_load(nullptr, copy.folder().c_str(), LMM_STRLEN, &tokenizer, e); });
  fails(LMM_ERROR_BAD_TEMPLATE, {"no thanks"}, [&](lmm_error** e) {
    lmm_text* text = untouched<lmm_text>();
    const lmm_code code =
        lmm_tokenizer_render(tokenizer, R"([{"role": "user", "content": "hello"}])", LMM_STRLEN, &text, nullptr, e);
    CHECK(text == untouched<lmm_text>());
    return code;
  });
}

TEST_CASE("what is there without an error") {
  std::size_t length = 9;
  CHECK(lmm_error_code(nullptr) == LMM_OK);
  CHECK(std::string(lmm_error_message(nullptr, &length)).empty());
  CHECK(length == 0);
  lmm_error_free(nullptr);
}

TEST_CASE("a file name with a line break or bytes that are no UTF-8 still gives one line of UTF-8") {
  fails(LMM_ERROR_NOT_FOUND, {"/no/a b"}, open_image("/no/a\nb"));
  fails(LMM_ERROR_NOT_FOUND, {"/no/\xEF\xBF\xBD"}, open_image("/no/\xFF"));
}
