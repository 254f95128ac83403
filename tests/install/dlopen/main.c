/* dlopen_host LIBLMM MODEL PICTURE: loads the library, asks, unloads it, and all that again. Between two rounds nothing
 * of it may be left: no thread, no mapping. In the last round all is freed and closed in the middle of an answer. */
#include <lmm.h>

#include <dirent.h>
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define FUNCTIONS(X)                                                                                                  \
  X(lmm_model_load) X(lmm_image_open) X(lmm_message_create) X(lmm_message_add_image) X(lmm_message_add_text)          \
  X(lmm_session_create) X(lmm_session_ask) X(lmm_session_start) X(lmm_reply_text) X(lmm_error_message)                \
  X(lmm_pending_free) X(lmm_reply_free) X(lmm_session_free) X(lmm_message_free) X(lmm_image_free) X(lmm_model_free)

struct api {
#define X(name) __typeof__(&name) name;
  FUNCTIONS(X)
#undef X
};

static int get_api(void* library, struct api* api) {
#define X(name) \
  if ((*(void**)&api->name = dlsym(library, #name)) == NULL) return fprintf(stderr, "error: no " #name "\n"), 0;
  FUNCTIONS(X)
#undef X
  return 1;
}

/* Threads of this process whose name begins with "lmm-"; threads that these start have their name. */
static int count_threads(void) {
  DIR* tasks = opendir("/proc/self/task");
  const struct dirent* entry;
  int count = 0;
  while ((entry = readdir(tasks)) != NULL) {
    char path[300], name[32] = "";
    snprintf(path, sizeof path, "/proc/self/task/%s/comm", entry->d_name);
    FILE* file = fopen(path, "r");
    if (file == NULL) continue;
    if (fgets(name, sizeof name, file) != NULL && strncmp(name, "lmm-", 4) == 0) ++count;
    fclose(file);
  }
  closedir(tasks);
  return count;
}

static int wait_for_threads(void) {
  const struct timespec pause = {0, 10000000};
  for (int i = 0; i < 1000 && count_threads() > 0; ++i) nanosleep(&pause, NULL);
  return count_threads() == 0;
}

static int is_mapped(const char* name) {
  char line[4096];
  int found = 0;
  FILE* maps = fopen("/proc/self/maps", "r");
  while (fgets(line, sizeof line, maps) != NULL) found |= strstr(line, name) != NULL;
  fclose(maps);
  return found;
}

static int failed(const struct api* api, const lmm_error* error) {
  fprintf(stderr, "error: %s\n", api->lmm_error_message(error, NULL));
  return 0;
}

static int ask(const struct api* api, const char* folder, const char* picture, int whole) {
  lmm_error* error = NULL;
  lmm_model* model = NULL;
  lmm_image* image = NULL;
  lmm_message* message = NULL;
  lmm_session* session = NULL;
  lmm_reply* reply = NULL;
  lmm_pending* pending = NULL;
  if (api->lmm_model_load(NULL, folder, LMM_STRLEN, NULL, &model, &error)) return failed(api, error);
  if (api->lmm_image_open(NULL, picture, LMM_STRLEN, &image, &error)) return failed(api, error);
  if (api->lmm_message_create(NULL, &message, &error)) return failed(api, error);
  if (api->lmm_message_add_image(message, image, &error)) return failed(api, error);
  if (api->lmm_message_add_text(message, "Name the object.", LMM_STRLEN, &error)) return failed(api, error);
  if (api->lmm_session_create(model, NULL, &session, &error)) return failed(api, error);
  if (whole) {
    if (api->lmm_session_ask(session, message, NULL, NULL, NULL, &reply, &error)) return failed(api, error);
    printf("%s\n", api->lmm_reply_text(reply, NULL));
  } else {
    if (api->lmm_session_start(session, message, NULL, &pending, &error)) return failed(api, error);
  }
  api->lmm_pending_free(pending);
  api->lmm_reply_free(reply);
  api->lmm_session_free(session);
  api->lmm_message_free(message);
  api->lmm_image_free(image);
  api->lmm_model_free(model);
  return 1;
}

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  for (int round = 0; round < 4; ++round) {
    struct api api;
    const int whole = round < 3;
    void* library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) return fprintf(stderr, "error: %s\n", dlerror()), 1;
    if (!get_api(library, &api) || !ask(&api, argv[2], argv[3], whole)) return 1;
    if (whole && !wait_for_threads()) return fprintf(stderr, "error: round %d: threads are left\n", round), 1;
    if (dlclose(library) != 0) return fprintf(stderr, "error: %s\n", dlerror()), 1;
    if (whole && is_mapped("liblmm.so")) return fprintf(stderr, "error: round %d: still mapped\n", round), 1;
  }
  if (!wait_for_threads()) return fprintf(stderr, "error: threads are left\n"), 1;
  return 0;
}
