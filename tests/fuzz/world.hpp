#pragma once

// What the random sequence plays with: the living objects, memory that fails now and then, arguments good and bad.

#include <lmm.h>

#include <cstdio>
#include <cstdlib>
#include <initializer_list>
#include <limits>
#include <random>
#include <string>
#include <vector>

namespace {

std::mt19937_64 random_bits;
std::uint64_t seed = 6;
const char* running = "";

[[noreturn]] void broken(const char* what) {
  std::fprintf(stderr, "seed %llu, %s: %s\n", static_cast<unsigned long long>(seed), running, what);
  std::exit(1);
}

std::size_t below(std::size_t limit) { return random_bits() % limit; }
bool chance(int percent) { return below(100) < static_cast<std::size_t>(percent); }

template <typename T>
T any_of(std::initializer_list<T> values) {
  return *(values.begin() + below(values.size()));
}

void free_one(lmm_error* object) { lmm_error_free(object); }
void free_one(lmm_text* object) { lmm_text_free(object); }
void free_one(lmm_image* object) { lmm_image_free(object); }
void free_one(lmm_video* object) { lmm_video_free(object); }
void free_one(lmm_audio* object) { lmm_audio_free(object); }
void free_one(lmm_message* object) { lmm_message_free(object); }
void free_one(lmm_history* object) { lmm_history_free(object); }
void free_one(lmm_load_options* object) { lmm_load_options_free(object); }
void free_one(lmm_info* object) { lmm_info_free(object); }
void free_one(lmm_model* object) { lmm_model_free(object); }
void free_one(lmm_tokenizer* object) { lmm_tokenizer_free(object); }
void free_one(lmm_tokens* object) { lmm_tokens_free(object); }
void free_one(lmm_session_options* object) { lmm_session_options_free(object); }
void free_one(lmm_generate_options* object) { lmm_generate_options_free(object); }
void free_one(lmm_reply* object) { lmm_reply_free(object); }
void free_one(lmm_session* object) { lmm_session_free(object); }
void free_one(lmm_pending* object) { lmm_pending_free(object); }
void free_one(lmm_listen_options* object) { lmm_listen_options_free(object); }
void free_one(lmm_listener* object) { lmm_listener_free(object); }
void free_one(lmm_utterance* object) { lmm_utterance_free(object); }

/// The living objects of one type.
template <typename T>
struct Pool {
  std::vector<T*> objects;
  std::size_t most = 6;

  /// One of them, or NULL.
  T* pick() const { return objects.empty() || chance(4) ? nullptr : objects[below(objects.size())]; }
  void add(T* object) {
    objects.push_back(object);
    if (objects.size() > most) drop();
  }
  void drop() {
    if (objects.empty() || chance(5)) return free_one(static_cast<T*>(nullptr));
    const std::size_t index = below(objects.size());
    free_one(objects[index]);
    objects.erase(objects.begin() + static_cast<std::ptrdiff_t>(index));
  }
  void clear() {
    for (T* object : objects) free_one(object);
    objects.clear();
  }
};

Pool<lmm_text> texts;
Pool<lmm_image> images;
Pool<lmm_video> videos;
Pool<lmm_audio> audios;
Pool<lmm_message> messages;
Pool<lmm_history> histories;
Pool<lmm_load_options> load_options;
Pool<lmm_info> infos;
Pool<lmm_model> models{{}, 2};
Pool<lmm_tokenizer> tokenizers;
Pool<lmm_tokens> token_lists;
Pool<lmm_session_options> session_options;
Pool<lmm_generate_options> generate_options;
Pool<lmm_reply> replies;
Pool<lmm_session> sessions;
Pool<lmm_pending> pendings;
Pool<lmm_listen_options> listen_options;
Pool<lmm_listener> listeners;
Pool<lmm_utterance> utterances;

// ---- memory that fails now and then --------------------------------------------------------------------------------

void* allocate(void*, std::size_t size) { return chance(3) ? nullptr : std::malloc(size); }
void deallocate(void*, void* memory) { std::free(memory); }
const lmm_allocator kSometimes{nullptr, allocate, deallocate};
const lmm_allocator kBroken{nullptr, allocate, nullptr};

const lmm_allocator* allocator() { return chance(80) ? nullptr : chance(95) ? &kSometimes : &kBroken; }

// ---- arguments -----------------------------------------------------------------------------------------------------

struct Text {
  const char* data;
  std::size_t length;
};

Text text() {
  static const std::string kLong(3000, 'x');
  switch (below(16)) {
    case 0:
      return {nullptr, 0};
    case 1:
      return {nullptr, any_of<std::size_t>({1, LMM_STRLEN, SIZE_MAX / 2})};
    case 2:
      return {"\xFF\xFE", 2};
    case 3:
      return {"cut \xC3", LMM_STRLEN};
    case 4:
      return {"", any_of<std::size_t>({0, LMM_STRLEN})};
    case 5:
      return {"a\0b", 3};
    case 6:
      return {"x", any_of<std::size_t>({SIZE_MAX - 1, SIZE_MAX / 2, std::size_t{1} << 40})};
    case 7:
      return {kLong.data(), kLong.size()};
    case 8:
      return {"<image><end_of_utterance><|im_end|>", LMM_STRLEN};
    case 9:
      return {"\xF0\x9F\x8D\x94\xE2\x80\x8B\xCC\x81", LMM_STRLEN};
    case 10:
      return {"[{\"role\": \"user\", \"content\": \"Hello.\"}]", LMM_STRLEN};
    case 11:
      return {"{\"a\": [1, 2.5, null]}", LMM_STRLEN};
    case 12:
      return {"{\"a\"", LMM_STRLEN};
    case 13:
      return {"user", LMM_STRLEN};
    default:
      return {"Which mood is this?", LMM_STRLEN};
  }
}

std::string model_folder;
std::string picture_path;

Text folder() { return chance(70) ? Text{model_folder.data(), model_folder.size()} : text(); }
Text picture() { return chance(80) ? Text{picture_path.data(), picture_path.size()} : text(); }

double number() {
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  return any_of({0.0, 0.5, 0.9, 1.0, 1.3, 2.0, -1.0, -2.0, 1e300, -1e300, 5e-324, kNan, kInfinity, -kInfinity});
}

int64_t integer() {
  return any_of<int64_t>({0, 1, 2, 3, 5, 8, -1, 40, 100, INT32_MAX, int64_t{1} << 31, INT64_MAX, INT64_MIN});
}

int32_t small_integer() { return any_of({0, 1, 2, 3, 4, -1, 100, INT32_MAX, INT32_MIN}); }
std::size_t index() { return any_of<std::size_t>({0, 0, 0, 1, 1, 2, 3, 1000, SIZE_MAX, SIZE_MAX / 2}); }

}  // namespace
