// The host's allocator: everything handed out lies in it, nothing is left behind, and when it fails nothing is lost.

#include "tests/capi/support.hpp"

#include <algorithm>
#include <chrono>
#include <new>
#include <thread>

namespace {
thread_local std::size_t made_by_new = 0;  // on this thread, in all libraries of the process
}

void* operator new(std::size_t size) {
  ++made_by_new;
  if (void* memory = std::malloc(size == 0 ? 1 : size)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

using namespace capi_test;

namespace {

/// Runs a call with an allocator that fails at its first, second, ... allocation, until it succeeds. Each failure is
/// `out_of_memory` and leaves nothing behind. Returns how many allocations the call needs.
template <typename T>
std::size_t fail_each(
    Allocator& allocator, const std::function<lmm_code(T**, lmm_error**)>& call,
    const std::function<void()>& unchanged = [] {}) {
  const std::size_t before = allocator.live();
  for (std::size_t count = 0;; ++count) {
    REQUIRE(count < 1000);
    T* object = untouched<T>();
    Own<lmm_error> error;
    allocator.fail_after(count);
    const lmm_code code = call(&object, &error);
    allocator.fail_never();
    if (code == LMM_OK) {
      CHECK(allocator.live() > before);
      free_object(object);
      CHECK(allocator.live() == before);
      return count;
    }
    REQUIRE(code == LMM_ERROR_OUT_OF_MEMORY);
    CHECK(object == untouched<T>());
    CHECK(lmm_error_code(error) == LMM_ERROR_OUT_OF_MEMORY);
    CHECK(std::string(lmm_error_message(error, nullptr)) == "out of memory");
    CHECK(allocator.live() == before);
    unchanged();
  }
}

Own<lmm_model> load(const lmm_allocator* allocator) {
  Own<lmm_model> loaded;
  ok([&](lmm_error** e) { return lmm_model_load(allocator, LMM_POCKET_MODEL, LMM_STRLEN, nullptr, &loaded, e); });
  return loaded;
}

}  // namespace

TEST_CASE("an allocator that is not whole is refused") {
  lmm_allocator allocator{nullptr, nullptr, nullptr};
  fails(LMM_ERROR_INVALID_ARGUMENT, {"allocator"}, [&](lmm_error** e) {
    Own<lmm_message> message;
    return lmm_message_create(&allocator, &message, e);
  });
}

TEST_CASE("objects out of nothing") {
  Allocator allocator;
  CHECK(fail_each<lmm_message>(
            allocator, [&](lmm_message** m, lmm_error** e) { return lmm_message_create(allocator, m, e); }) == 1);
  CHECK(fail_each<lmm_history>(
            allocator, [&](lmm_history** h, lmm_error** e) { return lmm_history_create(allocator, h, e); }) == 1);
  CHECK(fail_each<lmm_load_options>(allocator, [&](lmm_load_options** o, lmm_error** e) {
          return lmm_load_options_create(allocator, o, e);
        }) == 1);
  CHECK(fail_each<lmm_session_options>(allocator, [&](lmm_session_options** o, lmm_error** e) {
          return lmm_session_options_create(allocator, o, e);
        }) == 1);
  CHECK(fail_each<lmm_generate_options>(allocator, [&](lmm_generate_options** o, lmm_error** e) {
          return lmm_generate_options_create(allocator, o, e);
        }) == 1);
  CHECK(fail_each<lmm_image>(allocator, [&](lmm_image** i, lmm_error** e) {
          return lmm_image_open(allocator, picture_file().c_str(), LMM_STRLEN, i, e);
        }) == 1);
  CHECK(fail_each<lmm_info>(allocator, [&](lmm_info** i, lmm_error** e) {
          return lmm_info_read(allocator, LMM_POCKET_MODEL, LMM_STRLEN, i, e);
        }) > 3);
  CHECK(fail_each<lmm_tokenizer>(allocator, [&](lmm_tokenizer** t, lmm_error** e) {
          return lmm_tokenizer_load(allocator, LMM_POCKET_MODEL, LMM_STRLEN, t, e);
        }) == 1);
}

TEST_CASE("messages and histories") {
  Allocator allocator;
  {
    const Own<lmm_image> image = open_picture("burger.png", allocator);
    const Own<lmm_message> message =
        say("A text that is longer than what a string holds in itself.", nullptr, allocator);
    Own<lmm_history> history;
    ok([&](lmm_error** e) { return lmm_history_create(allocator, &history, e); });
    const auto each = [&](const std::function<lmm_code(lmm_error**)>& call, const std::function<std::size_t()>& count) {
      const std::size_t before = count();
      for (std::size_t allowed = 0;; ++allowed) {
        REQUIRE(allowed < 100);
        allocator.fail_after(allowed);
        const lmm_code code = call(nullptr);
        allocator.fail_never();
        if (code == LMM_OK) break;
        REQUIRE(code == LMM_ERROR_OUT_OF_MEMORY);
        CHECK(count() == before);
      }
      CHECK(count() == before + 1);
    };
    for (int i = 0; i < 9; ++i) {  // more than once beyond a vector's capacity
      each(
          [&](lmm_error** e) {
            return lmm_message_add_text(message, "another text, too long to be held in place", LMM_STRLEN, e);
          },
          [&] { return lmm_message_count(message); });
      each([&](lmm_error** e) { return lmm_message_add_image(message, image, e); },
           [&] { return lmm_message_count(message); });
      each([&](lmm_error** e) { return lmm_history_add(history, "user", 4, message, e); },
           [&] { return lmm_history_count(history); });
    }
  }
  CHECK(allocator.live() == 0);
}

TEST_CASE("a model and all that comes of it") {
  Allocator allocator;
  {
    const Own<lmm_model> loaded = load(allocator);
    CHECK(fail_each<lmm_tokenizer>(
              allocator, [&](lmm_tokenizer** t, lmm_error** e) { return lmm_model_tokenizer(loaded, t, e); }) == 1);
    Own<lmm_tokenizer> tokenizer;
    ok([&](lmm_error** e) { return lmm_model_tokenizer(loaded, &tokenizer, e); });
    CHECK(fail_each<lmm_tokens>(allocator, [&](lmm_tokens** t, lmm_error** e) {
            return lmm_tokenizer_encode(tokenizer, "a burger", 8, 1, 1, t, e);
          }) > 2);
    const int32_t ids[] = {100, 101, 102, 103, 104, 105, 106, 107, 108, 109};
    CHECK(fail_each<lmm_text>(allocator, [&](lmm_text** t, lmm_error** e) {
            return lmm_tokenizer_decode(tokenizer, ids, 10, 1, t, e);
          }) > 0);
    CHECK(fail_each<lmm_tokens>(allocator, [&](lmm_tokens** t, lmm_error** e) {
            Own<lmm_text> text;
            lmm_text* kept = untouched<lmm_text>();
            const lmm_code code =
                lmm_tokenizer_render(tokenizer, R"([{"role": "user", "content": "Hello."}])", LMM_STRLEN, &kept, t, e);
            if (code == LMM_OK)
              lmm_text_free(kept);
            else
              CHECK(kept == untouched<lmm_text>());
            return code;
          }) > 3);

    CHECK(fail_each<lmm_session>(allocator, [&](lmm_session** s, lmm_error** e) {
            return lmm_session_create(loaded, nullptr, s, e);
          }) == 1);
    const Own<lmm_session> session = new_session(loaded);
    const Own<lmm_message> message = say("Find the fish.", open_picture("fish.png"));
    const Own<lmm_generate_options> options = new_options(32);
    std::size_t turns = 0;
    const auto same_turns = [&] { CHECK(turns_of(session) == turns); };

    CHECK(fail_each<lmm_pending>(
              allocator,
              [&](lmm_pending** p, lmm_error** e) { return lmm_session_start(session, message, options, p, e); },
              same_turns) == 1);
    ok([&](lmm_error** e) { return lmm_session_reset(session, e); });
    CHECK(fail_each<lmm_reply>(
              allocator,
              [&](lmm_reply** r, lmm_error** e) {
                return lmm_session_ask(session, message, options, nullptr, nullptr, r, e);
              },
              same_turns) > 1);
    turns = 2;
    same_turns();
    CHECK(fail_each<lmm_reply>(
              allocator,
              [&](lmm_reply** r, lmm_error** e) {
                return lmm_session_edit_last(session, message, options, nullptr, nullptr, r, e);
              },
              same_turns) > 1);
    CHECK(fail_each<lmm_history>(
              allocator, [&](lmm_history** h, lmm_error** e) { return lmm_session_history(session, h, e); }) > 3);
    CHECK(fail_each<lmm_session>(
              allocator, [&](lmm_session** s, lmm_error** e) { return lmm_session_fork(session, s, e); }, same_turns) ==
          1);
    CHECK(fail_each<lmm_message>(
              allocator, [&](lmm_message** m, lmm_error** e) { return lmm_session_pop(session, m, e); }, same_turns) >
          1);
    turns = 0;
    same_turns();
  }
  CHECK(allocator.live() == 0);
}

TEST_CASE("a reply for which there was no memory is still there for the next try") {
  Allocator allocator;
  {
    const Own<lmm_model> loaded = load(allocator);
    const Own<lmm_session> session = new_session(loaded);
    Own<lmm_pending> pending;
    const Own<lmm_message> message = say("Name the object.", open_picture());
    ok([&](lmm_error** e) { return lmm_session_start(session, message, nullptr, &pending, e); });
    allocator.fail_after(0);
    Own<lmm_reply> reply;
    CHECK(lmm_pending_get(pending, &reply, nullptr) == LMM_ERROR_OUT_OF_MEMORY);
    allocator.fail_never();
    ok([&](lmm_error** e) { return lmm_pending_get(pending, &reply, e); });
    CHECK(text_of(reply).find("burger") != std::string::npos);
    CHECK(turns_of(session) == 2);
  }
}

TEST_CASE("an error for which there is no memory keeps its code") {
  Allocator allocator;
  allocator.fail_after(0);
  for (int i = 0; i < 2; ++i) {
    Own<lmm_error> error;
    Own<lmm_image> image;
    CHECK(lmm_image_open(allocator, "/no/such/file", LMM_STRLEN, &image, &error) == LMM_ERROR_NOT_FOUND);
    CHECK(lmm_error_code(error) == LMM_ERROR_NOT_FOUND);
    CHECK(std::string(lmm_error_message(error, nullptr)).starts_with("not found"));
  }
  CHECK(allocator.total() == 0);
}

TEST_CASE("errors lie in the memory of the object they are about") {
  Allocator allocator;
  {
    const Own<lmm_message> message = say("x", nullptr, allocator);
    const std::size_t before = allocator.live();
    Own<lmm_error> error;
    CHECK(lmm_message_add_text(message, "\xFF", 1, &error) == LMM_ERROR_INVALID_ARGUMENT);
    CHECK(allocator.live() == before + 1);
  }
  CHECK(allocator.live() == 0);
}

TEST_CASE("polling allocates nothing") {
  Allocator allocator;
  {
    const Own<lmm_model> loaded = load(allocator);
    const Own<lmm_session> session = new_session(loaded);
    Own<lmm_pending> pending;
    ok([&](lmm_error** e) { return lmm_session_start(session, say("Count."), new_options(100, true), &pending, e); });
    const std::size_t before = allocator.total();
    std::size_t most = 0;
    lmm_state state = LMM_STATE_RUNNING;
    while (state == LMM_STATE_RUNNING) {
      char buffer[64];
      std::size_t length = 0;
      const std::size_t made = made_by_new;
      const lmm_code code = lmm_pending_poll(pending, buffer, sizeof buffer, &length, &state, nullptr);
      most = std::max(most, made_by_new - made);
      REQUIRE(code == LMM_OK);
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    CHECK(most == 0);
    CHECK(allocator.total() == before);
    const Own<lmm_generate_options> options = new_options(1);
    const std::size_t made = made_by_new;
    lmm_generate_options_add_stop(options, "a text that is longer than a string holds in itself", LMM_STRLEN, nullptr);
    CHECK(made_by_new > made);  // the counter does see the library's
  }
}

TEST_CASE("many threads share one allocator") {
  Allocator allocator;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 50; ++i) {
        const Own<lmm_message> message =
            say("A text that is longer than what a string holds in itself.", nullptr, allocator);
        Own<lmm_error> error;
        CHECK(lmm_message_add_text(message, nullptr, 1, &error) == LMM_ERROR_INVALID_ARGUMENT);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}
