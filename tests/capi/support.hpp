#pragma once

#include <doctest/doctest.h>

#include <lmm.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace capi_test {

inline void free_object(lmm_error* object) { lmm_error_free(object); }
inline void free_object(lmm_text* object) { lmm_text_free(object); }
inline void free_object(lmm_image* object) { lmm_image_free(object); }
inline void free_object(lmm_video* object) { lmm_video_free(object); }
inline void free_object(lmm_audio* object) { lmm_audio_free(object); }
inline void free_object(lmm_message* object) { lmm_message_free(object); }
inline void free_object(lmm_history* object) { lmm_history_free(object); }
inline void free_object(lmm_load_options* object) { lmm_load_options_free(object); }
inline void free_object(lmm_info* object) { lmm_info_free(object); }
inline void free_object(lmm_model* object) { lmm_model_free(object); }
inline void free_object(lmm_tokenizer* object) { lmm_tokenizer_free(object); }
inline void free_object(lmm_tokens* object) { lmm_tokens_free(object); }
inline void free_object(lmm_session_options* object) { lmm_session_options_free(object); }
inline void free_object(lmm_generate_options* object) { lmm_generate_options_free(object); }
inline void free_object(lmm_reply* object) { lmm_reply_free(object); }
inline void free_object(lmm_session* object) { lmm_session_free(object); }
inline void free_object(lmm_pending* object) { lmm_pending_free(object); }
inline void free_object(lmm_listen_options* object) { lmm_listen_options_free(object); }
inline void free_object(lmm_listener* object) { lmm_listener_free(object); }
inline void free_object(lmm_utterance* object) { lmm_utterance_free(object); }

/// Owns one object; &own is an out-parameter.
template <typename T>
class Own {
 public:
  Own() = default;
  explicit Own(T* object) : object_(object) {}
  Own(Own&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  Own& operator=(Own&& other) noexcept {
    free_object(std::exchange(object_, std::exchange(other.object_, nullptr)));
    return *this;
  }
  ~Own() { free_object(object_); }

  T** operator&() { return &object_; }
  operator T*() const { return object_; }
  T* release() { return std::exchange(object_, nullptr); }
  void reset() { free_object(std::exchange(object_, nullptr)); }

 private:
  T* object_ = nullptr;
};

using Call = std::function<lmm_code(lmm_error**)>;

/// A call that must succeed, and leave `error` alone.
inline void ok(const Call& call) {
  Own<lmm_error> error;
  const lmm_code code = call(&error);
  INFO(lmm_error_message(error, nullptr));
  REQUIRE(code == LMM_OK);
  REQUIRE(error == nullptr);
}

/// A call that must fail with this code and one line that names each of `parts`; also where no error is wanted.
inline void fails(lmm_code expected, const std::vector<std::string>& parts, const Call& call) {
  Own<lmm_error> error;
  const lmm_code code = call(&error);
  std::size_t length = 0;
  const std::string message = lmm_error_message(error, &length);
  INFO(message);
  CHECK(std::string(lmm_code_name(code)) == lmm_code_name(expected));
  REQUIRE(error != nullptr);
  CHECK(lmm_error_code(error) == code);
  CHECK(length == message.size());
  CHECK(!message.empty());
  CHECK(message.find_first_of("\n\r") == std::string::npos);
  for (const std::string& part : parts) CHECK(message.find(part) != std::string::npos);
  CHECK(call(nullptr) == expected);
}

/// Counts what is allocated, finds what is freed wrongly, and fails when told to. For many threads.
class Allocator {
 public:
  Allocator() : allocator_{this, allocate, deallocate} {}
  ~Allocator() { CHECK(live() == 0); }

  operator const lmm_allocator*() const { return &allocator_; }
  std::size_t live() const {
    const std::lock_guard lock(mutex_);
    return sizes_.size();
  }
  std::size_t total() const { return total_; }
  /// The allocation after `count` more fails, and all after it, until fail_never().
  void fail_after(std::size_t count) { left_ = static_cast<long>(count); }
  void fail_never() { left_ = -1; }

 private:
  static void* allocate(void* user, std::size_t size) {
    auto* self = static_cast<Allocator*>(user);
    const std::lock_guard lock(self->mutex_);
    if (size == 0) std::abort();
    if (self->left_ == 0) return nullptr;
    if (self->left_ > 0) --self->left_;
    void* memory = std::malloc(size);
    self->sizes_[memory] = size;
    ++self->total_;
    return memory;
  }
  static void deallocate(void* user, void* memory) {
    auto* self = static_cast<Allocator*>(user);
    const std::lock_guard lock(self->mutex_);
    const auto found = self->sizes_.find(memory);
    if (found == self->sizes_.end()) std::abort();
    std::memset(memory, 0xDD, found->second);
    self->sizes_.erase(found);
    std::free(memory);
  }

  lmm_allocator allocator_;
  mutable std::mutex mutex_;
  std::map<void*, std::size_t> sizes_;
  std::atomic<std::size_t> total_{0};
  long left_ = -1;
};

inline std::string model_folder() { return LMM_POCKET_MODEL; }
inline std::string picture_file(const char* name = "burger.png") {
  return std::string(LMM_POCKET_MODEL) + "/../../pictures/" + name;
}

/// The model that ships with lmm, loaded once.
inline const lmm_model* model() {
  static const Own<lmm_model> loaded = [] {
    Own<lmm_model> own;
    ok([&](lmm_error** e) { return lmm_model_load(nullptr, LMM_POCKET_MODEL, LMM_STRLEN, nullptr, &own, e); });
    return own;
  }();
  return loaded;
}

inline Own<lmm_image> open_picture(const char* name = "burger.png", const lmm_allocator* allocator = nullptr) {
  Own<lmm_image> image;
  const std::string file = picture_file(name);
  ok([&](lmm_error** e) { return lmm_image_open(allocator, file.data(), file.size(), &image, e); });
  return image;
}

/// A message of a picture (may be null) and a text.
inline Own<lmm_message> say(const char* text, const lmm_image* image = nullptr,
                            const lmm_allocator* allocator = nullptr) {
  Own<lmm_message> message;
  ok([&](lmm_error** e) { return lmm_message_create(allocator, &message, e); });
  if (image != nullptr) ok([&](lmm_error** e) { return lmm_message_add_image(message, image, e); });
  ok([&](lmm_error** e) { return lmm_message_add_text(message, text, LMM_STRLEN, e); });
  return message;
}

inline Own<lmm_session> new_session(const lmm_model* of = model(), const lmm_session_options* options = nullptr) {
  Own<lmm_session> session;
  ok([&](lmm_error** e) { return lmm_session_create(of, options, &session, e); });
  return session;
}

inline Own<lmm_generate_options> new_options(int64_t max_tokens, bool ignore_eos = false) {
  Own<lmm_generate_options> options;
  ok([&](lmm_error** e) { return lmm_generate_options_create(nullptr, &options, e); });
  ok([&](lmm_error** e) { return lmm_generate_options_set_max_tokens(options, max_tokens, e); });
  ok([&](lmm_error** e) { return lmm_generate_options_set_ignore_eos(options, ignore_eos, e); });
  return options;
}

inline Own<lmm_reply> ask(lmm_session* session, const lmm_message* message,
                          const lmm_generate_options* options = nullptr, lmm_on_piece on_piece = nullptr,
                          void* user = nullptr) {
  Own<lmm_reply> reply;
  ok([&](lmm_error** e) { return lmm_session_ask(session, message, options, on_piece, user, &reply, e); });
  return reply;
}

inline std::string text_of(const lmm_reply* reply) {
  std::size_t length = 0;
  const char* text = lmm_reply_text(reply, &length);
  return text == nullptr ? std::string() : std::string(text, length);
}

inline std::size_t turns_of(const lmm_session* session) {
  Own<lmm_history> history;
  ok([&](lmm_error** e) { return lmm_session_history(session, &history, e); });
  return lmm_history_count(history);
}

/// A pointer that stands for an out-parameter that must stay as it was.
template <typename T>
T* untouched() {
  return reinterpret_cast<T*>(std::uintptr_t{0x10});
}

}  // namespace capi_test
