/* A host that was compiled against the first committed header, beside it in this folder. Frozen: it is never changed,
   and must compile and run with every later lmm of this major version. It uses each kind of thing that the header has. */

#include "lmm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static long live = 0;

static void* allocate(void* user, size_t size) {
  ++*(long*)user;
  return malloc(size);
}

static void deallocate(void* user, void* memory) {
  --*(long*)user;
  free(memory);
}

static void check(int holds, const char* what, int line, const lmm_error* error) {
  if (holds) return;
  fprintf(stderr, "client.c:%d: %s does not hold: %s\n", line, what, lmm_error_message(error, NULL));
  exit(1);
}
#define CHECK(holds) check((holds) != 0, #holds, __LINE__, error)

static int32_t on_piece(void* user, const char* piece, size_t length) {
  *(size_t*)user += length;
  return piece[length] == '\0' ? LMM_GO_ON : LMM_STOP;
}

static int32_t on_progress(void* user, const char* stage, int64_t done, int64_t total) {
  (void)user;
  return strlen(stage) > 0 && done <= total ? LMM_GO_ON : LMM_STOP;
}

static void on_log(void* user, lmm_log_level level, const char* line, size_t length) {
  if (level >= LMM_LOG_DEBUG && level <= LMM_LOG_WARNING && strlen(line) == length) ++*(long*)user;
}

static int32_t on_tap(void* user, const char* name, size_t name_length, const int64_t* shape, size_t rank,
                      const float* data) {
  if (strlen(name) == name_length && rank > 0 && shape[0] > 0 && data != NULL) ++*(long*)user;
  return LMM_GO_ON;
}

static void release(void* user) { *(long*)user = -1; }

int main(int argc, char** argv) {
  lmm_allocator memory = {NULL, allocate, deallocate};
  lmm_error* error = NULL;
  lmm_image* image = NULL;
  lmm_image* pixels = NULL;
  lmm_load_options* load_options = NULL;
  lmm_session_options* session_options = NULL;
  lmm_generate_options* options = NULL;
  lmm_info* info = NULL;
  lmm_model* model = NULL;
  lmm_tokenizer* tokenizer = NULL;
  lmm_tokens* tokens = NULL;
  lmm_text* text = NULL;
  lmm_message* message = NULL;
  lmm_history* history = NULL;
  lmm_session* session = NULL;
  lmm_session* copy = NULL;
  lmm_pending* pending = NULL;
  lmm_reply* reply = NULL;
  lmm_state state = LMM_STATE_RUNNING;
  const char* stage = NULL;
  const int32_t* ids = NULL;
  int64_t done = 0, total = 0;
  size_t count = 0, length = 0, streamed = 0;
  long lines = 0, taps = 0;
  unsigned char rgb[12] = {0};
  char buffer[64];

  memory.user = &live;
  check(argc == 3, "usage: client MODEL PICTURE", __LINE__, NULL);
  CHECK(lmm_version_number() / 1000000 == LMM_H_VERSION_MAJOR);
  CHECK(strcmp(lmm_code_name(LMM_ERROR_BAD_FILE), "bad_file") == 0 && LMM_ERROR_INTERNAL == 12);
  CHECK(lmm_has_feature(lmm_feature(0)));

  CHECK(lmm_image_open(&memory, "/no/such/file", LMM_STRLEN, &image, &error) == LMM_ERROR_NOT_FOUND);
  CHECK(lmm_error_code(error) == LMM_ERROR_NOT_FOUND && image == NULL);
  lmm_error_free(error);
  error = NULL;
  CHECK(lmm_image_open(&memory, argv[2], LMM_STRLEN, &image, &error) == LMM_OK);
  CHECK(lmm_image_from_pixels(&memory, rgb, sizeof rgb, 2, 2, 0, LMM_PIXEL_RGB, LMM_FALSE, &pixels, &error) == LMM_OK);
  CHECK(lmm_image_width(pixels) == 2 && lmm_image_rgb(pixels, &length) != NULL && length == 12);

  CHECK(lmm_load_options_create(&memory, &load_options, &error) == LMM_OK);
  CHECK(lmm_load_options_set_dtype(load_options, LMM_DTYPE_FP32, &error) == LMM_OK);
  CHECK(lmm_load_options_set_threads(load_options, 1, &error) == LMM_OK);
  CHECK(lmm_load_options_set_device(load_options, "cpu", 3, &error) == LMM_OK);
  CHECK(lmm_load_options_set_on_progress(load_options, on_progress, NULL, NULL, &error) == LMM_OK);
  CHECK(lmm_load_options_set_on_log(load_options, on_log, &lines, NULL, &error) == LMM_OK);
  CHECK(lmm_info_read(&memory, argv[1], LMM_STRLEN, &info, &error) == LMM_OK);
  CHECK(lmm_model_load(&memory, argv[1], LMM_STRLEN, load_options, &model, &error) == LMM_OK);
  CHECK(lmm_info_vocab_size(info) == lmm_info_vocab_size(lmm_model_info(model)));
  CHECK(lmm_info_compute_dtype(lmm_model_info(model)) == LMM_DTYPE_FP32);
  CHECK(strcmp(lmm_info_family(info, NULL), "idefics3") == 0 && lmm_info_sees_images(info));

  CHECK(lmm_model_tokenizer(model, &tokenizer, &error) == LMM_OK);
  CHECK(lmm_tokenizer_encode(tokenizer, "a ring", 6, LMM_FALSE, LMM_TRUE, &tokens, &error) == LMM_OK);
  ids = lmm_tokens_ids(tokens, &count);
  CHECK(lmm_tokenizer_decode(tokenizer, ids, count, LMM_TRUE, &text, &error) == LMM_OK);
  CHECK(strcmp(lmm_text_data(text, &length), "a ring") == 0 && length == 6);
  CHECK(lmm_tokens_piece(tokens, 0, NULL) != NULL);

  CHECK(lmm_message_create(&memory, &message, &error) == LMM_OK);
  CHECK(lmm_message_add_image(message, image, &error) == LMM_OK);
  CHECK(lmm_message_add_text(message, "Name the object.", LMM_STRLEN, &error) == LMM_OK);
  CHECK(lmm_message_kind(message, 0) == LMM_PART_IMAGE && lmm_message_kind(message, 1) == LMM_PART_TEXT);

  CHECK(lmm_session_options_create(&memory, &session_options, &error) == LMM_OK);
  CHECK(lmm_session_options_set_max_context(session_options, 400, &error) == LMM_OK);
  CHECK(lmm_generate_options_create(&memory, &options, &error) == LMM_OK);
  CHECK(lmm_generate_options_set_max_tokens(options, 8, &error) == LMM_OK);
  CHECK(lmm_generate_options_set_temperature(options, 0.7, &error) == LMM_OK);
  CHECK(lmm_generate_options_set_seed(options, 7, &error) == LMM_OK);
  CHECK(lmm_generate_options_set_top_p(options, 1.5, NULL) == LMM_ERROR_INVALID_ARGUMENT);
  CHECK(lmm_generate_options_set_on_tap(options, "vision.*", LMM_STRLEN, on_tap, &taps, release, &error) == LMM_OK);
  CHECK(lmm_session_create(model, session_options, &session, &error) == LMM_OK);
  CHECK(lmm_session_ask(session, message, options, on_piece, &streamed, &reply, &error) == LMM_OK);
  CHECK(lmm_reply_text(reply, &length) != NULL && length == streamed && taps > 0);
  CHECK(lmm_reply_new_tokens(reply) > 0 && lmm_reply_image_tokens(reply) > 0 && lmm_reply_prefill_seconds(reply) > 0);
  CHECK(lmm_reply_finish_reason(reply) <= LMM_FINISH_CANCELLED && !lmm_reply_box(reply, 99, NULL, NULL));
  lmm_reply_free(reply);
  lmm_generate_options_free(options);

  CHECK(lmm_session_history(session, &history, &error) == LMM_OK && lmm_history_count(history) == 2);
  CHECK(lmm_session_fork(session, &copy, &error) == LMM_OK);
  CHECK(lmm_session_reset(copy, &error) == LMM_OK);
  CHECK(lmm_session_set_history(copy, history, &error) == LMM_OK);
  CHECK(lmm_session_start(copy, message, NULL, &pending, &error) == LMM_OK);
  lmm_pending_pause(pending);
  CHECK(lmm_pending_step(pending, 1000, &state, &error) == LMM_OK);
  lmm_pending_resume(pending);
  CHECK(lmm_pending_progress(pending, &stage, &done, &total, &error) == LMM_OK && stage != NULL);
  for (state = LMM_STATE_RUNNING; state == LMM_STATE_RUNNING;) {
    CHECK(lmm_pending_poll(pending, buffer, sizeof buffer, &length, &state, &error) == LMM_OK);
  }
  CHECK(state == LMM_STATE_DONE && lmm_pending_get(pending, &reply, &error) == LMM_OK);

  lmm_model_free(model);
  lmm_pending_cancel(pending);
  lmm_session_cancel(copy);
  lmm_pending_free(pending);
  lmm_reply_free(reply);
  lmm_session_free(copy);
  lmm_session_free(session);
  lmm_history_free(history);
  lmm_message_free(message);
  lmm_session_options_free(session_options);
  lmm_load_options_free(load_options);
  lmm_text_free(text);
  lmm_tokens_free(tokens);
  lmm_tokenizer_free(tokenizer);
  lmm_info_free(info);
  lmm_image_free(pixels);
  lmm_image_free(image);
  lmm_error_free(error);
  CHECK(live == 0);
  return 0;
}
