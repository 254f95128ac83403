#include <lmm.h>
#include <stdio.h>

static int32_t print(void* user, const char* piece, size_t length) {
  return fwrite(piece, 1, length, (FILE*)user) == length ? LMM_GO_ON : LMM_STOP;
}

int main(int argc, char** argv) {
  lmm_error* error = NULL;
  lmm_model* model = NULL;
  lmm_image* image = NULL;
  lmm_message* message = NULL;
  lmm_session* session = NULL;
  lmm_reply* reply = NULL;
  if (argc != 3) {
    fprintf(stderr, "usage: hello_c MODEL PICTURE\n");
    return 2;
  }
  const int failed = lmm_model_load(NULL, argv[1], LMM_STRLEN, NULL, &model, &error) ||
                     lmm_image_open(NULL, argv[2], LMM_STRLEN, &image, &error) ||
                     lmm_message_create(NULL, &message, &error) ||
                     lmm_message_add_image(message, image, &error) ||
                     lmm_message_add_text(message, "Name the object.", LMM_STRLEN, &error) ||
                     lmm_session_create(model, NULL, &session, &error) ||
                     lmm_session_ask(session, message, NULL, print, stdout, &reply, &error);
  if (failed) fprintf(stderr, "error: %s\n", lmm_error_message(error, NULL));
  else printf("\n(%d new tokens)\n", (int)lmm_reply_new_tokens(reply));

  lmm_reply_free(reply); /* in any order; NULL is fine */
  lmm_session_free(session);
  lmm_message_free(message);
  lmm_image_free(image);
  lmm_model_free(model);
  lmm_error_free(error);
  return failed;
}
