// Hosts that are not as usual: forked, of another locale, with flush-to-zero set, without standard output.

#include "tests/capi/support.hpp"
#include "tests/host_locale.hpp"

#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cfenv>
#include <chrono>
#include <filesystem>
#include <thread>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

using namespace capi_test;

namespace {

/// Runs `body` in a forked child; gives its exit code, or -1 where it did not end by itself within a minute.
int in_child(const std::function<int()>& body) {
  std::fflush(nullptr);
  const pid_t child = ::fork();
  if (child == 0) {
    ::alarm(60);
    ::_exit(body());
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

std::string answer_of(const lmm_model* of) {
  return text_of(ask(new_session(of), say("Name the object.", open_picture())));
}

/// In a child: loads the model and asks it about the picture. 0 where the answer is `expected`, else which call failed.
int ask_anew(const std::string& expected) {
  Own<lmm_model> loaded;
  Own<lmm_session> session;
  Own<lmm_message> message;
  Own<lmm_image> image;
  Own<lmm_reply> reply;
  if (lmm_model_load(nullptr, LMM_POCKET_MODEL, LMM_STRLEN, nullptr, &loaded, nullptr) != LMM_OK) return 2;
  if (lmm_session_create(loaded, nullptr, &session, nullptr) != LMM_OK) return 3;
  if (lmm_image_open(nullptr, picture_file().c_str(), LMM_STRLEN, &image, nullptr) != LMM_OK) return 4;
  if (lmm_message_create(nullptr, &message, nullptr) != LMM_OK) return 5;
  if (lmm_message_add_image(message, image, nullptr) != LMM_OK) return 5;
  if (lmm_message_add_text(message, "Name the object.", LMM_STRLEN, nullptr) != LMM_OK) return 5;
  if (lmm_session_ask(session, message, nullptr, nullptr, nullptr, &reply, nullptr) != LMM_OK) return 6;
  return text_of(reply) == expected ? 0 : 7;
}

Own<lmm_model> load_anew() {
  Own<lmm_model> loaded;
  ok([&](lmm_error** e) { return lmm_model_load(nullptr, LMM_POCKET_MODEL, LMM_STRLEN, nullptr, &loaded, e); });
  return loaded;
}

}  // namespace

TEST_CASE("after fork, what needs the worker is an error, and the rest works") {
  Own<lmm_session> session = new_session();
  const std::string expected = text_of(ask(session, say("Name the object.", open_picture())));
  Own<lmm_pending> pending;
  ok([&](lmm_error** e) { return lmm_session_start(session, say("Count."), new_options(100, true), &pending, e); });
  const int code = in_child([&] {
    Own<lmm_error> error;
    Own<lmm_reply> reply;
    Own<lmm_session> copy;
    Own<lmm_message> message;
    if (lmm_message_create(nullptr, &message, nullptr) != LMM_OK) return 2;
    if (lmm_message_add_text(message, "Hello.", 6, nullptr) != LMM_OK) return 3;
    Own<lmm_session> fresh;
    if (lmm_session_create(model(), nullptr, &fresh, nullptr) != LMM_OK) return 4;
    if (lmm_session_ask(fresh, message, nullptr, nullptr, nullptr, &reply, &error) != LMM_ERROR_UNSUPPORTED) return 5;
    if (std::string(lmm_error_message(error, nullptr)).find("fork") == std::string::npos) return 6;
    if (lmm_session_fork(fresh, &copy, nullptr) != LMM_ERROR_UNSUPPORTED) return 7;
    Own<lmm_image> image;
    if (lmm_image_open(nullptr, picture_file().c_str(), LMM_STRLEN, &image, nullptr) != LMM_OK) return 8;
    fresh.reset();
    return 0;
  });
  CHECK(code == 0);
  pending.reset();
  CHECK(text_of(ask(new_session(), say("Name the object.", open_picture()))) == expected);
}

TEST_CASE("after fork, a model can be loaded anew") {
  const std::string expected = answer_of(model());
  CHECK(in_child([&] { return ask_anew(expected); }) == 0);
}

namespace {

std::string rendered(const char* json) {
  Own<lmm_tokenizer> tokenizer;
  ok([&](lmm_error** e) { return lmm_tokenizer_load(nullptr, LMM_POCKET_MODEL, LMM_STRLEN, &tokenizer, e); });
  Own<lmm_text> text;
  ok([&](lmm_error** e) { return lmm_tokenizer_render(tokenizer, json, LMM_STRLEN, &text, nullptr, e); });
  return lmm_text_data(text, nullptr);
}

/// All that parses or prints numbers and letters, in one string.
std::string everything() {
  std::string all;
  {
    const Own<lmm_model> loaded = load_anew();  // config.json with its eps, scales and rope_theta
    all += answer_of(loaded);
  }
  all += rendered(R"([{"role": "user", "content": "TITLE title I i 0.5 1234567.25"}])");
  Own<lmm_generate_options> options = new_options(8);
  Own<lmm_error> error;
  lmm_generate_options_set_top_p(options, 1.5, &error);
  all += lmm_error_message(error, nullptr);
  error.reset();
  lmm_image_from_pixels(nullptr, "abc", 3, 1234567, 1, 0, LMM_PIXEL_RGB, 0, untouched<lmm_image*>(), &error);
  all += lmm_error_message(error, nullptr);
  Own<lmm_session_options> session_options;
  ok([&](lmm_error** e) { return lmm_session_options_create(nullptr, &session_options, e); });
  ok([&](lmm_error** e) {
    return lmm_session_options_set_template_variables(session_options, R"({"x": 0.25, "TITLE": "I"})", LMM_STRLEN, e);
  });
  return all;
}

}  // namespace

TEST_CASE("the host's locale changes nothing, and is not changed") {
  const std::string expected = everything();
  CHECK(expected.find("1.5") != std::string::npos);
  CHECK(expected.find("1234567") != std::string::npos);
  const std::pair<const char*, const char*> locales[] = {
      {"de_DE", "UTF-8"}, {"de_DE", "ISO-8859-1"}, {"tr_TR", "UTF-8"}, {"tr_TR", "ISO-8859-9"}};
  for (const auto& [language, charset] : locales) {
    const HostLocale locale(language, charset);
    if (!locale.set()) {
      MESSAGE("skipped: no locale " << language << "." << charset << ", and localedef cannot make it");
      continue;
    }
    INFO(language << "." << charset);
    CHECK(std::string(::localeconv()->decimal_point) == ",");
    CHECK(everything() == expected);
    CHECK(std::string(::localeconv()->decimal_point) == ",");
  }
}

#if defined(__x86_64__)
TEST_CASE("a host that flushes denormals and rounds otherwise: the worker does not, and the host's setting stays") {
  const std::string expected = answer_of(model());
  constexpr unsigned kFlush = 0x8040;  // flush to zero, denormals are zero
  const unsigned before = _mm_getcsr();
  _mm_setcsr(before | kFlush);
  std::fesetround(FE_UPWARD);
  const unsigned set = _mm_getcsr();

  std::atomic<int> calls{0};
  std::atomic<int> wrong{0};
  std::pair<std::atomic<int>*, std::atomic<int>*> counts{&calls, &wrong};
  const lmm_on_tap on_tap = [](void* user, const char*, std::size_t, const int64_t*, std::size_t,
                               const float*) -> int32_t {
    auto& [seen, bad] = *static_cast<std::pair<std::atomic<int>*, std::atomic<int>*>*>(user);
    ++*seen;
    if ((_mm_getcsr() & kFlush) != 0 || std::fegetround() != FE_TONEAREST) ++*bad;
    return LMM_GO_ON;
  };
  {
    const Own<lmm_model> loaded = load_anew();  // its threads begin here
    const Own<lmm_generate_options> options = new_options(16);
    ok([&](lmm_error** e) { return lmm_generate_options_set_on_tap(options, "*", 1, on_tap, &counts, nullptr, e); });
    CHECK(text_of(ask(new_session(loaded), say("Name the object.", open_picture()), options)) == expected);
    fails(LMM_ERROR_INVALID_ARGUMENT, {"typical_p"},
          [&](lmm_error** e) { return lmm_generate_options_set_typical_p(options, 0, e); });
    ok([&](lmm_error** e) { return lmm_generate_options_set_typical_p(options, 0.5, e); });
  }
  CHECK((_mm_getcsr() & ~0x3Fu) == (set & ~0x3Fu));  // but for the flags of what happened
  _mm_setcsr(before);
  std::fesetround(FE_TONEAREST);
  CHECK(calls > 0);
  CHECK(wrong == 0);
}
#endif

TEST_CASE("standard input, output and error closed") {
  const std::string expected = answer_of(model());
  const int code = in_child([&] {
    for (const int fd : {0, 1, 2}) ::close(fd);
    if (const int failed = ask_anew(expected)) return failed;
    Own<lmm_image> image;
    Own<lmm_error> error;
    return lmm_image_open(nullptr, "/no/such/file", LMM_STRLEN, &image, &error) == LMM_ERROR_NOT_FOUND ? 0 : 8;
  });
  CHECK(code == 0);
}

TEST_CASE("nothing is printed, and no signal handler is put up") {
  struct sigaction before[65];
  for (int signal = 1; signal < 65; ++signal) ::sigaction(signal, nullptr, &before[signal]);
  const std::filesystem::path file =
      std::filesystem::temp_directory_path() / ("lmm-output-" + std::to_string(::getpid()));
  std::fflush(nullptr);
  const int out = ::dup(1);
  const int err = ::dup(2);
  FILE* sink = std::fopen(file.c_str(), "w");
  ::dup2(::fileno(sink), 1);
  ::dup2(::fileno(sink), 2);
  {
    const Own<lmm_model> loaded = load_anew();
    answer_of(loaded);
    Own<lmm_image> image;
    lmm_image_open(nullptr, (model_folder() + "/config.json").c_str(), LMM_STRLEN, &image, nullptr);
    lmm_image_decode(nullptr, "\x89PNG\r\n\x1A\n broken", 16, &image, nullptr);
    lmm_image_decode(nullptr, "\xFF\xD8\xFF\xE0 broken", 11, &image, nullptr);
  }
  std::fflush(nullptr);
  ::dup2(out, 1);
  ::dup2(err, 2);
  for (const int fd : {out, err}) ::close(fd);
  std::fclose(sink);
  CHECK(std::filesystem::file_size(file) == 0);
  std::filesystem::remove(file);
  for (int signal = 1; signal < 65; ++signal) {
    struct sigaction now;
    if (::sigaction(signal, nullptr, &now) != 0) continue;
    INFO(signal);
    const bool same = now.sa_handler == before[signal].sa_handler;
    CHECK(same);
  }
}
