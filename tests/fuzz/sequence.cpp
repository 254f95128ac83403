// A random sequence of calls over the whole C interface: objects made, used wrongly and rightly, and freed in any
// order, with arguments that hosts should not give. Run under the address and undefined-behaviour sanitizers it must be
// clean; everywhere each call must keep the interface's promises.
//
//   sequence MODEL PICTURE [SEED [CALLS]]     a failure prints the seed that shows it again; LMM_LONG=1: 20 seeds

#include "tests/fuzz/world.hpp"

#include <cstring>
#include <functional>
#include <map>
#include <utility>

namespace {

// ---- callbacks: they use the interface themselves, stop at random, throw at random ----------------------------------

int depth = 0;
void use_something();

int32_t answer() {
  if (chance(2)) throw 7;
  return chance(95) ? LMM_GO_ON : LMM_STOP;
}

int32_t on_piece(void*, const char* piece, std::size_t length) {
  if (piece == nullptr || piece[length] != '\0') broken("a piece without its end");
  if (depth < 2 && chance(20)) {
    ++depth;
    use_something();
    --depth;
  }
  return answer();
}

int32_t on_progress(void*, const char* stage, int64_t done, int64_t total) {
  if (stage == nullptr || done < 0 || done > total) broken("progress beyond its total");
  return answer();
}

// On the worker's thread: nothing of the pools is touched there.
int32_t on_tap(void*, const char* name, std::size_t length, const int64_t*, std::size_t rank, const float* data) {
  return name != nullptr && std::strlen(name) == length && rank > 0 && data != nullptr ? LMM_GO_ON : LMM_STOP;
}

void on_log(void*, lmm_log_level, const char* line, std::size_t length) {
  if (line == nullptr || std::strlen(line) != length) broken("a line of the log without its end");
}

void release(void* user) { std::free(user); }
void* kept() { return std::malloc(8); }

// ---- calls ---------------------------------------------------------------------------------------------------------

/// Makes the call and holds it to its promises. `result`, where given, must be untouched by a failure.
template <typename Call>
lmm_code checked(Call call) {
  lmm_error* error = nullptr;
  const bool wanted = chance(80);
  const lmm_code code = call(wanted ? &error : nullptr);
  if (code < LMM_OK || code > LMM_ERROR_INTERNAL) broken("a code that is none");
  if (code == LMM_ERROR_INTERNAL) broken(wanted ? lmm_error_message(error, nullptr) : "an internal error");
  if ((error != nullptr) != (wanted && code != LMM_OK)) broken("an error without failure, or a failure without error");
  if (error != nullptr) {
    std::size_t length = 0;
    const char* message = lmm_error_message(error, &length);
    if (length == 0 || std::strlen(message) != length || lmm_error_code(error) != code)
      broken("an error of another call");
    free_one(error);
  }
  return code;
}

template <typename T, typename Call>
void make(Pool<T>& pool, Call call) {
  T* const before = reinterpret_cast<T*>(std::uintptr_t{0x10});
  T* object = before;
  const bool place = chance(97);
  const lmm_code code = checked([&](lmm_error** e) { return call(place ? &object : nullptr, e); });
  if (code != LMM_OK) {
    if (object != before) broken("a result of a failed call");
  } else if (place && object != nullptr) {
    if (object == before) broken("no result of a call that succeeded");
    pool.add(object);
  }
}

/// A setter that keeps a `user` of the callback: where it fails, that is still the host's.
template <typename Call>
void keep(Call call) {
  void* user = kept();
  if (checked([&](lmm_error** e) { return call(user, e); }) != LMM_OK) std::free(user);
}

#define OP(name, ...)          \
  {                            \
    #name, [] { __VA_ARGS__; } \
  }
#define SET(name, pool, ...)                            \
  OP(name, const Text t = text(); static_cast<void>(t); \
     checked([&](lmm_error** e) { return name(pool.pick(), __VA_ARGS__, e); }))

const std::vector<std::pair<const char*, std::function<void()>>>& operations() {
  static const std::vector<std::pair<const char*, std::function<void()>>> kAll = {
    OP(lmm_version, if (lmm_version() == nullptr) broken("no version")),
    OP(lmm_version_number, if (lmm_version_number() == 0) broken("no version")),
    OP(lmm_feature, lmm_feature(index())),
    OP(lmm_has_feature, lmm_has_feature(any_of<const char*>({nullptr, "", "step"}))),
    OP(lmm_code_name, if (lmm_code_name(small_integer()) == nullptr) broken("no name")),
    OP(lmm_weight_type_name, if (lmm_weight_type_name(small_integer()) == nullptr) broken("no name")),
    OP(lmm_dtype_name, if (lmm_dtype_name(small_integer()) == nullptr) broken("no name")),
    OP(lmm_finish_reason_name, if (lmm_finish_reason_name(small_integer()) == nullptr) broken("no name")),
    OP(lmm_text_data, if (lmm_text_data(texts.pick(), nullptr) == nullptr) broken("no text")),
    OP(lmm_text_free, texts.drop()),

    OP(lmm_image_open, const Text t = picture();
       make(images, [&](lmm_image** o, lmm_error** e) { return lmm_image_open(allocator(), t.data, t.length, o, e); })),
    OP(lmm_image_decode, const Text t = text(); if (t.length < 4000)
           make(images,
                [&](lmm_image** o, lmm_error** e) { return lmm_image_decode(allocator(), t.data, t.length, o, e); })),
    OP(lmm_image_from_pixels, static const std::vector<std::uint8_t> pixels(4096, 77);
       make(images,
            [&](lmm_image** o, lmm_error** e) {
              const int64_t width = chance(70) ? static_cast<int64_t>(1 + below(32)) : integer();
              const int64_t height = chance(70) ? static_cast<int64_t>(1 + below(32)) : integer();
              const int64_t stride = chance(70) ? 0 : integer();
              const std::size_t size = any_of<std::size_t>({4096, 4096, 4096, 100, 0, SIZE_MAX});
              return lmm_image_from_pixels(allocator(), chance(95) ? pixels.data() : nullptr, size, width, height,
                                           stride, small_integer(), small_integer(), o, e);
            })),
    OP(lmm_image_width, lmm_image_width(images.pick())),
    OP(lmm_image_height, lmm_image_height(images.pick())),
    OP(lmm_image_rgb, std::size_t size = 0; const uint8_t* rgb = lmm_image_rgb(images.pick(), &size);
       volatile int sum = 0; for (std::size_t i = 0; i < size; ++i) sum = sum + rgb[i]),
    OP(lmm_image_free, images.drop()),

    OP(lmm_video_from_frames, const lmm_image* const frames[] = {images.pick(), images.pick()};
       const double seconds[] = {0.0, number()};
       make(videos,
            [&](lmm_video** o, lmm_error** e) {
              return lmm_video_from_frames(allocator(), chance(95) ? frames : nullptr, chance(95) ? seconds : nullptr,
                                           any_of<std::size_t>({0, 1, 2, SIZE_MAX}), o, e);
            })),
    OP(lmm_video_from_sample, const lmm_image* const frames[] = {images.pick(), images.pick()};
       const int64_t chosen[] = {0, integer()};
       make(videos,
            [&](lmm_video** o, lmm_error** e) {
              return lmm_video_from_sample(allocator(), chance(95) ? frames : nullptr, chance(95) ? chosen : nullptr,
                                           any_of<std::size_t>({0, 1, 2, SIZE_MAX}), integer(), number(), o, e);
            })),
    OP(lmm_video_frame_count, lmm_video_frame_count(videos.pick())),
    OP(lmm_video_seconds, lmm_video_seconds(videos.pick())),
    OP(lmm_video_free, videos.drop()),

    OP(lmm_audio_open, const Text t = picture();
       make(audios, [&](lmm_audio** o, lmm_error** e) { return lmm_audio_open(allocator(), t.data, t.length, o, e); })),
    OP(lmm_audio_decode, const Text t = text(); if (t.length < 4000)
           make(audios,
                [&](lmm_audio** o, lmm_error** e) { return lmm_audio_decode(allocator(), t.data, t.length, o, e); })),
    OP(lmm_audio_from_samples, static const std::vector<float> samples(1024, 0.25f);
       make(audios,
            [&](lmm_audio** o, lmm_error** e) {
              const int64_t rate = chance(70) ? 16000 : integer();
              const int64_t channels = chance(70) ? static_cast<int64_t>(1 + below(4)) : integer();
              const std::size_t size = any_of<std::size_t>({4096, 4096, 4096, 100, 0});
              return lmm_audio_from_samples(allocator(), chance(95) ? samples.data() : nullptr, size, rate, channels,
                                            small_integer(), o, e);
            })),
    OP(lmm_audio_seconds, lmm_audio_seconds(audios.pick())),
    OP(lmm_audio_rate, lmm_audio_rate(audios.pick())),
    OP(lmm_audio_channels, lmm_audio_channels(audios.pick())),
    OP(lmm_audio_free, audios.drop()),

    OP(lmm_message_create,
       make(messages, [](lmm_message** o, lmm_error** e) { return lmm_message_create(allocator(), o, e); })),
    SET(lmm_message_add_text, messages, t.data, t.length),
    SET(lmm_message_add_image, messages, images.pick()),
    SET(lmm_message_add_video, messages, videos.pick()),
    SET(lmm_message_add_audio, messages, audios.pick()),
    OP(lmm_message_count, lmm_message_count(messages.pick())),
    OP(lmm_message_kind, lmm_message_kind(messages.pick(), index())),
    OP(lmm_message_text, lmm_message_text(messages.pick(), index(), nullptr)),
    OP(lmm_message_image, lmm_image_width(lmm_message_image(messages.pick(), index()))),
    OP(lmm_message_video, lmm_video_frame_count(lmm_message_video(messages.pick(), index()))),
    OP(lmm_message_audio, lmm_audio_rate(lmm_message_audio(messages.pick(), index()))),
    OP(lmm_message_free, messages.drop()),
    OP(lmm_history_create,
       make(histories, [](lmm_history** o, lmm_error** e) { return lmm_history_create(allocator(), o, e); })),
    SET(lmm_history_add, histories, chance(80) ? any_of({"user", "assistant", "system"}) : t.data, LMM_STRLEN,
        messages.pick()),
    OP(lmm_history_count, lmm_history_count(histories.pick())),
    OP(lmm_history_role, std::size_t length = 0;
       const char* role = lmm_history_role(histories.pick(), index(), &length);
       if (role != nullptr && std::strlen(role) != length) broken("a role without its end")),
    OP(lmm_history_message, lmm_message_count(lmm_history_message(histories.pick(), index()))),
    OP(lmm_history_free, histories.drop()),

    OP(lmm_load_options_create,
       make(load_options,
            [](lmm_load_options** o, lmm_error** e) { return lmm_load_options_create(allocator(), o, e); })),
    SET(lmm_load_options_set_dtype, load_options, small_integer()),
    SET(lmm_load_options_set_weights, load_options, small_integer()),
    SET(lmm_load_options_set_tower_weights, load_options, small_integer()),
    SET(lmm_load_options_set_threads, load_options, any_of({0, 1, 2, -1, 1025})),
    SET(lmm_load_options_set_device, load_options, any_of({"cpu", "cpu", "cuda:99", "toaster", "\xFF"}), LMM_STRLEN),
    SET(lmm_load_options_set_cache_folder, load_options, any_of({"", "/nowhere/at/all", "\xFF"}), LMM_STRLEN),
    SET(lmm_load_options_set_max_memory, load_options, any_of<uint64_t>({0, UINT64_MAX, 1000})),
    OP(lmm_load_options_set_on_progress, keep([](void* user, lmm_error** e) {
         return lmm_load_options_set_on_progress(load_options.pick(), chance(80) ? on_progress : nullptr, user, release,
                                                 e);
       })),
    OP(lmm_load_options_set_on_log, keep([](void* user, lmm_error** e) {
         return lmm_load_options_set_on_log(load_options.pick(), chance(80) ? on_log : nullptr, user, release, e);
       })),
    OP(lmm_load_options_free, load_options.drop()),
    OP(lmm_info_read, const Text t = folder();
       make(infos, [&](lmm_info** o, lmm_error** e) { return lmm_info_read(allocator(), t.data, t.length, o, e); })),
    OP(lmm_info_folder, lmm_info_folder(infos.pick(), nullptr)),
    OP(lmm_info_family, lmm_info_family(infos.pick(), nullptr)),
    OP(lmm_info_architecture, lmm_info_architecture(infos.pick(), nullptr)),
    OP(lmm_info_parameters, lmm_info_parameters(infos.pick())),
    OP(lmm_info_weight_bytes, lmm_info_weight_bytes(infos.pick())),
    OP(lmm_info_context_length, lmm_info_context_length(infos.pick())),
    OP(lmm_info_vocab_size, lmm_info_vocab_size(infos.pick())),
    OP(lmm_info_stored_dtype, lmm_info_stored_dtype(infos.pick())),
    OP(lmm_info_compute_dtype, lmm_info_compute_dtype(infos.pick())),
    OP(lmm_info_sees_images, lmm_info_sees_images(infos.pick())),
    OP(lmm_info_sees_videos, lmm_info_sees_videos(infos.pick())),
    OP(lmm_info_hears, lmm_info_hears(infos.pick())),
    OP(lmm_info_transcribes, lmm_info_transcribes(infos.pick())),
    OP(lmm_info_has_chat_template, lmm_info_has_chat_template(infos.pick())),
    OP(lmm_info_tower_count, lmm_info_tower_count(infos.pick())),
    OP(lmm_info_tower, lmm_info_tower(infos.pick(), index(), nullptr)),
    OP(lmm_info_weight_file_count, lmm_info_weight_file_count(infos.pick())),
    OP(lmm_info_weight_file, lmm_info_weight_file(infos.pick(), index(), nullptr)),
    OP(lmm_info_free, infos.drop()),
    OP(lmm_model_load, const Text t = folder(); make(models,
                                                     [&](lmm_model** o, lmm_error** e) {
                                                       return lmm_model_load(allocator(), t.data, t.length,
                                                                             load_options.pick(), o, e);
                                                     })),
    OP(lmm_model_info, lmm_info_parameters(lmm_model_info(models.pick()))),
    OP(lmm_model_sample_frames, int64_t chosen[8]; std::size_t count = 0; checked([&](lmm_error** e) {
         return lmm_model_sample_frames(models.pick(), integer(), number(), number(), chosen, below(9), &count, e);
       })),
    OP(lmm_model_free, models.drop()),

    OP(lmm_tokenizer_load, const Text t = folder();
       make(tokenizers,
            [&](lmm_tokenizer** o, lmm_error** e) { return lmm_tokenizer_load(allocator(), t.data, t.length, o, e); })),
    OP(lmm_model_tokenizer,
       make(tokenizers, [](lmm_tokenizer** o, lmm_error** e) { return lmm_model_tokenizer(models.pick(), o, e); })),
    OP(lmm_tokenizer_encode, const Text t = text();
       make(token_lists,
            [&](lmm_tokens** o, lmm_error** e) {
              return lmm_tokenizer_encode(tokenizers.pick(), t.data, t.length, small_integer(), small_integer(), o, e);
            })),
    OP(lmm_tokenizer_decode, const int32_t ids[] = {small_integer(), 50, 51, 52, 53, 771};
       make(texts,
            [&](lmm_text** o, lmm_error** e) {
              return lmm_tokenizer_decode(tokenizers.pick(), chance(90) ? ids : nullptr,
                                          any_of<std::size_t>({0, 1, 6, SIZE_MAX}), small_integer(), o, e);
            })),
    OP(lmm_tokenizer_render, const Text t = text(); lmm_tokens* tokens = nullptr; const bool both = chance(50);
       make(texts,
            [&](lmm_text** o, lmm_error** e) {
              return lmm_tokenizer_render(tokenizers.pick(), t.data, t.length, o, both ? &tokens : nullptr, e);
            });
       if (tokens != nullptr) token_lists.add(tokens)),
    OP(lmm_tokenizer_has_chat_template, lmm_tokenizer_has_chat_template(tokenizers.pick())),
    OP(lmm_tokenizer_free, tokenizers.drop()),
    OP(lmm_tokens_count, lmm_tokens_count(token_lists.pick())),
    OP(lmm_tokens_ids, std::size_t count = 0; const int32_t* ids = lmm_tokens_ids(token_lists.pick(), &count);
       volatile int64_t sum = 0; for (std::size_t i = 0; i < count; ++i) sum = sum + ids[i]),
    OP(lmm_tokens_piece, lmm_tokens_piece(token_lists.pick(), index(), nullptr)),
    OP(lmm_tokens_free, token_lists.drop()),

    OP(lmm_session_options_create,
       make(session_options,
            [](lmm_session_options** o, lmm_error** e) { return lmm_session_options_create(allocator(), o, e); })),
    SET(lmm_session_options_set_system, session_options, t.data, t.length),
    SET(lmm_session_options_set_template_variables, session_options, t.data, t.length),
    SET(lmm_session_options_set_tools, session_options, t.data, t.length),
    SET(lmm_session_options_set_max_context, session_options, integer()),
    SET(lmm_session_options_set_transcriber, session_options, models.pick()),
    OP(lmm_session_options_free, session_options.drop()),

    OP(lmm_generate_options_create, make(generate_options,
                                         [](lmm_generate_options** o, lmm_error** e) {
                                           const lmm_code code = lmm_generate_options_create(allocator(), o, e);
                                           if (code == LMM_OK) lmm_generate_options_set_max_tokens(*o, 5, nullptr);
                                           return code;
                                         })),
    SET(lmm_generate_options_set_max_tokens, generate_options, any_of<int64_t>({1, 2, 5, 0, -1, INT64_MAX})),
    SET(lmm_generate_options_set_min_tokens, generate_options, any_of<int64_t>({0, 1, 5, -1, INT64_MAX})),
    SET(lmm_generate_options_set_sample, generate_options, small_integer()),
    SET(lmm_generate_options_set_temperature, generate_options, number()),
    SET(lmm_generate_options_set_top_k, generate_options, integer()),
    SET(lmm_generate_options_set_top_p, generate_options, number()),
    SET(lmm_generate_options_set_min_p, generate_options, number()),
    SET(lmm_generate_options_set_typical_p, generate_options, number()),
    SET(lmm_generate_options_set_repetition_penalty, generate_options, number()),
    SET(lmm_generate_options_set_presence_penalty, generate_options, number()),
    SET(lmm_generate_options_set_frequency_penalty, generate_options, number()),
    SET(lmm_generate_options_set_no_repeat_ngram, generate_options, integer()),
    SET(lmm_generate_options_add_bad_word, generate_options, t.data, t.length),
    SET(lmm_generate_options_set_logit_bias, generate_options, small_integer(), number()),
    SET(lmm_generate_options_add_stop, generate_options, t.data, t.length),
    SET(lmm_generate_options_set_seed, generate_options, random_bits()),
    SET(lmm_generate_options_set_raw, generate_options, chance(20)),
    SET(lmm_generate_options_set_ignore_eos, generate_options, chance(50)),
    SET(lmm_generate_options_set_paused, generate_options, chance(30)),
    SET(lmm_generate_options_set_speech_language, generate_options, t.data, t.length),
    SET(lmm_generate_options_set_speech_translate, generate_options, chance(50)),
    SET(lmm_generate_options_set_speech_times, generate_options, small_integer()),
    SET(lmm_generate_options_set_speech_prompt, generate_options, t.data, t.length),
    SET(lmm_generate_options_set_speech_condition_on_previous, generate_options, chance(50)),
    SET(lmm_generate_options_set_speech_beams, generate_options, integer()),
    OP(lmm_generate_options_set_speech_temperatures, const double values[] = {number(), number()};
       checked([&](lmm_error** e) {
         return lmm_generate_options_set_speech_temperatures(generate_options.pick(), chance(90) ? values : nullptr,
                                                             any_of<std::size_t>({0, 1, 2, SIZE_MAX}), e);
       })),
    SET(lmm_generate_options_set_speech_compression_ratio_threshold, generate_options, number()),
    SET(lmm_generate_options_set_speech_log_probability_threshold, generate_options, number()),
    SET(lmm_generate_options_set_speech_no_speech_threshold, generate_options, number()),
    OP(lmm_generate_options_set_on_tap, keep([](void* user, lmm_error** e) {
         return lmm_generate_options_set_on_tap(generate_options.pick(), any_of({"vision.*", "*", "", "\xFF"}),
                                                LMM_STRLEN, chance(80) ? on_tap : nullptr, user, release, e);
       })),
    OP(lmm_generate_options_set_on_progress, keep([](void* user, lmm_error** e) {
         return lmm_generate_options_set_on_progress(generate_options.pick(), chance(80) ? on_progress : nullptr, user,
                                                     release, e);
       })),
    OP(lmm_generate_options_free, generate_options.drop()),

    OP(lmm_session_create, make(sessions,
                                [](lmm_session** o, lmm_error** e) {
                                  return lmm_session_create(models.pick(),
                                                            chance(50) ? session_options.pick() : nullptr, o, e);
                                })),
    OP(lmm_session_ask, make(replies,
                             [](lmm_reply** o, lmm_error** e) {
                               return lmm_session_ask(sessions.pick(), messages.pick(), generate_options.pick(),
                                                      chance(70) ? on_piece : nullptr, nullptr, o, e);
                             })),
    OP(lmm_session_edit_last, make(replies,
                                   [](lmm_reply** o, lmm_error** e) {
                                     return lmm_session_edit_last(sessions.pick(), messages.pick(),
                                                                  generate_options.pick(),
                                                                  chance(70) ? on_piece : nullptr, nullptr, o, e);
                                   })),
    OP(lmm_session_start, make(pendings,
                               [](lmm_pending** o, lmm_error** e) {
                                 return lmm_session_start(sessions.pick(), messages.pick(), generate_options.pick(), o,
                                                          e);
                               })),
    OP(lmm_session_cancel, lmm_session_cancel(sessions.pick())),
    OP(lmm_session_history,
       make(histories, [](lmm_history** o, lmm_error** e) { return lmm_session_history(sessions.pick(), o, e); })),
    SET(lmm_session_set_history, sessions, histories.pick()),
    OP(lmm_session_pop,
       make(messages, [](lmm_message** o, lmm_error** e) { return lmm_session_pop(sessions.pick(), o, e); })),
    OP(lmm_session_reset, checked([](lmm_error** e) { return lmm_session_reset(sessions.pick(), e); })),
    OP(lmm_session_fork,
       make(sessions, [](lmm_session** o, lmm_error** e) { return lmm_session_fork(sessions.pick(), o, e); })),
    OP(lmm_session_free, sessions.drop()),

    OP(lmm_reply_text, std::size_t length = 0; const char* t = lmm_reply_text(replies.pick(), &length);
       if (t != nullptr && t[length] != '\0') broken("a text without its end")),
    OP(lmm_reply_token_ids, lmm_reply_token_ids(replies.pick(), nullptr)),
    OP(lmm_reply_finish_reason, lmm_reply_finish_reason(replies.pick())),
    OP(lmm_reply_prompt_tokens, lmm_reply_prompt_tokens(replies.pick())),
    OP(lmm_reply_image_tokens, lmm_reply_image_tokens(replies.pick())),
    OP(lmm_reply_image_tiles, lmm_reply_image_tiles(replies.pick())),
    OP(lmm_reply_reused_tokens, lmm_reply_reused_tokens(replies.pick())),
    OP(lmm_reply_new_tokens, lmm_reply_new_tokens(replies.pick())),
    OP(lmm_reply_load_seconds, lmm_reply_load_seconds(replies.pick())),
    OP(lmm_reply_preprocess_seconds, lmm_reply_preprocess_seconds(replies.pick())),
    OP(lmm_reply_encode_seconds, lmm_reply_encode_seconds(replies.pick())),
    OP(lmm_reply_prefill_seconds, lmm_reply_prefill_seconds(replies.pick())),
    OP(lmm_reply_decode_seconds, lmm_reply_decode_seconds(replies.pick())),
    OP(lmm_reply_seconds_per_token, lmm_reply_seconds_per_token(replies.pick())),
    OP(lmm_reply_box_count, lmm_reply_box_count(replies.pick())),
    OP(lmm_reply_point_count, lmm_reply_point_count(replies.pick())),
    OP(lmm_reply_box, double box[4]; std::size_t image = 0; lmm_reply_box(replies.pick(), index(), box, &image)),
    OP(lmm_reply_point, double place[2]; std::size_t image = 0;
       lmm_reply_point(replies.pick(), index(), place, &image)),
    OP(lmm_reply_box_label, lmm_reply_box_label(replies.pick(), index(), nullptr)),
    OP(lmm_reply_point_label, lmm_reply_point_label(replies.pick(), index(), nullptr)),
    OP(lmm_reply_audio_tokens, lmm_reply_audio_tokens(replies.pick())),
    OP(lmm_reply_segment_count, lmm_reply_segment_count(replies.pick())),
    OP(lmm_reply_segment, double seconds[2]; lmm_reply_segment(replies.pick(), index(), seconds)),
    OP(lmm_reply_segment_text, lmm_reply_segment_text(replies.pick(), index(), nullptr)),
    OP(lmm_reply_segment_language, lmm_reply_segment_language(replies.pick(), index(), nullptr)),
    OP(lmm_reply_segment_mean_log_probability, lmm_reply_segment_mean_log_probability(replies.pick(), index())),
    OP(lmm_reply_segment_no_speech_probability, lmm_reply_segment_no_speech_probability(replies.pick(), index())),
    OP(lmm_reply_segment_temperature, lmm_reply_segment_temperature(replies.pick(), index())),
    OP(lmm_reply_word_count, lmm_reply_word_count(replies.pick(), index())),
    OP(lmm_reply_word, double seconds[2]; double p = 0; lmm_reply_word(replies.pick(), index(), index(), seconds, &p)),
    OP(lmm_reply_word_text, lmm_reply_word_text(replies.pick(), index(), index(), nullptr)),
    OP(lmm_reply_free, replies.drop()),

    OP(lmm_pending_poll, char buffer[32]; const std::size_t capacity = any_of<std::size_t>({0, 3, 4, 32});
       std::size_t length = 0; lmm_state state = 0; checked([&](lmm_error** e) {
         return lmm_pending_poll(pendings.pick(), chance(80) ? buffer : nullptr, capacity,
                                 chance(90) ? &length : nullptr, chance(90) ? &state : nullptr, e);
       });
       if (length > capacity) broken("more than fits")),
    OP(lmm_pending_get,
       make(replies, [](lmm_reply** o, lmm_error** e) { return lmm_pending_get(pendings.pick(), o, e); })),
    OP(lmm_pending_cancel, lmm_pending_cancel(pendings.pick())),
    OP(lmm_pending_progress, int64_t done = 0; int64_t total = 0; const char* stage = nullptr;
       checked([&](lmm_error** e) { return lmm_pending_progress(pendings.pick(), &stage, &done, &total, e); });
       if (done > total) broken("progress beyond its total")),
    OP(lmm_pending_pause, lmm_pending_pause(pendings.pick())),
    OP(lmm_pending_resume, lmm_pending_resume(pendings.pick())),
    OP(lmm_pending_step, lmm_state state = 0; checked([&](lmm_error** e) {
         return lmm_pending_step(pendings.pick(), any_of<int64_t>({1, 100, 2000, 0, -1}), &state, e);
       })),
    OP(lmm_pending_free, pendings.drop()),

    // The model does not write down speech: no listener comes of these, which tests/unit/capi has.
    OP(lmm_listen_options_create,
       make(listen_options,
            [](lmm_listen_options** o, lmm_error** e) { return lmm_listen_options_create(allocator(), o, e); })),
    SET(lmm_listen_options_set_speech, listen_options, generate_options.pick()),
    SET(lmm_listen_options_set_silence, listen_options, number()),
    SET(lmm_listen_options_set_partial_after, listen_options, number()),
    SET(lmm_listen_options_set_longest, listen_options, number()),
    OP(lmm_listen_options_free, listen_options.drop()),
    OP(lmm_session_listen, make(listeners,
                                [](lmm_listener** o, lmm_error** e) {
                                  return lmm_session_listen(sessions.pick(), listen_options.pick(), o, e);
                                })),
    SET(lmm_listener_push, listeners, t.data, 16, integer(), integer(), small_integer()),
    OP(lmm_listener_finish, checked([](lmm_error** e) { return lmm_listener_finish(listeners.pick(), e); })),
    OP(lmm_listener_next, make(utterances,
                               [](lmm_utterance** o, lmm_error** e) {
                                 return lmm_listener_next(listeners.pick(), integer(), o, e);
                               })),
    OP(lmm_listener_done, lmm_listener_done(listeners.pick())),
    OP(lmm_listener_waiting, lmm_listener_waiting(listeners.pick())),
    OP(lmm_listener_free, listeners.drop()),
    OP(lmm_utterance_index, lmm_utterance_index(utterances.pick())),
    OP(lmm_utterance_is_final, lmm_utterance_is_final(utterances.pick())),
    OP(lmm_utterance_seconds, double seconds[2]; lmm_utterance_seconds(utterances.pick(), seconds)),
    OP(lmm_utterance_reply, lmm_reply_text(lmm_utterance_reply(utterances.pick()), nullptr)),
    OP(lmm_utterance_free, utterances.drop()),
  };
  return kAll;
}

std::map<std::string, int> calls_of;

void use_something() {
  const auto& all = operations();
  const auto& [name, call] = all[below(all.size())];
  const char* const before = std::exchange(running, name);
  ++calls_of[name];
  call();
  running = before;
}

/// What makes the rest worth while: objects that work together.
void make_something() {
  static const std::vector<std::string> kUseful = {
      "lmm_image_open",        "lmm_message_create", "lmm_message_add_text",
      "lmm_message_add_image", "lmm_session_create", "lmm_generate_options_create",
      "lmm_session_ask",       "lmm_session_start",  "lmm_pending_step",
      "lmm_pending_poll",      "lmm_pending_get",    "lmm_session_edit_last"};
  const std::string& name = kUseful[below(kUseful.size())];
  for (const auto& [known, call] : operations()) {
    if (known != name) continue;
    running = known;
    ++calls_of[name];
    call();
  }
}

void run_sequence(int calls) {
  random_bits.seed(seed);
  lmm_model* model = nullptr;
  if (lmm_model_load(nullptr, model_folder.c_str(), LMM_STRLEN, nullptr, &model, nullptr) != LMM_OK) {
    broken("the model does not load");
  }
  models.add(model);
  for (int i = 0; i < calls; ++i) {
    if (chance(40)) {
      make_something();
    } else {
      use_something();
    }
  }
  sessions.clear();
  models.clear();
  pendings.clear();
  listen_options.clear();
  listeners.clear();
  utterances.clear();
  images.clear();
  messages.clear();
  histories.clear();
  load_options.clear();
  infos.clear();
  tokenizers.clear();
  token_lists.clear();
  session_options.clear();
  generate_options.clear();
  replies.clear();
  texts.clear();
  std::printf("%d calls, seed %llu\n", calls, static_cast<unsigned long long>(seed));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: sequence MODEL PICTURE [SEED [CALLS]]\n");
    return 2;
  }
  model_folder = argv[1];
  picture_path = argv[2];
  if (argc > 3) seed = std::strtoull(argv[3], nullptr, 10);
  const int calls = argc > 4 ? std::atoi(argv[4]) : 5000;
  const bool long_form = argc < 4 && std::getenv("LMM_LONG") != nullptr;
  for (int runs = long_form ? 20 : 1; runs > 0; --runs, ++seed) run_sequence(calls);
  for (const auto& [name, call] : operations()) {
    running = name;
    if (calls >= 5000 && !calls_of.contains(name)) broken("never called: give the sequence more calls");
  }
  return 0;
}
