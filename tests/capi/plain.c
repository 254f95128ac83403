/* The C interface from plain C99: a conversation by callback, one by polling, and an error. */

#include <lmm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void check(int holds, const char* what, const lmm_error* error) {
  if (holds) return;
  fprintf(stderr, "failed: %s: %s\n", what, lmm_error_message(error, NULL));
  exit(1);
}
#define CHECK(holds) check((holds), #holds, error)

struct text {
  char bytes[4096];
  size_t length;
};

static void append(struct text* text, const char* bytes, size_t length) {
  if (length > sizeof text->bytes - text->length) exit(3);
  memcpy(text->bytes + text->length, bytes, length);
  text->length += length;
}

static int32_t on_piece(void* user, const char* piece, size_t length) {
  append(user, piece, length);
  return LMM_GO_ON;
}

static int same(const struct text* text, const lmm_reply* reply) {
  size_t length = 0;
  const char* whole = lmm_reply_text(reply, &length);
  return length == text->length && memcmp(whole, text->bytes, length) == 0;
}

int main(int argc, char** argv) {
  lmm_error* error = NULL;
  lmm_load_options* load_options = NULL;
  lmm_model* model = NULL;
  lmm_image* image = NULL;
  lmm_message* message = NULL;
  lmm_session* session = NULL;
  lmm_generate_options* options = NULL;
  lmm_reply* reply = NULL;
  lmm_pending* pending = NULL;
  lmm_state state = LMM_STATE_RUNNING;
  struct text text = {{0}, 0};
  char buffer[16];
  size_t length = 0;

  check(argc == 3, "usage: plain MODEL PICTURE", NULL);
  CHECK(lmm_load_options_create(NULL, &load_options, &error) == LMM_OK);
  CHECK(lmm_load_options_set_threads(load_options, 1, &error) == LMM_OK);
  CHECK(lmm_model_load(NULL, argv[1], strlen(argv[1]), load_options, &model, &error) == LMM_OK);
  lmm_load_options_free(load_options);
  CHECK(lmm_image_open(NULL, argv[2], LMM_STRLEN, &image, &error) == LMM_OK);
  CHECK(lmm_message_create(NULL, &message, &error) == LMM_OK);
  CHECK(lmm_message_add_image(message, image, &error) == LMM_OK);
  lmm_image_free(image);
  CHECK(lmm_message_add_text(message, "Name the object.", LMM_STRLEN, &error) == LMM_OK);
  CHECK(lmm_session_create(model, NULL, &session, &error) == LMM_OK);
  lmm_model_free(model);

  CHECK(lmm_session_ask(session, message, NULL, on_piece, &text, &reply, &error) == LMM_OK);
  CHECK(text.length > 0 && same(&text, reply));
  lmm_reply_free(reply);
  reply = NULL;

  CHECK(lmm_session_reset(session, &error) == LMM_OK);
  CHECK(lmm_generate_options_create(NULL, &options, &error) == LMM_OK);
  CHECK(lmm_generate_options_set_max_tokens(options, 32, &error) == LMM_OK);
  CHECK(lmm_session_start(session, message, options, &pending, &error) == LMM_OK);
  text.length = 0;
  while (state == LMM_STATE_RUNNING) {
    CHECK(lmm_pending_poll(pending, buffer, sizeof buffer, &length, &state, &error) == LMM_OK);
    append(&text, buffer, length);
  }
  CHECK(state == LMM_STATE_DONE);
  CHECK(lmm_pending_get(pending, &reply, &error) == LMM_OK);
  CHECK(same(&text, reply));

  CHECK(lmm_image_open(NULL, "/no/such/file", LMM_STRLEN, &image, &error) == LMM_ERROR_NOT_FOUND);
  CHECK(lmm_error_code(error) == LMM_ERROR_NOT_FOUND);

  lmm_error_free(error);
  lmm_pending_free(pending);
  lmm_reply_free(reply);
  lmm_generate_options_free(options);
  lmm_message_free(message);
  lmm_session_free(session);
  return 0;
}
