/* Asks MODEL about PICTURE, through lmm.h alone. */
#include <lmm.h>

#include <stdio.h>

static int failed(lmm_error* error) {
  fprintf(stderr, "error: %s\n", lmm_error_message(error, NULL));
  lmm_error_free(error);
  return 1;
}

int main(int argc, char** argv) {
  lmm_error* error = NULL;
  lmm_model* model = NULL;
  lmm_image* image = NULL;
  lmm_message* message = NULL;
  lmm_session* session = NULL;
  lmm_reply* reply = NULL;
  if (argc != 3) return 2;
  if (lmm_model_load(NULL, argv[1], LMM_STRLEN, NULL, &model, &error)) return failed(error);
  if (lmm_image_open(NULL, argv[2], LMM_STRLEN, &image, &error)) return failed(error);
  if (lmm_message_create(NULL, &message, &error)) return failed(error);
  if (lmm_message_add_image(message, image, &error)) return failed(error);
  if (lmm_message_add_text(message, "Name the object.", LMM_STRLEN, &error)) return failed(error);
  if (lmm_session_create(model, NULL, &session, &error)) return failed(error);
  if (lmm_session_ask(session, message, NULL, NULL, NULL, &reply, &error)) return failed(error);
  printf("%s\n", lmm_reply_text(reply, NULL));
  lmm_reply_free(reply);
  lmm_session_free(session);
  lmm_message_free(message);
  lmm_image_free(image);
  lmm_model_free(model);
  return 0;
}
