#include "tests/capi/support.hpp"

#include <cmath>
#include <limits>

using namespace capi_test;

namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

struct Generate {
  Own<lmm_generate_options> options;
  Generate() {
    ok([&](lmm_error** e) { return lmm_generate_options_create(nullptr, &options, e); });
  }

  template <typename Setter, typename Value>
  void takes(Setter setter, std::initializer_list<Value> values) {
    for (const Value value : values) ok([&](lmm_error** e) { return setter(options, value, e); });
  }
  template <typename Setter, typename Value>
  void refuses(Setter setter, const char* name, std::initializer_list<Value> values) {
    for (const Value value : values) {
      fails(LMM_ERROR_INVALID_ARGUMENT, {name, "expected"}, [&](lmm_error** e) { return setter(options, value, e); });
    }
  }

  /// What a question with these options fails with, if it fails.
  void asking_fails(const char* part) {
    const Own<lmm_session> session = new_session();
    const Own<lmm_message> message = say("Hello.");
    fails(LMM_ERROR_INVALID_ARGUMENT, {part}, [&](lmm_error** e) {
      Own<lmm_reply> reply;
      return lmm_session_ask(session, message, options, nullptr, nullptr, &reply, e);
    });
    CHECK(turns_of(session) == 0);
  }
};

}  // namespace

TEST_CASE_FIXTURE(Generate, "max_tokens") {
  takes(lmm_generate_options_set_max_tokens, {int64_t{1}, int64_t{INT32_MAX}});
  refuses(lmm_generate_options_set_max_tokens, "max_tokens", {int64_t{0}, int64_t{-1}, int64_t{1} << 31, INT64_MIN});
}

TEST_CASE_FIXTURE(Generate, "min_tokens") {
  takes(lmm_generate_options_set_min_tokens, {int64_t{0}, int64_t{9}});
  refuses(lmm_generate_options_set_min_tokens, "min_tokens", {int64_t{-1}, INT64_MAX});
  takes(lmm_generate_options_set_max_tokens, {int64_t{2}});
  asking_fails("min_tokens");
}

TEST_CASE_FIXTURE(Generate, "sample") {
  takes(lmm_generate_options_set_sample, {LMM_TRUE, LMM_FALSE});
  takes(lmm_generate_options_set_temperature, {0.5});
  asking_fails("temperature");  // says both
}

TEST_CASE_FIXTURE(Generate, "temperature") {
  takes(lmm_generate_options_set_temperature, {0.0, 0.7, 100.0});
  refuses(lmm_generate_options_set_temperature, "temperature", {-0.1, kNan, kInfinity});
}

TEST_CASE_FIXTURE(Generate, "top_k") {
  takes(lmm_generate_options_set_top_k, {int64_t{0}, int64_t{40}, INT64_MAX});
  refuses(lmm_generate_options_set_top_k, "top_k", {int64_t{-1}, INT64_MIN});
}

TEST_CASE_FIXTURE(Generate, "top_p, min_p") {
  takes(lmm_generate_options_set_top_p, {0.0, 0.9, 1.0});
  refuses(lmm_generate_options_set_top_p, "top_p", {-0.1, 1.1, kNan});
  takes(lmm_generate_options_set_min_p, {0.0, 0.05, 1.0});
  refuses(lmm_generate_options_set_min_p, "min_p", {-0.1, 1.1, kNan});
}

TEST_CASE_FIXTURE(Generate, "typical_p") {
  takes(lmm_generate_options_set_typical_p, {0.2, 1.0});
  refuses(lmm_generate_options_set_typical_p, "typical_p", {0.0, -0.1, 1.1, kNan});
}

TEST_CASE_FIXTURE(Generate, "penalties") {
  takes(lmm_generate_options_set_repetition_penalty, {0.5, 1.0, 2.0});
  refuses(lmm_generate_options_set_repetition_penalty, "repetition_penalty", {0.0, -1.0, kNan, kInfinity});
  takes(lmm_generate_options_set_presence_penalty, {-2.0, 2.0});
  refuses(lmm_generate_options_set_presence_penalty, "presence_penalty", {-2.1, 2.1, kNan});
  takes(lmm_generate_options_set_frequency_penalty, {-2.0, 2.0});
  refuses(lmm_generate_options_set_frequency_penalty, "frequency_penalty", {-2.1, 2.1, kNan});
  takes(lmm_generate_options_set_no_repeat_ngram, {int64_t{0}, int64_t{3}});
  refuses(lmm_generate_options_set_no_repeat_ngram, "no_repeat_ngram", {int64_t{-1}, INT64_MAX});
}

TEST_CASE_FIXTURE(Generate, "a bad word is not produced") {
  const std::string usual = text_of(ask(new_session(), say("Name the object.", open_picture())));
  REQUIRE(!usual.empty());
  ok([&](lmm_error** e) { return lmm_generate_options_add_bad_word(options, usual.data(), usual.size(), e); });
  CHECK(text_of(ask(new_session(), say("Name the object.", open_picture()), options)) != usual);
  fails(LMM_ERROR_INVALID_ARGUMENT, {"empty"},
        [&](lmm_error** e) { return lmm_generate_options_add_bad_word(options, "", 0, e); });
  fails(LMM_ERROR_INVALID_ARGUMENT, {"UTF-8"},
        [&](lmm_error** e) { return lmm_generate_options_add_bad_word(options, "\xFF", 1, e); });
}

TEST_CASE_FIXTURE(Generate, "a logit bias makes a token certain") {
  ok([&](lmm_error** e) { return lmm_generate_options_set_max_tokens(options, 3, e); });
  ok([&](lmm_error** e) { return lmm_generate_options_set_logit_bias(options, 100, -kInfinity, e); });
  ok([&](lmm_error** e) { return lmm_generate_options_set_logit_bias(options, 100, 1e6, e); });
  std::size_t count = 0;
  const Own<lmm_reply> reply = ask(new_session(), say("Hello."), options);
  const int32_t* ids = lmm_reply_token_ids(reply, &count);
  REQUIRE(count == 3);
  for (std::size_t i = 0; i < count; ++i) CHECK(ids[i] == 100);
  const auto bias = [&](int32_t token, double value) {
    return
        [this, token, value](lmm_error** e) { return lmm_generate_options_set_logit_bias(options, token, value, e); };
  };
  fails(LMM_ERROR_INVALID_ARGUMENT, {"logit_bias"}, bias(-1, 0));
  fails(LMM_ERROR_INVALID_ARGUMENT, {"logit_bias"}, bias(1, kNan));
  fails(LMM_ERROR_INVALID_ARGUMENT, {"logit_bias"}, bias(1, kInfinity));
  ok(bias(1000000, 1));
  asking_fails("logit_bias");  // the model has fewer
}

TEST_CASE_FIXTURE(Generate, "a stop string ends the reply and is not part of it") {
  const std::string usual = text_of(ask(new_session(), say("Name the object.", open_picture())));
  REQUIRE(usual.size() > 2);
  const std::string tail = usual.substr(usual.size() / 2);
  ok([&](lmm_error** e) { return lmm_generate_options_add_stop(options, tail.data(), tail.size(), e); });
  const Own<lmm_reply> reply = ask(new_session(), say("Name the object.", open_picture()), options);
  CHECK(lmm_reply_finish_reason(reply) == LMM_FINISH_STOP);
  CHECK(text_of(reply) == usual.substr(0, usual.find(tail)));
  fails(LMM_ERROR_INVALID_ARGUMENT, {"empty"},
        [&](lmm_error** e) { return lmm_generate_options_add_stop(options, nullptr, 0, e); });
  fails(LMM_ERROR_INVALID_ARGUMENT, {"UTF-8"},
        [&](lmm_error** e) { return lmm_generate_options_add_stop(options, "\xC3", 1, e); });
}

TEST_CASE_FIXTURE(Generate, "the same seed, the same reply") {
  takes(lmm_generate_options_set_temperature, {1.5});
  takes(lmm_generate_options_set_max_tokens, {int64_t{20}});
  takes(lmm_generate_options_set_ignore_eos, {LMM_TRUE});
  const auto with = [&](uint64_t seed) {
    takes(lmm_generate_options_set_seed, {seed});
    return text_of(ask(new_session(), say("Tell me something."), options));
  };
  CHECK(with(7) == with(7));
  CHECK(with(7) != with(UINT64_MAX));
}

TEST_CASE_FIXTURE(Generate, "a raw prompt leaves no history") {
  takes(lmm_generate_options_set_raw, {LMM_TRUE});
  takes(lmm_generate_options_set_max_tokens, {int64_t{2}});
  const Own<lmm_session> session = new_session();
  const Own<lmm_reply> reply = ask(session, say("Hello."), options);
  CHECK(lmm_reply_new_tokens(reply) > 0);
  CHECK(lmm_reply_prompt_tokens(reply) < lmm_reply_prompt_tokens(ask(new_session(), say("Hello."))));
  CHECK(turns_of(session) == 0);
}

TEST_CASE_FIXTURE(Generate, "ignore_eos generates on to max_tokens") {
  takes(lmm_generate_options_set_max_tokens, {int64_t{50}});
  takes(lmm_generate_options_set_ignore_eos, {LMM_TRUE});
  const Own<lmm_reply> reply = ask(new_session(), say("Hello."), options);
  CHECK(lmm_reply_new_tokens(reply) == 50);
  CHECK(lmm_reply_finish_reason(reply) == LMM_FINISH_LENGTH);
}

TEST_CASE_FIXTURE(Generate, "a paused reply can't be waited for") {
  takes(lmm_generate_options_set_paused, {LMM_TRUE});
  asking_fails("paused");
}

TEST_CASE("options of sessions") {
  Own<lmm_session_options> options;
  ok([&](lmm_error** e) { return lmm_session_options_create(nullptr, &options, e); });
  ok([&](lmm_error** e) { return lmm_session_options_set_system(options, "Be brief.", LMM_STRLEN, e); });
  ok([&](lmm_error** e) { return lmm_session_options_set_template_variables(options, R"({"a": 1})", LMM_STRLEN, e); });
  ok([&](lmm_error** e) { return lmm_session_options_set_tools(options, R"([{"name": "f"}])", LMM_STRLEN, e); });
  ok([&](lmm_error** e) { return lmm_session_options_set_max_context(options, 100, e); });
  const auto text_refused = [&](auto setter, const char* text, const char* part) {
    fails(LMM_ERROR_INVALID_ARGUMENT, {part}, [&](lmm_error** e) { return setter(options, text, LMM_STRLEN, e); });
  };
  text_refused(lmm_session_options_set_system, "\xFF", "UTF-8");
  text_refused(lmm_session_options_set_template_variables, "[1]", "object");
  text_refused(lmm_session_options_set_template_variables, "{", "template_variables");
  text_refused(lmm_session_options_set_tools, "{}", "list");
  fails(LMM_ERROR_INVALID_ARGUMENT, {"max_context", "-1"},
        [&](lmm_error** e) { return lmm_session_options_set_max_context(options, -1, e); });

  const Own<lmm_session> session = new_session(model(), options);
  Own<lmm_history> history;
  ok([&](lmm_error** e) { return lmm_session_history(session, &history, e); });
  REQUIRE(lmm_history_count(history) == 1);
  CHECK(std::string(lmm_history_role(history, 0, nullptr)) == "system");
  CHECK(std::string(lmm_message_text(lmm_history_message(history, 0), 0, nullptr)) == "Be brief.");
  const Own<lmm_message> longer = say(std::string(400, 'x').c_str());
  fails(LMM_ERROR_CONTEXT_OVERFLOW, {"100"}, [&](lmm_error** e) {
    Own<lmm_reply> reply;
    return lmm_session_ask(session, longer, nullptr, nullptr, nullptr, &reply, e);
  });
}

TEST_CASE("options of loading") {
  Own<lmm_load_options> options;
  ok([&](lmm_error** e) { return lmm_load_options_create(nullptr, &options, e); });
  for (const lmm_dtype dtype : {LMM_DTYPE_AUTO, LMM_DTYPE_FP32, LMM_DTYPE_BF16, LMM_DTYPE_FP16}) {
    ok([&](lmm_error** e) { return lmm_load_options_set_dtype(options, dtype, e); });
  }
  for (const lmm_dtype dtype : {-1, 4}) {
    fails(LMM_ERROR_INVALID_ARGUMENT, {"dtype"},
          [&](lmm_error** e) { return lmm_load_options_set_dtype(options, dtype, e); });
  }
  for (const lmm_weight_type weights : {LMM_WEIGHTS_FULL, LMM_WEIGHTS_INT8, LMM_WEIGHTS_INT4}) {
    ok([&](lmm_error** e) { return lmm_load_options_set_weights(options, weights, e); });
    ok([&](lmm_error** e) { return lmm_load_options_set_tower_weights(options, weights, e); });
  }
  for (const lmm_weight_type weights : {-1, 3, INT32_MAX}) {
    fails(LMM_ERROR_INVALID_ARGUMENT, {"weights", "int8", "int4"},
          [&](lmm_error** e) { return lmm_load_options_set_weights(options, weights, e); });
    fails(LMM_ERROR_INVALID_ARGUMENT, {"tower_weights", "int8", "int4"},
          [&](lmm_error** e) { return lmm_load_options_set_tower_weights(options, weights, e); });
  }
  CHECK(std::string(lmm_weight_type_name(LMM_WEIGHTS_INT8)) == "int8");
  CHECK(std::string(lmm_weight_type_name(LMM_WEIGHTS_INT4)) == "int4");
  CHECK(std::string(lmm_weight_type_name(7)) == "unknown");
  for (const int32_t threads : {0, 1, 1024})
    ok([&](lmm_error** e) { return lmm_load_options_set_threads(options, threads, e); });
  for (const int32_t threads : {-1, 1025, INT32_MIN}) {
    fails(LMM_ERROR_INVALID_ARGUMENT, {"threads"},
          [&](lmm_error** e) { return lmm_load_options_set_threads(options, threads, e); });
  }
  for (const char* device : {"cpu", "cuda", "cuda:1"}) {
    ok([&](lmm_error** e) { return lmm_load_options_set_device(options, device, LMM_STRLEN, e); });
  }
  for (const char* device : {"", "toaster", "CPU", "\xFF"}) {
    fails(LMM_ERROR_INVALID_ARGUMENT, {"device"},
          [&](lmm_error** e) { return lmm_load_options_set_device(options, device, LMM_STRLEN, e); });
  }
  for (const char* folder : {"", "/tmp/some where"}) {
    ok([&](lmm_error** e) { return lmm_load_options_set_cache_folder(options, folder, LMM_STRLEN, e); });
  }
  fails(LMM_ERROR_INVALID_ARGUMENT, {"path"}, [&](lmm_error** e) { return lmm_load_options_set_cache_folder(options, nullptr, 1, e); });
  ok([&](lmm_error** e) { return lmm_load_options_set_max_memory(options, UINT64_MAX, e); });
}

TEST_CASE("options that are not there") {
  lmm_load_options_free(nullptr);
  lmm_session_options_free(nullptr);
  lmm_generate_options_free(nullptr);
}
