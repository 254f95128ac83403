// NULL, objects of another type, freed objects, objects freed in the middle, two threads at once: an error or a
// documented result, and the host lives on.

#include "tests/capi/support.hpp"

#include <chrono>
#include <thread>

using namespace capi_test;

namespace {

/// Every function with an error, with the object it is about being `wrong` and all else being right.
std::vector<std::pair<const char*, Call>> calls_about(void* wrong) {
  static const Own<lmm_message> message = say("Hello.");
  static const Own<lmm_image> image = open_picture();
  static Own<lmm_history> history = [] {
    Own<lmm_history> own;
    ok([&](lmm_error** e) { return lmm_history_create(nullptr, &own, e); });
    return own;
  }();
  const auto as = [wrong](auto* type) { return static_cast<decltype(type)>(wrong); };
  static lmm_reply* reply = nullptr;
  static lmm_pending* pending = nullptr;
  static lmm_session* session = nullptr;
  static lmm_tokens* tokens = nullptr;
  static lmm_text* text = nullptr;
  static lmm_tokenizer* tokenizer = nullptr;
  static lmm_history* turns = nullptr;
  static lmm_message* taken = nullptr;
  static lmm_listener* listener = nullptr;
  static lmm_utterance* utterance = nullptr;
  const auto w_load = as(static_cast<lmm_load_options*>(nullptr));
  const auto w_session_options = as(static_cast<lmm_session_options*>(nullptr));
  const auto w_options = as(static_cast<lmm_generate_options*>(nullptr));
  const auto w_session = as(static_cast<lmm_session*>(nullptr));
  const auto w_pending = as(static_cast<lmm_pending*>(nullptr));
  const auto w_listen = as(static_cast<lmm_listen_options*>(nullptr));
  const auto w_listener = as(static_cast<lmm_listener*>(nullptr));
  const auto w_message = as(static_cast<lmm_message*>(nullptr));
  const auto w_history = as(static_cast<lmm_history*>(nullptr));
  const auto w_model = as(static_cast<lmm_model*>(nullptr));
  const auto w_tokenizer = as(static_cast<lmm_tokenizer*>(nullptr));
#define CALL(function, ...)                                            \
  {                                                                    \
    #function, [=](lmm_error** e) { return function(__VA_ARGS__, e); } \
  }
  return {
      CALL(lmm_message_add_text, w_message, "x", 1),
      CALL(lmm_message_add_image, w_message, image),
      CALL(lmm_message_add_audio, w_message, static_cast<lmm_audio*>(nullptr)),
      CALL(lmm_history_add, w_history, "user", 4, message),
      CALL(lmm_load_options_set_dtype, w_load, LMM_DTYPE_FP32),
      CALL(lmm_load_options_set_weights, w_load, LMM_WEIGHTS_INT8),
      CALL(lmm_load_options_set_tower_weights, w_load, LMM_WEIGHTS_INT8),
      CALL(lmm_load_options_set_threads, w_load, 1),
      CALL(lmm_load_options_set_device, w_load, "cpu", 3),
      CALL(lmm_load_options_set_cache_folder, w_load, "x", 1),
      CALL(lmm_load_options_set_max_memory, w_load, 1),
      CALL(lmm_load_options_set_on_progress, w_load, nullptr, nullptr, nullptr),
      CALL(lmm_load_options_set_on_log, w_load, nullptr, nullptr, nullptr),
      CALL(lmm_model_tokenizer, w_model, &tokenizer),
      CALL(lmm_tokenizer_encode, w_tokenizer, "x", 1, 1, 1, &tokens),
      CALL(lmm_tokenizer_decode, w_tokenizer, nullptr, 0, 1, &text),
      CALL(lmm_tokenizer_render, w_tokenizer, "[]", 2, &text, &tokens),
      CALL(lmm_session_options_set_system, w_session_options, "x", 1),
      CALL(lmm_session_options_set_template_variables, w_session_options, "{}", 2),
      CALL(lmm_session_options_set_tools, w_session_options, "[]", 2),
      CALL(lmm_session_options_set_max_context, w_session_options, 1),
      CALL(lmm_session_options_set_transcriber, w_session_options, nullptr),
      CALL(lmm_generate_options_set_speech_language, w_options, "de", 2),
      CALL(lmm_generate_options_set_speech_translate, w_options, 1),
      CALL(lmm_generate_options_set_speech_times, w_options, 1),
      CALL(lmm_generate_options_set_speech_prompt, w_options, "x", 1),
      CALL(lmm_generate_options_set_speech_condition_on_previous, w_options, 1),
      CALL(lmm_generate_options_set_speech_beams, w_options, 1),
      CALL(lmm_generate_options_set_speech_temperatures, w_options, nullptr, 0),
      CALL(lmm_generate_options_set_speech_compression_ratio_threshold, w_options, 1),
      CALL(lmm_generate_options_set_speech_log_probability_threshold, w_options, 1),
      CALL(lmm_generate_options_set_speech_no_speech_threshold, w_options, 1),
      CALL(lmm_generate_options_set_max_tokens, w_options, 1),
      CALL(lmm_generate_options_set_min_tokens, w_options, 1),
      CALL(lmm_generate_options_set_sample, w_options, 1),
      CALL(lmm_generate_options_set_temperature, w_options, 1),
      CALL(lmm_generate_options_set_top_k, w_options, 1),
      CALL(lmm_generate_options_set_top_p, w_options, 1),
      CALL(lmm_generate_options_set_min_p, w_options, 1),
      CALL(lmm_generate_options_set_typical_p, w_options, 1),
      CALL(lmm_generate_options_set_repetition_penalty, w_options, 1),
      CALL(lmm_generate_options_set_presence_penalty, w_options, 1),
      CALL(lmm_generate_options_set_frequency_penalty, w_options, 1),
      CALL(lmm_generate_options_set_no_repeat_ngram, w_options, 1),
      CALL(lmm_generate_options_add_bad_word, w_options, "x", 1),
      CALL(lmm_generate_options_set_logit_bias, w_options, 1, 1.0),
      CALL(lmm_generate_options_add_stop, w_options, "x", 1),
      CALL(lmm_generate_options_set_seed, w_options, 1),
      CALL(lmm_generate_options_set_raw, w_options, 1),
      CALL(lmm_generate_options_set_ignore_eos, w_options, 1),
      CALL(lmm_generate_options_set_paused, w_options, 1),
      CALL(lmm_generate_options_set_on_tap, w_options, "*", 1, nullptr, nullptr, nullptr),
      CALL(lmm_generate_options_set_on_progress, w_options, nullptr, nullptr, nullptr),
      CALL(lmm_session_create, w_model, nullptr, &session),
      CALL(lmm_session_ask, w_session, message, nullptr, nullptr, nullptr, &reply),
      CALL(lmm_session_start, w_session, message, nullptr, &pending),
      CALL(lmm_session_history, w_session, &turns),
      CALL(lmm_session_set_history, w_session, history),
      CALL(lmm_session_pop, w_session, &taken),
      CALL(lmm_session_edit_last, w_session, message, nullptr, nullptr, nullptr, &reply),
      CALL(lmm_session_reset, w_session),
      CALL(lmm_session_fork, w_session, &session),
      CALL(lmm_pending_poll, w_pending, nullptr, 0, nullptr, nullptr),
      CALL(lmm_pending_get, w_pending, &reply),
      CALL(lmm_pending_progress, w_pending, nullptr, nullptr, nullptr),
      CALL(lmm_pending_step, w_pending, 1000, nullptr),
      CALL(lmm_listen_options_set_speech, w_listen, nullptr),
      CALL(lmm_listen_options_set_silence, w_listen, 1.0),
      CALL(lmm_listen_options_set_partial_after, w_listen, 1.0),
      CALL(lmm_listen_options_set_longest, w_listen, 10.0),
      CALL(lmm_session_listen, w_session, nullptr, &listener),
      CALL(lmm_listener_push, w_listener, nullptr, 0, 16000, 1, LMM_SAMPLE_F32),
      CALL(lmm_listener_finish, w_listener),
      CALL(lmm_listener_next, w_listener, 0, &utterance),
  };
#undef CALL
}

}  // namespace

TEST_CASE("NULL in place of each object") {
  for (const auto& [name, call] : calls_about(nullptr)) {
    INFO(name);
    fails(LMM_ERROR_INVALID_ARGUMENT, {"NULL"}, call);
  }
}

TEST_CASE("an object of another type in place of each object") {
  Own<lmm_text> text;
  Own<lmm_tokenizer> tokenizer;
  ok([&](lmm_error** e) { return lmm_model_tokenizer(model(), &tokenizer, e); });
  ok([&](lmm_error** e) { return lmm_tokenizer_decode(tokenizer, nullptr, 0, 1, &text, e); });
  lmm_text* wrong = text;
  for (const auto& [name, call] : calls_about(wrong)) {
    INFO(name);
    fails(LMM_ERROR_INVALID_ARGUMENT, {"another type"}, call);
  }
  CHECK(lmm_image_width(reinterpret_cast<lmm_image*>(wrong)) == 0);
  CHECK(lmm_reply_text(reinterpret_cast<lmm_reply*>(wrong), nullptr) == nullptr);
  lmm_session_free(reinterpret_cast<lmm_session*>(wrong));  // does nothing
  CHECK(lmm_text_data(text, nullptr) != nullptr);
}

namespace {

/// The host's memory, given back at the end only: what is freed stays as it was left.
struct Arena {
  std::vector<void*> blocks;
  lmm_allocator allocator{this,
                          [](void* user, std::size_t size) {
                            void* block = std::malloc(size);
                            static_cast<Arena*>(user)->blocks.push_back(block);
                            return block;
                          },
                          [](void*, void*) {}};
  ~Arena() {
    for (void* block : blocks) std::free(block);
  }
};

}  // namespace

TEST_CASE("freed objects, where their memory was not used again") {
  Arena arena;
  lmm_message* message = nullptr;
  REQUIRE(lmm_message_create(&arena.allocator, &message, nullptr) == LMM_OK);
  lmm_message_free(message);
  fails(LMM_ERROR_INVALID_ARGUMENT, {"freed"}, [&](lmm_error** e) { return lmm_message_add_text(message, "x", 1, e); });
  CHECK(lmm_message_count(message) == 0);
  lmm_message_free(message);  // a second time: does nothing

  lmm_model* loaded = nullptr;
  REQUIRE(lmm_model_load(&arena.allocator, LMM_POCKET_MODEL, LMM_STRLEN, nullptr, &loaded, nullptr) == LMM_OK);
  lmm_session* session = nullptr;
  REQUIRE(lmm_session_create(loaded, nullptr, &session, nullptr) == LMM_OK);
  lmm_pending* pending = nullptr;
  REQUIRE(lmm_session_start(session, say("Count."), nullptr, &pending, nullptr) == LMM_OK);
  lmm_pending_free(pending);
  lmm_session_free(session);
  lmm_model_free(loaded);
  for (void* freed : std::initializer_list<void*>{pending, session, loaded, message}) {
    for (const auto& [name, call] : calls_about(freed)) {
      INFO(name);
      CHECK(call(nullptr) == LMM_ERROR_INVALID_ARGUMENT);
    }
  }
  lmm_pending_cancel(pending);
  lmm_pending_pause(pending);
  lmm_pending_resume(pending);
  lmm_session_cancel(session);
  CHECK(lmm_model_info(loaded) == nullptr);
  lmm_session_free(session);
  lmm_model_free(loaded);
}

TEST_CASE("NULL in place of each result") {
  const Own<lmm_session> session = new_session();
  const Own<lmm_message> message = say("Hello.");
  Own<lmm_tokenizer> tokenizer;
  ok([&](lmm_error** e) { return lmm_model_tokenizer(model(), &tokenizer, e); });
  const std::string file = picture_file();
  const std::vector<Call> calls = {
      [&](lmm_error** e) { return lmm_image_open(nullptr, file.data(), file.size(), nullptr, e); },
      [&](lmm_error** e) { return lmm_image_decode(nullptr, "x", 1, nullptr, e); },
      [&](lmm_error** e) { return lmm_image_from_pixels(nullptr, "abc", 3, 1, 1, 0, LMM_PIXEL_RGB, 0, nullptr, e); },
      [&](lmm_error** e) { return lmm_message_create(nullptr, nullptr, e); },
      [&](lmm_error** e) { return lmm_history_create(nullptr, nullptr, e); },
      [&](lmm_error** e) { return lmm_load_options_create(nullptr, nullptr, e); },
      [&](lmm_error** e) { return lmm_session_options_create(nullptr, nullptr, e); },
      [&](lmm_error** e) { return lmm_generate_options_create(nullptr, nullptr, e); },
      [&](lmm_error** e) { return lmm_info_read(nullptr, LMM_POCKET_MODEL, LMM_STRLEN, nullptr, e); },
      [&](lmm_error** e) { return lmm_model_load(nullptr, LMM_POCKET_MODEL, LMM_STRLEN, nullptr, nullptr, e); },
      [&](lmm_error** e) { return lmm_tokenizer_load(nullptr, LMM_POCKET_MODEL, LMM_STRLEN, nullptr, e); },
      [&](lmm_error** e) { return lmm_model_tokenizer(model(), nullptr, e); },
      [&](lmm_error** e) { return lmm_tokenizer_encode(tokenizer, "x", 1, 1, 1, nullptr, e); },
      [&](lmm_error** e) { return lmm_tokenizer_decode(tokenizer, nullptr, 0, 1, nullptr, e); },
      [&](lmm_error** e) { return lmm_session_create(model(), nullptr, nullptr, e); },
      [&](lmm_error** e) { return lmm_session_ask(session, message, nullptr, nullptr, nullptr, nullptr, e); },
      [&](lmm_error** e) { return lmm_session_edit_last(session, message, nullptr, nullptr, nullptr, nullptr, e); },
      [&](lmm_error** e) { return lmm_session_start(session, message, nullptr, nullptr, e); },
      [&](lmm_error** e) { return lmm_session_history(session, nullptr, e); },
      [&](lmm_error** e) { return lmm_session_fork(session, nullptr, e); },
      [&](lmm_error** e) { return lmm_session_ask(session, nullptr, nullptr, nullptr, nullptr, nullptr, e); },
      [&](lmm_error** e) { return lmm_session_set_history(session, nullptr, e); },
  };
  for (std::size_t i = 0; i < calls.size(); ++i) {
    INFO(i);
    fails(LMM_ERROR_INVALID_ARGUMENT, {"NULL"}, calls[i]);
  }
  CHECK(turns_of(session) == 0);
}

TEST_CASE("two threads on one session: one answers, the other is told") {
  const Own<lmm_session> session = new_session();
  const Own<lmm_message> message = say("Count.");
  struct Shared {
    lmm_session* session;
    const lmm_message* message;
    lmm_code other = LMM_OK;
  } shared{session, message, LMM_OK};
  const lmm_on_piece on_piece = [](void* user, const char*, std::size_t) -> int32_t {
    auto* both = static_cast<Shared*>(user);
    std::thread([both] {
      Own<lmm_reply> reply;
      both->other = lmm_session_ask(both->session, both->message, nullptr, nullptr, nullptr, &reply, nullptr);
    }).join();
    return LMM_STOP;
  };
  ask(session, message, new_options(50, true), on_piece, &shared);
  CHECK(shared.other == LMM_ERROR_BUSY);
  CHECK(turns_of(session) == 2);
}

TEST_CASE("many threads, a session each, one model") {
  const Own<lmm_image> image = open_picture();
  const Own<lmm_message> message = say("Name the object.", image);
  const std::string expected = text_of(ask(new_session(), message));
  std::atomic<int> right{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 6; ++i) {
    threads.emplace_back([&] {
      Own<lmm_session> session;
      Own<lmm_reply> reply;
      if (lmm_session_create(model(), nullptr, &session, nullptr) != LMM_OK) return;
      if (lmm_session_ask(session, message, nullptr, nullptr, nullptr, &reply, nullptr) != LMM_OK) return;
      if (text_of(reply) == expected) ++right;
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(right == 6);
}

TEST_CASE("a session freed by its own callback") {
  struct Host {
    lmm_session* session;
    int pieces = 0;
  };
  Own<lmm_session> session = new_session();
  Host host{session.release(), 0};
  const lmm_on_piece on_piece = [](void* user, const char*, std::size_t) -> int32_t {
    auto& me = *static_cast<Host*>(user);
    if (++me.pieces == 1) lmm_session_free(me.session);
    return LMM_GO_ON;
  };
  Own<lmm_reply> reply;
  const Own<lmm_message> message = say("Count.");
  const lmm_code code =
      lmm_session_ask(host.session, message, new_options(240, true), on_piece, &host, &reply, nullptr);
  CHECK(code == LMM_OK);
  CHECK(lmm_reply_finish_reason(reply) == LMM_FINISH_CANCELLED);
  CHECK(host.pieces == 1);
}

TEST_CASE("a session freed by another thread while it answers") {
  Own<lmm_session> session = new_session();
  lmm_session* answering = session.release();
  std::thread other;
  std::pair<lmm_session*, std::thread*> shared{answering, &other};
  const lmm_on_piece on_piece = [](void* user, const char*, std::size_t) -> int32_t {
    auto& [object, thread] = *static_cast<std::pair<lmm_session*, std::thread*>*>(user);
    if (!thread->joinable()) *thread = std::thread([object = object] { lmm_session_free(object); });
    return LMM_GO_ON;
  };
  const Own<lmm_message> message = say("Count.");
  Own<lmm_reply> reply;
  CHECK(lmm_session_ask(answering, message, new_options(240, true), on_piece, &shared, &reply, nullptr) == LMM_OK);
  REQUIRE(other.joinable());
  other.join();
  CHECK(lmm_reply_new_tokens(reply) > 0);
}

TEST_CASE("everything freed in the middle of an answer, in every order") {
  for (int order = 0; order < 6; ++order) {
    Own<lmm_model> loaded;
    ok([&](lmm_error** e) { return lmm_model_load(nullptr, LMM_POCKET_MODEL, LMM_STRLEN, nullptr, &loaded, e); });
    Own<lmm_session> session = new_session(loaded);
    Own<lmm_pending> pending;
    ok([&](lmm_error** e) {
      return lmm_session_start(session, say("Count.", open_picture()), new_options(200, true), &pending, e);
    });
    if (order % 2 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(10 * order));
    for (int i = 0; i < 3; ++i) {
      const int which = order < 3 ? (order + i) % 3 : (order - i) % 3;
      if (which == 0) loaded.reset();
      if (which == 1) session.reset();
      if (which == 2) pending.reset();
    }
  }
  CHECK(lmm_reply_new_tokens(ask(new_session(), say("Hello."))) > 0);
}

TEST_CASE("a pending reply outlives its session") {
  Own<lmm_session> session = new_session();
  Own<lmm_pending> pending;
  ok([&](lmm_error** e) { return lmm_session_start(session, say("Count."), new_options(240, true), &pending, e); });
  session.reset();
  Own<lmm_reply> reply;
  const lmm_code code = lmm_pending_get(pending, &reply, nullptr);
  CHECK((code == LMM_ERROR_CANCELLED || (code == LMM_OK && lmm_reply_new_tokens(reply) > 0)));
}
