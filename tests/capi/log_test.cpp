#include "tests/capi/model_copy.hpp"
#include "tests/capi/support.hpp"

#include <chrono>
#include <thread>

using namespace capi_test;

namespace {

struct Lines {
  std::mutex mutex;
  std::vector<std::pair<lmm_log_level, std::string>> lines;
  std::atomic<int> released{0};

  static void on_log(void* user, lmm_log_level level, const char* line, std::size_t length) {
    auto& self = *static_cast<Lines*>(user);
    const std::lock_guard lock(self.mutex);
    self.lines.emplace_back(level, std::string(line, length));
  }
  static void release(void* user) { ++static_cast<Lines*>(user)->released; }

  bool have(lmm_log_level level, const std::vector<std::string>& parts) {
    const std::lock_guard lock(mutex);
    for (const auto& [of, line] : lines) {
      bool all = of == level && line.find('\n') == std::string::npos;
      for (const std::string& part : parts) all = all && line.find(part) != std::string::npos;
      if (all) return true;
    }
    return false;
  }
};

Own<lmm_model> load(const std::string& folder, lmm_on_log on_log, Lines& lines) {
  Own<lmm_load_options> options;
  ok([&](lmm_error** e) { return lmm_load_options_create(nullptr, &options, e); });
  ok([&](lmm_error** e) { return lmm_load_options_set_threads(options, 1, e); });
  ok([&](lmm_error** e) { return lmm_load_options_set_on_log(options, on_log, &lines, Lines::release, e); });
  Own<lmm_model> loaded;
  ok([&](lmm_error** e) { return lmm_model_load(nullptr, folder.data(), folder.size(), options, &loaded, e); });
  return loaded;
}

}  // namespace

TEST_CASE("the log tells what was loaded and how each reply came about, and is released with the model") {
  Lines lines;
  {
    Own<lmm_model> loaded = load(model_folder(), Lines::on_log, lines);
    CHECK(lines.have(LMM_LOG_INFO, {model_folder(), "idefics3", "fp16", "fp32", "cpu", "1 threads", "kernels", " s"}));
    CHECK(!lines.have(LMM_LOG_WARNING, {}));
    const Own<lmm_session> session = new_session(loaded);
    ask(session, say("Name the object.", open_picture()));
    CHECK(lines.have(LMM_LOG_DEBUG, {"prompt tokens", "100 of them from pictures", "eos", "prefill"}));
    const Own<lmm_message> longer = say(std::string(3000, 'x').c_str());
    Own<lmm_reply> reply;
    CHECK(lmm_session_ask(session, longer, nullptr, nullptr, nullptr, &reply, nullptr) == LMM_ERROR_CONTEXT_OVERFLOW);
    CHECK(lines.have(LMM_LOG_DEBUG, {"no reply", "512"}));
    loaded.reset();
    CHECK(lines.released == 0);
  }
  for (int i = 0; i < 5000 && lines.released == 0; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  CHECK(lines.released == 1);
}

TEST_CASE("what a checkpoint lacks is told") {
  const ModelCopy copy;
  std::filesystem::remove(copy.folder() / "chat_template.jinja");
  Lines lines;
  const Own<lmm_model> loaded = load(copy.folder().string(), Lines::on_log, lines);
  CHECK(lines.have(LMM_LOG_INFO, {"no chat template"}));
}

TEST_CASE("a log that throws, or calls what waits, does no harm") {
  Lines lines;
  const Own<lmm_model> loaded = load(
      model_folder(), [](void*, lmm_log_level, const char*, std::size_t) { throw 1; }, lines);
  CHECK(lmm_reply_new_tokens(ask(new_session(loaded), say("Hello."))) > 0);

  struct Host {
    lmm_session* session = nullptr;
    lmm_message* message = nullptr;
    std::atomic<int> busy{0};
  } host;
  Own<lmm_load_options> options;
  ok([&](lmm_error** e) { return lmm_load_options_create(nullptr, &options, e); });
  const lmm_on_log on_log = [](void* user, lmm_log_level, const char*, std::size_t) {
    auto& me = *static_cast<Host*>(user);
    Own<lmm_reply> reply;
    if (me.session == nullptr) return;
    if (lmm_session_ask(me.session, me.message, nullptr, nullptr, nullptr, &reply, nullptr) == LMM_ERROR_BUSY)
      ++me.busy;
  };
  ok([&](lmm_error** e) { return lmm_load_options_set_on_log(options, on_log, &host, nullptr, e); });
  Own<lmm_model> calling;
  ok([&](lmm_error** e) { return lmm_model_load(nullptr, LMM_POCKET_MODEL, LMM_STRLEN, options, &calling, e); });
  const Own<lmm_session> other = new_session(calling);
  const Own<lmm_message> message = say("Hello.");
  host.session = other;
  host.message = message;
  ask(new_session(calling), say("Hello."));
  CHECK(host.busy == 1);
}
