/* lmm: large multimodal models inside a program. The C interface.
 *
 * The rules that hold for every function (capi/CONVENTIONS.md has them with their reasons):
 *
 * Errors.     A function that can fail returns an lmm_code: LMM_OK, or why not. Its last parameter `error` may be NULL;
 *             else *error is set on failure to an object of its own (lmm_error_message: one line), which the caller
 *             frees, and is left alone on success. On failure every other out-parameter is untouched and the object
 *             that was called is as it was. "Errors" below lists the codes beyond the three that any such function can
 *             give: LMM_ERROR_INVALID_ARGUMENT (NULL, an object of another type or, as far as it can be told, a freed
 *             one, a value out of range, text that is not UTF-8), LMM_ERROR_OUT_OF_MEMORY and LMM_ERROR_INTERNAL.
 *             A getter (it has no `error`) gives NULL, 0 or LMM_FALSE, or what is said of it, for NULL, a freed object
 *             or an index out of range.
 * Ownership.  Out-parameters of a pointer to an object give a new object, which the caller frees with its lmm_*_free.
 *             Pointers that getters return belong to the object and live as long as it, unchanged. Nothing given to a
 *             function is kept but callbacks with their `user`: text, bytes, pixels and options are copied, objects
 *             shared. Objects may be freed in any order, also in the middle of an answer. lmm_*_free(NULL) does
 *             nothing.
 * Threads.    A `const` pointer to an object: any threads may do this at once. Without const: one thread at a time.
 *             Different objects never disturb each other. lmm_session_ask, lmm_session_edit_last, lmm_session_fork,
 *             lmm_pending_get, lmm_pending_step, lmm_listener_next and lmm_model_load wait for a model's worker; reading
 *             files takes as long as that takes; nothing else waits.
 * Strings.    UTF-8 with a length in bytes, zero bytes included; LMM_STRLEN as length means: up to the first zero byte.
 *             NULL with length 0 is the empty string. Paths are the bytes that the system takes, without zero bytes.
 *             Strings that come out end with a zero byte that their length does not count; out-parameters `length`
 *             may be NULL.
 * Callbacks.  Their `user` is handed on untouched. They return LMM_GO_ON or LMM_STOP. They may call lmm, except what is
 *             said of each. They must come back by returning; a C++ exception thrown by one counts as LMM_STOP.
 *             A callback that lmm keeps comes with a `release` (may be NULL): called once with `user`, on any thread,
 *             when the callback will not be called any more; not called when the function that takes it fails.
 * Never.      lmm does not end the process, print, raise signals, read the environment (but LMM_MAX_ISA, see lmm_model_load) or
 *             change the locale.
 *
 * Fits lmm 0.1. What is declared here only grows within a major version; see capi/CONVENTIONS.md.
 */
#ifndef LMM_H
#define LMM_H

#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define LMM_CAPI __attribute__((visibility("default")))
#else
#define LMM_CAPI
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* As the length of a string: it ends at its first zero byte. */
#define LMM_STRLEN SIZE_MAX

/* A truth value: LMM_FALSE, or any other number for true. */
typedef int32_t lmm_bool;
enum { LMM_FALSE = 0, LMM_TRUE = 1 };

/* What a callback returns. */
enum { LMM_STOP = 0, LMM_GO_ON = 1 };

/* ---- version and features -------------------------------------------------------------------------------------- */

/* Version of this header. */
#define LMM_H_VERSION_MAJOR 0
#define LMM_H_VERSION_MINOR 1
#define LMM_H_VERSION_PATCH 0

/* Version of the library that is loaded, "major.minor.patch". Static. Any thread. */
LMM_CAPI const char* lmm_version(void);

/* The same as a number: major * 1000000 + minor * 1000 + patch. Any thread. */
LMM_CAPI uint32_t lmm_version_number(void);

/* Name of the index-th feature of this library: "family:idefics3" (a model_type that loads), "picture:png" and
 * "sound:mp3" (formats of files that open), "device:cuda" (a kind of device that is there), "step" (lmm_pending_step),
 * ... NULL beyond the last. Static. Any thread. */
LMM_CAPI const char* lmm_feature(size_t index);

/* Whether the library has a feature of this name (zero-terminated). LMM_FALSE for NULL. Any thread. */
LMM_CAPI lmm_bool lmm_has_feature(const char* name);

/* ---- errors ---------------------------------------------------------------------------------------------------- */

/* Why a call failed. The numbers are frozen: codes are added at the end, never renumbered. */
typedef int32_t lmm_code;
enum {
  LMM_OK = 0,
  LMM_ERROR_INVALID_ARGUMENT = 1,  /* an argument or option is out of range, contradictory, or not for this model */
  LMM_ERROR_NOT_FOUND = 2,         /* a file or folder does not exist */
  LMM_ERROR_IO = 3,                /* reading failed: permissions, a broken disk */
  LMM_ERROR_BAD_FILE = 4,          /* a file is truncated, malformed or inconsistent: JSON, safetensors, pictures */
  LMM_ERROR_UNSUPPORTED = 5,       /* the checkpoint, or the process after a fork, asks for what lmm does not do */
  LMM_ERROR_OUT_OF_MEMORY = 6,     /* an allocation failed, or would exceed lmm_load_options_set_max_memory */
  LMM_ERROR_CONTEXT_OVERFLOW = 7,  /* the prompt does not fit into the model's context */
  LMM_ERROR_CANCELLED = 8,         /* the caller, or one of its callbacks, cancelled */
  LMM_ERROR_BUSY = 9,              /* the session is used by another call, or the call is not for this thread */
  LMM_ERROR_NO_DEVICE = 10,        /* the device asked for is not there */
  LMM_ERROR_BAD_TEMPLATE = 11,     /* the chat template is malformed, raised an exception, or exceeded its limits */
  LMM_ERROR_INTERNAL = 12          /* a defect of lmm: please report */
};

/* Name of a code without its prefix, e.g. "bad_file"; "ok" for LMM_OK, "unknown" for a number that is none. Static. */
LMM_CAPI const char* lmm_code_name(lmm_code code);

/* Why one call failed. Immutable; made by the call with the allocator of the object it was about. */
typedef struct lmm_error lmm_error;

/* The code that the call returned; LMM_OK for NULL. */
LMM_CAPI lmm_code lmm_error_code(const lmm_error* error);

/* One line of UTF-8: what, expected, actual, where. Lives as long as `error`; "" for NULL. */
LMM_CAPI const char* lmm_error_message(const lmm_error* error, size_t* length);

/* Ends it, and its message. NULL does nothing. */
LMM_CAPI void lmm_error_free(lmm_error* error);

/* ---- memory ---------------------------------------------------------------------------------------------------- */

/* The host's own memory for the objects and strings that lmm hands out. It is the first parameter of every function
 * that makes an object out of nothing; NULL stands for malloc and free. It is copied into the object, and what comes of
 * that object (the errors of its calls, sessions of a model, replies of a session) is made with the same one.
 * Weights, tensors and what lmm needs while it works come from libtorch and the C++ runtime.
 *
 * allocate: `size` > 0 bytes aligned for any type (as malloc), or NULL, which becomes LMM_ERROR_OUT_OF_MEMORY.
 * deallocate: gives back what allocate gave, never NULL.
 * Both are called on threads that call lmm, several at once where the host has several, and must not call lmm. `user`
 * must live as long as any object made with it. */
typedef struct lmm_allocator {
  void* user;
  void* (*allocate)(void* user, size_t size);
  void (*deallocate)(void* user, void* memory);
} lmm_allocator;

/* A string of its own. */
typedef struct lmm_text lmm_text;

/* Its bytes, UTF-8. "" for NULL. */
LMM_CAPI const char* lmm_text_data(const lmm_text* text, size_t* length);

/* Ends it, and its bytes. NULL does nothing. */
LMM_CAPI void lmm_text_free(lmm_text* text);

/* ---- pictures -------------------------------------------------------------------------------------------------- */

/* A picture, decoded to 8-bit RGB, turned upright by its EXIF orientation, alpha dropped. Immutable, usable from any
 * thread; messages share its pixels. */
typedef struct lmm_image lmm_image;

/* How the bytes of a host's pixel lie in memory; 8 bits a channel. */
typedef int32_t lmm_pixel_format;
enum { LMM_PIXEL_RGB = 0, LMM_PIXEL_BGR = 1, LMM_PIXEL_RGBA = 2, LMM_PIXEL_BGRA = 3, LMM_PIXEL_GRAY = 4 };

/* Decodes a JPEG, PNG, WebP, BMP or GIF (first frame) file. Any thread.
 * Errors: NOT_FOUND, IO, BAD_FILE (empty, truncated, of unknown kind, more than 178,956,970 pixels). */
LMM_CAPI lmm_code lmm_image_open(const lmm_allocator* allocator, const char* path, size_t path_length,
                                 lmm_image** image, lmm_error** error);

/* Decodes an encoded picture of `size` bytes in memory. Any thread. Errors: BAD_FILE. */
LMM_CAPI lmm_code lmm_image_decode(const lmm_allocator* allocator, const void* data, size_t size, lmm_image** image,
                                   lmm_error** error);

/* Copies the host's own pixels. Any thread.
 * data: first byte of the row that comes first in memory; `size` bytes are readable there, at least height * stride.
 * width, height: pixels, 1 to 65535. stride: bytes from one row to the next, at least a row's; 0: rows without padding.
 * bottom_up: true where the first row in memory is the lowest of the picture. */
LMM_CAPI lmm_code lmm_image_from_pixels(const lmm_allocator* allocator, const void* data, size_t size, int64_t width,
                                        int64_t height, int64_t stride, lmm_pixel_format format, lmm_bool bottom_up,
                                        lmm_image** image, lmm_error** error);

/* Pixels across. Any thread. */
LMM_CAPI int64_t lmm_image_width(const lmm_image* image);

/* Pixels down. Any thread. */
LMM_CAPI int64_t lmm_image_height(const lmm_image* image);

/* The pixels: row-major RGB, 8 bits a channel, height * width * 3 bytes (`size`, may be NULL).
 * Live as long as `image`. */
LMM_CAPI const uint8_t* lmm_image_rgb(const lmm_image* image, size_t* size);

/* Lets go of the pixels, which messages may still share. NULL does nothing. */
LMM_CAPI void lmm_image_free(lmm_image* image);

/* ---- videos ---------------------------------------------------------------------------------------------------- */

/* Frames with their times. Immutable, usable from any thread; messages share its pixels. Which of the frames a model
 * sees, and how it is told their times, is as its own video processor does it. */
typedef struct lmm_video lmm_video;

/* `count` frames in the order of their times, of one size; their pixels are shared, so that they may be freed
 * afterwards. seconds: `count` times from the start of the video, >= 0, none before the one before it. Any thread.
 * Errors: INVALID_ARGUMENT (no frames, sizes that differ, times that go backwards or are not finite). */
LMM_CAPI lmm_code lmm_video_from_frames(const lmm_allocator* allocator, const lmm_image* const* frames,
                                        const double* seconds, size_t count, lmm_video** video, lmm_error** error);

/* Frames that were chosen from a longer video, such as lmm_model_sample_frames tells: the model sees all of them.
 * indices: `count` of them, of the frames in a video of `total` frames, `fps` a second; rising, the first frame is 0.
 * Any thread. Errors: INVALID_ARGUMENT. */
LMM_CAPI lmm_code lmm_video_from_sample(const lmm_allocator* allocator, const lmm_image* const* frames,
                                        const int64_t* indices, size_t count, int64_t total, double fps,
                                        lmm_video** video, lmm_error** error);

/* Number of frames. Any thread. */
LMM_CAPI size_t lmm_video_frame_count(const lmm_video* video);

/* Seconds from the first frame to the last one. Any thread. */
LMM_CAPI double lmm_video_seconds(const lmm_video* video);

/* Lets go of the frames, which messages may still share. NULL does nothing. */
LMM_CAPI void lmm_video_free(lmm_video* video);

/* ---- recordings ------------------------------------------------------------------------------------------------ */

/* A recording. Files are decoded as they are heard, not when opened, so that hours take little memory. Immutable, usable
 * from any thread; messages share it. */
typedef struct lmm_audio lmm_audio;

/* How the host's samples are stored: 32-bit floats, -1 to 1, or 16-bit integers. */
typedef int32_t lmm_sample_format;
enum { LMM_SAMPLE_F32 = 0, LMM_SAMPLE_S16 = 1 };

/* A WAV, FLAC, OGG (Vorbis, Opus), MP3, AIFF, AU or CAF file, which must stay in place while it is used; what is added to
 * it afterwards is not heard. Any thread.
 * Errors: NOT_FOUND, IO, BAD_FILE (empty, of unknown kind, without samples, rate or channels out of range). */
LMM_CAPI lmm_code lmm_audio_open(const lmm_allocator* allocator, const char* path, size_t path_length,
                                 lmm_audio** audio, lmm_error** error);

/* The same of an encoded recording of `size` bytes in memory, which are copied. Any thread. Errors: BAD_FILE. */
LMM_CAPI lmm_code lmm_audio_decode(const lmm_allocator* allocator, const void* data, size_t size, lmm_audio** audio,
                                   lmm_error** error);

/* Copies the host's own samples, channels interleaved. Any thread.
 * data: first sample of the first channel; size: bytes, frames * channels * bytes of a sample.
 * rate: frames a second, 1,000 to 768,000. channels: 1 to 32, mixed down to one by their mean. */
LMM_CAPI lmm_code lmm_audio_from_samples(const lmm_allocator* allocator, const void* data, size_t size, int64_t rate,
                                         int64_t channels, lmm_sample_format format, lmm_audio** audio,
                                         lmm_error** error);

/* How long it is. Any thread. */
LMM_CAPI double lmm_audio_seconds(const lmm_audio* audio);

/* Frames a second, as stored. Any thread. */
LMM_CAPI int64_t lmm_audio_rate(const lmm_audio* audio);

/* Channels, as stored. Any thread. */
LMM_CAPI int64_t lmm_audio_channels(const lmm_audio* audio);

/* Lets go of the recording, which messages may still share. NULL does nothing. */
LMM_CAPI void lmm_audio_free(lmm_audio* audio);

/* ---- messages -------------------------------------------------------------------------------------------------- */

/* What a turn of a conversation says: texts, pictures, videos and recordings in the order in which the model
 * takes them. */
typedef struct lmm_message lmm_message;

typedef int32_t lmm_part_kind;
enum { LMM_PART_NONE = 0, LMM_PART_TEXT = 1, LMM_PART_IMAGE = 2, LMM_PART_VIDEO = 3, LMM_PART_AUDIO = 4 };

/* An empty message. Any thread. */
LMM_CAPI lmm_code lmm_message_create(const lmm_allocator* allocator, lmm_message** message, lmm_error** error);

/* Appends a text. What spells a special token in it stays text. One thread at a time. */
LMM_CAPI lmm_code lmm_message_add_text(lmm_message* message, const char* text, size_t length, lmm_error** error);

/* Appends a picture, whose pixels are shared: `image` may be freed afterwards. One thread at a time. */
LMM_CAPI lmm_code lmm_message_add_image(lmm_message* message, const lmm_image* image, lmm_error** error);

/* Appends a video, whose pixels are shared: `video` may be freed afterwards. One thread at a time. */
LMM_CAPI lmm_code lmm_message_add_video(lmm_message* message, const lmm_video* video, lmm_error** error);

/* Appends a recording, which is shared: `audio` may be freed afterwards. One thread at a time. */
LMM_CAPI lmm_code lmm_message_add_audio(lmm_message* message, const lmm_audio* audio, lmm_error** error);

/* Number of parts. */
LMM_CAPI size_t lmm_message_count(const lmm_message* message);

/* What part `index` is; LMM_PART_NONE beyond the last. */
LMM_CAPI lmm_part_kind lmm_message_kind(const lmm_message* message, size_t index);

/* Text of part `index`, NULL where it is none. Lives as long as `message`. */
LMM_CAPI const char* lmm_message_text(const lmm_message* message, size_t index, size_t* length);

/* Picture of part `index`, NULL where it is none. Belongs to `message` and lives as long. */
LMM_CAPI const lmm_image* lmm_message_image(const lmm_message* message, size_t index);

/* Video of part `index`, NULL where it is none. Belongs to `message` and lives as long. */
LMM_CAPI const lmm_video* lmm_message_video(const lmm_message* message, size_t index);

/* Recording of part `index`, NULL where it is none. Belongs to `message` and lives as long. */
LMM_CAPI const lmm_audio* lmm_message_audio(const lmm_message* message, size_t index);

/* Ends it, with what its getters gave. NULL does nothing. */
LMM_CAPI void lmm_message_free(lmm_message* message);

/* The turns of a conversation, each a role ("system", "user" or "assistant") and a message. */
typedef struct lmm_history lmm_history;

/* A history without turns. Any thread. */
LMM_CAPI lmm_code lmm_history_create(const lmm_allocator* allocator, lmm_history** history, lmm_error** error);

/* Appends a turn; the message is copied, its pictures shared. One thread at a time. */
LMM_CAPI lmm_code lmm_history_add(lmm_history* history, const char* role, size_t role_length,
                                  const lmm_message* message, lmm_error** error);

/* Number of turns. */
LMM_CAPI size_t lmm_history_count(const lmm_history* history);

/* Role of turn `index`. Lives as long as `history`. */
LMM_CAPI const char* lmm_history_role(const lmm_history* history, size_t index, size_t* length);

/* Message of turn `index`. Belongs to `history` and lives as long. */
LMM_CAPI const lmm_message* lmm_history_message(const lmm_history* history, size_t index);

/* Ends it, with the roles and messages that its getters gave. NULL does nothing. */
LMM_CAPI void lmm_history_free(lmm_history* history);

/* ---- loading a model ------------------------------------------------------------------------------------------- */

/* Number format of weights and activations. AUTO: bf16 for a bf16 checkpoint, fp32 otherwise. */
typedef int32_t lmm_dtype;
enum { LMM_DTYPE_AUTO = 0, LMM_DTYPE_FP32 = 1, LMM_DTYPE_BF16 = 2, LMM_DTYPE_FP16 = 3 };

/* "auto", "fp32", "bf16", "fp16"; "unknown" for a number that is none. Static. */
LMM_CAPI const char* lmm_dtype_name(lmm_dtype dtype);

/* How weight matrices are kept in memory. FULL: in the compute type. INT8: 8 bits a weight and a scale for each 32 of a
 * row, packed when the model is loaded; decoding reads half of what bf16 takes. INT4: 4 bits, but 8 in the output layer.
 * Products with packed weights round activations to 8 bits likewise. */
typedef int32_t lmm_weight_type;
enum { LMM_WEIGHTS_FULL = 0, LMM_WEIGHTS_INT8 = 1, LMM_WEIGHTS_INT4 = 2 };

/* "full", "int8", "int4"; "unknown" for a number that is none. Static. */
LMM_CAPI const char* lmm_weight_type_name(lmm_weight_type type);

/* How far a long call has come. stage: "load", "preprocess", "encode" or "prefill", of speech "scan", "encode" or "decode",
 * static; done of total (> 0) in the stage's unit: bytes, pictures, tiles x layers, tokens x layers, of speech frames of
 * 10 ms, layers, tokens. Called on the thread that made the call.
 * LMM_STOP cancels the call, which fails with CANCELLED. The session of the call is busy meanwhile. */
typedef int32_t (*lmm_on_progress)(void* user, const char* stage, int64_t done, int64_t total);

/* How much a line of the log matters. DEBUG: each reply's token counts and times. INFO: what was loaded and how, and what of
 * it was left aside. WARNING: what is not as asked for, or odd. */
typedef int32_t lmm_log_level;
enum { LMM_LOG_DEBUG = 0, LMM_LOG_INFO = 1, LMM_LOG_WARNING = 2 };

/* A line about a model, UTF-8, zero-terminated, without line break; valid during the call. Called on the thread that
 * loads and on the model's worker thread, one call at a time. Calls that wait (see Threads) fail with BUSY in it.
 * After its last call, which may come shortly after all that was made of the model is freed, comes `release`. */
typedef void (*lmm_on_log)(void* user, lmm_log_level level, const char* line, size_t length);

/* Called once when `user` of a callback is needed no more. Any thread. */
typedef void (*lmm_release)(void* user);

/* How a model is loaded. Setters: one thread at a time; a value is checked when it is set, and with the checkpoint and
 * the machine when it is used. */
typedef struct lmm_load_options lmm_load_options;

/* The defaults. Any thread. */
LMM_CAPI lmm_code lmm_load_options_create(const lmm_allocator* allocator, lmm_load_options** options,
                                          lmm_error** error);

/* Default: LMM_DTYPE_AUTO. */
LMM_CAPI lmm_code lmm_load_options_set_dtype(lmm_load_options* options, lmm_dtype dtype, lmm_error** error);

/* Of text decoders, and of all of Whisper. Default: LMM_WEIGHTS_FULL. lmm_model_load gives UNSUPPORTED where others do not
 * fit the model (mixtures of experts) or the device. */
LMM_CAPI lmm_code lmm_load_options_set_weights(lmm_load_options* options, lmm_weight_type weights, lmm_error** error);

/* Of a model's vision and audio towers (Whisper's encoder goes by set_weights): LMM_WEIGHTS_INT8 makes encoding faster on
 * processors without matrix tiles (AMX). Default: LMM_WEIGHTS_FULL. lmm_model_load gives UNSUPPORTED where the device is no CPU. */
LMM_CAPI lmm_code lmm_load_options_set_tower_weights(lmm_load_options* options, lmm_weight_type weights, lmm_error** error);

/* Threads of the model's worker, 1 to 1024. Default 0: as many as the process may use. */
LMM_CAPI lmm_code lmm_load_options_set_threads(lmm_load_options* options, int32_t threads, lmm_error** error);

/* "cpu" (default), "cuda" or "cuda:N". Whether it is there is known when a model is loaded: NO_DEVICE. */
LMM_CAPI lmm_code lmm_load_options_set_device(lmm_load_options* options, const char* device, size_t length,
                                              lmm_error** error);

/* A folder where packed weights are kept for later loads, which map them; it is made if it is not there. A file that is cut
 * short, or of another version, is made again; one that can't be written is left out. Default "": nowhere. */
LMM_CAPI lmm_code lmm_load_options_set_cache_folder(lmm_load_options* options, const char* path, size_t length,
                                                    lmm_error** error);

/* Bytes that the weights may take, checked before they are read: OUT_OF_MEMORY. Default 0: no limit. */
LMM_CAPI lmm_code lmm_load_options_set_max_memory(lmm_load_options* options, uint64_t bytes, lmm_error** error);

/* Tells of the stage "load". NULL: no more. */
LMM_CAPI lmm_code lmm_load_options_set_on_progress(lmm_load_options* options, lmm_on_progress on_progress, void* user,
                                                   lmm_release release, lmm_error** error);

/* The log of the models loaded with these options, kept until they and what was made of them have ended. NULL: none. */
LMM_CAPI lmm_code lmm_load_options_set_on_log(lmm_load_options* options, lmm_on_log on_log, void* user,
                                              lmm_release release, lmm_error** error);

/* Models loaded with them go on. NULL does nothing. */
LMM_CAPI void lmm_load_options_free(lmm_load_options* options);

/* What a checkpoint is. Immutable, any thread. */
typedef struct lmm_info lmm_info;

/* Reads it from a Hugging Face checkpoint folder, config files and weight headers alone. Any thread.
 * Errors: NOT_FOUND, IO, BAD_FILE, UNSUPPORTED, BAD_TEMPLATE. */
LMM_CAPI lmm_code lmm_info_read(const lmm_allocator* allocator, const char* folder, size_t folder_length,
                                lmm_info** info, lmm_error** error);

/* Its fields. Strings live as long as `info`. Any thread. */
LMM_CAPI const char* lmm_info_folder(const lmm_info* info, size_t* length);        /* as given */
LMM_CAPI const char* lmm_info_family(const lmm_info* info, size_t* length);        /* model_type, "idefics3" */
LMM_CAPI const char* lmm_info_architecture(const lmm_info* info, size_t* length);  /* may be empty */
LMM_CAPI uint64_t lmm_info_parameters(const lmm_info* info);    /* stored elements, tied ones once */
LMM_CAPI uint64_t lmm_info_weight_bytes(const lmm_info* info);  /* of all tensors as stored */
LMM_CAPI int64_t lmm_info_context_length(const lmm_info* info); /* tokens */
LMM_CAPI int64_t lmm_info_vocab_size(const lmm_info* info);     /* rows of the embedding */
LMM_CAPI lmm_dtype lmm_info_stored_dtype(const lmm_info* info); /* that of most weights */
LMM_CAPI lmm_dtype lmm_info_compute_dtype(const lmm_info* info); /* AUTO where no model was loaded */
LMM_CAPI lmm_bool lmm_info_sees_images(const lmm_info* info); /* messages may hold pictures */
LMM_CAPI lmm_bool lmm_info_sees_videos(const lmm_info* info); /* messages may hold videos */
LMM_CAPI lmm_bool lmm_info_hears(const lmm_info* info); /* messages may hold recordings */
LMM_CAPI lmm_bool lmm_info_transcribes(const lmm_info* info); /* writes down recordings, and nothing else (Whisper) */
LMM_CAPI lmm_bool lmm_info_has_chat_template(const lmm_info* info); /* else only raw prompts can be asked */
LMM_CAPI size_t lmm_info_tower_count(const lmm_info* info); /* encoders and decoders */
LMM_CAPI const char* lmm_info_tower(const lmm_info* info, size_t index, size_t* length); /* "vision", "text" */
LMM_CAPI size_t lmm_info_weight_file_count(const lmm_info* info); /* files that hold its tensors */
LMM_CAPI const char* lmm_info_weight_file(const lmm_info* info, size_t index, size_t* length); /* path */

/* Ends it, with the strings that its getters gave; not for that of lmm_model_info. NULL does nothing. */
LMM_CAPI void lmm_info_free(lmm_info* info);

/* Weights and tokenizer of one checkpoint: immutable, loaded once, shared by any number of sessions in any threads.
 * One worker thread per model does the arithmetic; the callers' threads never do. After fork() the worker is not there
 * in the child: what needs it fails with UNSUPPORTED, and a model can be loaded anew there. */
typedef struct lmm_model lmm_model;

/* Loads a Hugging Face checkpoint folder as downloaded. options: NULL for the defaults. Takes long. Any thread.
 * The environment variable LMM_MAX_ISA (portable, avx2, avx512, avx512_bf16) bounds the instructions of lmm's kernels; any
 * other value is an INVALID_ARGUMENT. Errors: NOT_FOUND, IO, BAD_FILE, UNSUPPORTED, BAD_TEMPLATE, NO_DEVICE, CANCELLED
 * (by on_progress). */
LMM_CAPI lmm_code lmm_model_load(const lmm_allocator* allocator, const char* folder, size_t folder_length,
                                 const lmm_load_options* options, lmm_model** model, lmm_error** error);

/* What was loaded. Belongs to `model` and lives as long. Any thread. */
LMM_CAPI const lmm_info* lmm_model_info(const lmm_model* model);

/* Which frames of a video of `total` frames, `fps` a second, the model would be shown. Their indices, rising, are written
 * to `indices`, `capacity` of them at most (NULL with 0: none), and their number to `count`, which may be more. A host
 * that decodes only these gives them with lmm_video_from_sample.
 * frames_per_second: how many to choose, as far as the model's limits on their number allow; 0: as many as the
 * checkpoint says, which may be all. Any thread. Errors: UNSUPPORTED (takes no videos), INVALID_ARGUMENT. */
LMM_CAPI lmm_code lmm_model_sample_frames(const lmm_model* model, int64_t total, double fps, double frames_per_second,
                                          int64_t* indices, size_t capacity, size_t* count, lmm_error** error);

/* Lets go of the model. Its memory is freed when its sessions, too, are gone. */
LMM_CAPI void lmm_model_free(lmm_model* model);

/* ---- tokenizer and chat template ------------------------------------------------------------------------------- */

/* Tokenizer and chat template of a checkpoint. Immutable, any thread. */
typedef struct lmm_tokenizer lmm_tokenizer;

/* Tokens in order, each an id and its piece. Immutable, any thread. */
typedef struct lmm_tokens lmm_tokens;

/* Loads them from a Hugging Face folder; its weights need not be there. Any thread.
 * Errors: NOT_FOUND, IO, BAD_FILE, BAD_TEMPLATE, UNSUPPORTED. */
LMM_CAPI lmm_code lmm_tokenizer_load(const lmm_allocator* allocator, const char* folder, size_t folder_length,
                                     lmm_tokenizer** tokenizer, lmm_error** error);

/* That of a loaded model, which may be freed before it. Any thread. */
LMM_CAPI lmm_code lmm_model_tokenizer(const lmm_model* model, lmm_tokenizer** tokenizer, lmm_error** error);

/* Tokens of a text, as the reference tokenizer gives them. add_special_tokens: with what the checkpoint puts around a
 * text. parse_special: text that spells a special token becomes that token. Any thread. Errors: BAD_FILE. */
LMM_CAPI lmm_code lmm_tokenizer_encode(const lmm_tokenizer* tokenizer, const char* text, size_t length,
                                       lmm_bool add_special_tokens, lmm_bool parse_special, lmm_tokens** tokens,
                                       lmm_error** error);

/* Text of `count` ids; an id that names no token is INVALID_ARGUMENT. Any thread. */
LMM_CAPI lmm_code lmm_tokenizer_decode(const lmm_tokenizer* tokenizer, const int32_t* ids, size_t count,
                                       lmm_bool skip_special_tokens, lmm_text** text, lmm_error** error);

/* Renders a JSON list of messages, or an object with "messages", "tools" and template variables, through the chat
 * template, with the generation prompt. Gives the prompt's text, one placeholder a picture, and its tokens; either may
 * be NULL where it is not wanted. Any thread. Errors: BAD_FILE (JSON), BAD_TEMPLATE, UNSUPPORTED (no template). */
LMM_CAPI lmm_code lmm_tokenizer_render(const lmm_tokenizer* tokenizer, const char* messages_json, size_t length,
                                       lmm_text** text, lmm_tokens** tokens, lmm_error** error);

/* Whether lmm_tokenizer_render has a template. Any thread. */
LMM_CAPI lmm_bool lmm_tokenizer_has_chat_template(const lmm_tokenizer* tokenizer);

/* What it gave goes on. NULL does nothing. */
LMM_CAPI void lmm_tokenizer_free(lmm_tokenizer* tokenizer);

/* Number of tokens. */
LMM_CAPI size_t lmm_tokens_count(const lmm_tokens* tokens);

/* All ids, one behind the other; NULL for none. `count` may be NULL. Live as long as `tokens`. */
LMM_CAPI const int32_t* lmm_tokens_ids(const lmm_tokens* tokens, size_t* count);

/* What token `index` stands for in the vocabulary, as the tokenizer's file spells it. Lives as long as `tokens`. */
LMM_CAPI const char* lmm_tokens_piece(const lmm_tokens* tokens, size_t index, size_t* length);

/* Ends them, with ids and pieces. NULL does nothing. */
LMM_CAPI void lmm_tokens_free(lmm_tokens* tokens);

/* ---- options of sessions and replies --------------------------------------------------------------------------- */

/* What a session begins with. Setters: one thread at a time; checked when they are set. */
typedef struct lmm_session_options lmm_session_options;

/* The defaults. Any thread. */
LMM_CAPI lmm_code lmm_session_options_create(const lmm_allocator* allocator, lmm_session_options** options,
                                             lmm_error** error);

/* System prompt. Default: none, the template's own applies. */
LMM_CAPI lmm_code lmm_session_options_set_system(lmm_session_options* options, const char* text, size_t length,
                                                 lmm_error** error);

/* JSON object of further variables for the chat template, e.g. {"enable_thinking": false}. */
LMM_CAPI lmm_code lmm_session_options_set_template_variables(lmm_session_options* options, const char* json,
                                                             size_t length, lmm_error** error);

/* JSON list of descriptions of tools, for templates that take them. */
LMM_CAPI lmm_code lmm_session_options_set_tools(lmm_session_options* options, const char* json, size_t length,
                                                lmm_error** error);

/* Tokens that the session may hold. Default 0: the model's own context length. */
LMM_CAPI lmm_code lmm_session_options_set_max_context(lmm_session_options* options, int64_t tokens, lmm_error** error);

/* A Whisper model, which is shared, that writes down the recordings of messages for a model that does not hear: their
 * texts stand in the place of the recordings, and the reply has the transcripts as its segments. NULL: none. */
LMM_CAPI lmm_code lmm_session_options_set_transcriber(lmm_session_options* options, const lmm_model* transcriber,
                                                      lmm_error** error);

/* Sessions made with them go on. NULL does nothing. */
LMM_CAPI void lmm_session_options_free(lmm_session_options* options);

/* How a reply is generated. What is not set takes the checkpoint's generation_config.json, then the reference's
 * default. Setters: one thread at a time; a range is checked when a value is set, what contradicts another value or the
 * model when a question is asked. What a model does not support is an error, never ignored. */
typedef struct lmm_generate_options lmm_generate_options;

/* Nothing set. Any thread. */
LMM_CAPI lmm_code lmm_generate_options_create(const lmm_allocator* allocator, lmm_generate_options** options,
                                              lmm_error** error);

/* Most new tokens, 1 to 2^31 - 1. Unset: the checkpoint's, else 512. */
LMM_CAPI lmm_code lmm_generate_options_set_max_tokens(lmm_generate_options* options, int64_t tokens,
                                                      lmm_error** error);

/* The reply does not end before so many tokens, 0 to 2^31 - 1. */
LMM_CAPI lmm_code lmm_generate_options_set_min_tokens(lmm_generate_options* options, int64_t tokens,
                                                      lmm_error** error);

/* False: greedy. Unset: true where a temperature above 0 is set. */
LMM_CAPI lmm_code lmm_generate_options_set_sample(lmm_generate_options* options, lmm_bool sample, lmm_error** error);

/* 0 or more; 0 means greedy. */
LMM_CAPI lmm_code lmm_generate_options_set_temperature(lmm_generate_options* options, double temperature,
                                                       lmm_error** error);

/* 0 or more; 0: off. */
LMM_CAPI lmm_code lmm_generate_options_set_top_k(lmm_generate_options* options, int64_t top_k, lmm_error** error);

/* 0 to 1. */
LMM_CAPI lmm_code lmm_generate_options_set_top_p(lmm_generate_options* options, double top_p, lmm_error** error);

/* 0 to 1. */
LMM_CAPI lmm_code lmm_generate_options_set_min_p(lmm_generate_options* options, double min_p, lmm_error** error);

/* More than 0, at most 1. */
LMM_CAPI lmm_code lmm_generate_options_set_typical_p(lmm_generate_options* options, double typical_p,
                                                     lmm_error** error);

/* More than 0; 1: off. */
LMM_CAPI lmm_code lmm_generate_options_set_repetition_penalty(lmm_generate_options* options, double penalty,
                                                              lmm_error** error);

/* -2 to 2, over the new tokens. */
LMM_CAPI lmm_code lmm_generate_options_set_presence_penalty(lmm_generate_options* options, double penalty,
                                                            lmm_error** error);

/* -2 to 2, over the new tokens. */
LMM_CAPI lmm_code lmm_generate_options_set_frequency_penalty(lmm_generate_options* options, double penalty,
                                                             lmm_error** error);

/* No run of so many tokens comes twice; 0: off. */
LMM_CAPI lmm_code lmm_generate_options_set_no_repeat_ngram(lmm_generate_options* options, int64_t tokens,
                                                           lmm_error** error);

/* Adds a text, not empty, that is never produced. */
LMM_CAPI lmm_code lmm_generate_options_add_bad_word(lmm_generate_options* options, const char* text, size_t length,
                                                    lmm_error** error);

/* Adds `bias` (a number or -infinity) to the logit of a token. A second call for the same token replaces the first. */
LMM_CAPI lmm_code lmm_generate_options_set_logit_bias(lmm_generate_options* options, int32_t token, double bias,
                                                      lmm_error** error);

/* Adds a text, not empty, that ends the reply and is not part of it. */
LMM_CAPI lmm_code lmm_generate_options_add_stop(lmm_generate_options* options, const char* text, size_t length,
                                                lmm_error** error);

/* The same seed, the same reply. Unset: a fresh one each time. */
LMM_CAPI lmm_code lmm_generate_options_set_seed(lmm_generate_options* options, uint64_t seed, lmm_error** error);

/* True: the message is the prompt itself, special tokens in it included; no chat template, no history. */
LMM_CAPI lmm_code lmm_generate_options_set_raw(lmm_generate_options* options, lmm_bool raw, lmm_error** error);

/* True: end tokens do not end the reply (benchmarks). */
LMM_CAPI lmm_code lmm_generate_options_set_ignore_eos(lmm_generate_options* options, lmm_bool ignore_eos,
                                                      lmm_error** error);

/* True: a reply begun with lmm_session_start does nothing until lmm_pending_resume, except within lmm_pending_step.
 * lmm_session_ask and lmm_session_edit_last refuse it. */
LMM_CAPI lmm_code lmm_generate_options_set_paused(lmm_generate_options* options, lmm_bool paused, lmm_error** error);

/* An intermediate of the forward pass: its name ("vision.layer.3.attn_out"), `rank` sizes, row-major, and its elements
 * as fp32 whatever the compute type. All valid during the call. Called on the model's worker thread; calls that
 * wait (see Threads) fail with BUSY in it. LMM_STOP ends the reply as lmm_session_cancel does. */
typedef int32_t (*lmm_on_tap)(void* user, const char* name, size_t name_length, const int64_t* shape, size_t rank,
                              const float* data);

/* Observes the intermediates whose name matches a glob ("vision.*", "*"). NULL: no more. */
LMM_CAPI lmm_code lmm_generate_options_set_on_tap(lmm_generate_options* options, const char* glob, size_t glob_length,
                                                  lmm_on_tap on_tap, void* user, lmm_release release,
                                                  lmm_error** error);

/* How speech is written down, by a Whisper model alone or as transcriber. What is not set is as in the Whisper paper. */

/* Code or English name of the language, "de" or "German"; empty: heard from the first 30 s. */
LMM_CAPI lmm_code lmm_generate_options_set_speech_language(lmm_generate_options* options, const char* language,
                                                           size_t length, lmm_error** error);

/* True: into English. */
LMM_CAPI lmm_code lmm_generate_options_set_speech_translate(lmm_generate_options* options, lmm_bool translate,
                                                            lmm_error** error);

/* Which times the transcript has; words: found by the decoder's attention. */
typedef int32_t lmm_speech_times;
enum { LMM_SPEECH_TIMES_NONE = 0, LMM_SPEECH_TIMES_SEGMENTS = 1, LMM_SPEECH_TIMES_WORDS = 2 };

/* Default: LMM_SPEECH_TIMES_SEGMENTS. */
LMM_CAPI lmm_code lmm_generate_options_set_speech_times(lmm_generate_options* options, lmm_speech_times times,
                                                        lmm_error** error);

/* Text that goes before: names, spelling, style. */
LMM_CAPI lmm_code lmm_generate_options_set_speech_prompt(lmm_generate_options* options, const char* text, size_t length,
                                                         lmm_error** error);

/* True: each window of 30 s is told the text of the one before. */
LMM_CAPI lmm_code lmm_generate_options_set_speech_condition_on_previous(lmm_generate_options* options,
                                                                        lmm_bool condition, lmm_error** error);

/* Beams of the search at temperature 0, 1 to 32. */
LMM_CAPI lmm_code lmm_generate_options_set_speech_beams(lmm_generate_options* options, int64_t beams, lmm_error** error);

/* `count` temperatures, at most 100, each 0 to 1, which are tried in this order until the thresholds hold. 0: the
 * default, 0 to 1 by 0.2. */
LMM_CAPI lmm_code lmm_generate_options_set_speech_temperatures(lmm_generate_options* options,
                                                               const double* temperatures, size_t count,
                                                               lmm_error** error);

/* A window whose text compresses better than this is tried again. Default: 1.35. */
LMM_CAPI lmm_code lmm_generate_options_set_speech_compression_ratio_threshold(lmm_generate_options* options,
                                                                              double threshold, lmm_error** error);

/* A window whose tokens have a lower mean of log probabilities is tried again. Default: -1. */
LMM_CAPI lmm_code lmm_generate_options_set_speech_log_probability_threshold(lmm_generate_options* options,
                                                                            double threshold, lmm_error** error);

/* A window above it, and below the threshold of log probabilities, is silent. Default: 0.6. */
LMM_CAPI lmm_code lmm_generate_options_set_speech_no_speech_threshold(lmm_generate_options* options, double threshold,
                                                                      lmm_error** error);

/* Tells of "preprocess", "encode" and "prefill", in lmm_session_ask and lmm_session_edit_last. NULL: no more. */
LMM_CAPI lmm_code lmm_generate_options_set_on_progress(lmm_generate_options* options, lmm_on_progress on_progress,
                                                       void* user, lmm_release release, lmm_error** error);

/* Replies begun with them go on. NULL does nothing. */
LMM_CAPI void lmm_generate_options_free(lmm_generate_options* options);

/* ---- replies --------------------------------------------------------------------------------------------------- */

/* What the model answered. Immutable, any thread; needs neither session nor model any more. */
typedef struct lmm_reply lmm_reply;

typedef int32_t lmm_finish_reason;
enum { LMM_FINISH_EOS = 0, LMM_FINISH_STOP = 1, LMM_FINISH_LENGTH = 2, LMM_FINISH_CANCELLED = 3 };

/* "eos", "stop", "length", "cancelled"; "unknown" for a number that is none. Static. */
LMM_CAPI const char* lmm_finish_reason_name(lmm_finish_reason reason);

/* Its text, special tokens left out, which may begin with a space that the history has not; and the new tokens, the end token
 * included, none of a transcript. Both live as long as `reply`. */
LMM_CAPI const char* lmm_reply_text(const lmm_reply* reply, size_t* length);
LMM_CAPI const int32_t* lmm_reply_token_ids(const lmm_reply* reply, size_t* count);
/* Why it ended: an end token, a stop string, max_tokens or the context, or a cancel. */
LMM_CAPI lmm_finish_reason lmm_reply_finish_reason(const lmm_reply* reply);

/* Tokens. */
LMM_CAPI int64_t lmm_reply_prompt_tokens(const lmm_reply* reply); /* whole prompt, pictures and earlier turns too */
LMM_CAPI int64_t lmm_reply_image_tokens(const lmm_reply* reply);  /* of these, for pictures and videos */
LMM_CAPI int64_t lmm_reply_audio_tokens(const lmm_reply* reply);  /* of these, for sound */
LMM_CAPI int64_t lmm_reply_image_tiles(const lmm_reply* reply);   /* inputs of the vision tower */
LMM_CAPI int64_t lmm_reply_reused_tokens(const lmm_reply* reply); /* of prompt_tokens, not computed again */
LMM_CAPI int64_t lmm_reply_new_tokens(const lmm_reply* reply);    /* generated, the end token included */

/* Seconds of wall clock. */
LMM_CAPI double lmm_reply_load_seconds(const lmm_reply* reply);       /* loading the model */
LMM_CAPI double lmm_reply_preprocess_seconds(const lmm_reply* reply); /* pictures to pixels */
LMM_CAPI double lmm_reply_encode_seconds(const lmm_reply* reply);     /* vision or audio tower and projector */
LMM_CAPI double lmm_reply_prefill_seconds(const lmm_reply* reply);    /* prompt to first logits */
LMM_CAPI double lmm_reply_decode_seconds(const lmm_reply* reply);     /* all steps after that */
LMM_CAPI double lmm_reply_seconds_per_token(const lmm_reply* reply);  /* decode / steps, 0 without steps */

/* How many boxes and points the text tells of: of families that were taught to write them (Qwen-VL, Granite-Docling, the
 * pocket model). They are in the pixels of the picture that the caller gave: (0, 0) is
 * its upper left corner, and a box over all of it is 0, 0, width, height. */
LMM_CAPI size_t lmm_reply_box_count(const lmm_reply* reply);
LMM_CAPI size_t lmm_reply_point_count(const lmm_reply* reply);

/* Box `index`: left, top, right, bottom; which picture of the conversation it is in, the first is 0. Either may be
 * NULL. LMM_FALSE, and nothing written, beyond the last. */
LMM_CAPI lmm_bool lmm_reply_box(const lmm_reply* reply, size_t index, double corners[4], size_t* image);

/* Point `index`: x, y; otherwise as lmm_reply_box. */
LMM_CAPI lmm_bool lmm_reply_point(const lmm_reply* reply, size_t index, double place[2], size_t* image);

/* Label of box or point `index`, empty where the model gives none; NULL beyond the last. Lives as long as `reply`. */
LMM_CAPI const char* lmm_reply_box_label(const lmm_reply* reply, size_t index, size_t* length);
LMM_CAPI const char* lmm_reply_point_label(const lmm_reply* reply, size_t index, size_t* length);

/* What was heard: of a Whisper model the transcript, whose texts make up the reply's text; of a model with a transcriber
 * the transcripts of the message's recordings, one after the other. None for models that hear. */
LMM_CAPI size_t lmm_reply_segment_count(const lmm_reply* reply);

/* Segment `index`: seconds of its begin and end, from the start of the recording; may be NULL. LMM_FALSE, and nothing
 * written, beyond the last. */
LMM_CAPI lmm_bool lmm_reply_segment(const lmm_reply* reply, size_t index, double seconds[2]);

/* Its text, mostly with a space in front, and the code of its language ("en"), which may be empty; NULL beyond the last.
 * Live as long as `reply`. */
LMM_CAPI const char* lmm_reply_segment_text(const lmm_reply* reply, size_t index, size_t* length);
LMM_CAPI const char* lmm_reply_segment_language(const lmm_reply* reply, size_t index, size_t* length);

/* Of the window that it was heard in: mean log probability of a token, probability that it holds no speech, and the
 * temperature that it was decoded at. */
LMM_CAPI double lmm_reply_segment_mean_log_probability(const lmm_reply* reply, size_t index);
LMM_CAPI double lmm_reply_segment_no_speech_probability(const lmm_reply* reply, size_t index);
LMM_CAPI double lmm_reply_segment_temperature(const lmm_reply* reply, size_t index);

/* Words of segment `segment`, where they were asked for. */
LMM_CAPI size_t lmm_reply_word_count(const lmm_reply* reply, size_t segment);

/* Word `index` of a segment: seconds of its begin and end, and the mean probability of its tokens; either may be NULL.
 * LMM_FALSE, and nothing written, beyond the last. */
LMM_CAPI lmm_bool lmm_reply_word(const lmm_reply* reply, size_t segment, size_t index, double seconds[2],
                                 double* probability);

/* Its text, with the space before it where there is one; NULL beyond the last. Lives as long as `reply`. */
LMM_CAPI const char* lmm_reply_word_text(const lmm_reply* reply, size_t segment, size_t index, size_t* length);

/* Ends it, with all that its getters gave. NULL does nothing. */
LMM_CAPI void lmm_reply_free(lmm_reply* reply);

/* ---- sessions -------------------------------------------------------------------------------------------------- */

/* One conversation with a model: history, KV cache and the embeddings of its pictures. Nothing that an earlier turn
 * computed is computed again. Used by one thread at a time: a second call meanwhile, also from a callback, fails with
 * BUSY and nothing else happens. */
typedef struct lmm_session lmm_session;

/* A reply that is being made. One thread at a time, except lmm_pending_cancel and lmm_pending_progress. */
typedef struct lmm_pending lmm_pending;

/* A piece of the reply's text, whole UTF-8 characters, zero-terminated, valid during the call. Called on the thread
 * that made the call. LMM_STOP ends the reply, which then has the text so far and LMM_FINISH_CANCELLED. */
typedef int32_t (*lmm_on_piece)(void* user, const char* piece, size_t length);

/* options: NULL for the defaults. The session keeps the model. Any thread. */
LMM_CAPI lmm_code lmm_session_create(const lmm_model* model, const lmm_session_options* options,
                                     lmm_session** session, lmm_error** error);

/* Adds a turn of the user, waits for the model's and gives it. options: NULL for the defaults. on_piece: NULL for none.
 * Stopped by on_piece or cancelled, the reply holds all text made so far, which may be more than the pieces given, and both
 * turns stay; one that had come to its end meanwhile tells that end. Cancelled before the first token, it fails and the
 * history is as before. One thread at a time.
 * Errors: CONTEXT_OVERFLOW, UNSUPPORTED, BAD_TEMPLATE, BAD_FILE, CANCELLED, BUSY. */
LMM_CAPI lmm_code lmm_session_ask(lmm_session* session, const lmm_message* message,
                                  const lmm_generate_options* options, lmm_on_piece on_piece, void* user,
                                  lmm_reply** reply, lmm_error** error);

/* The same without waiting, for hosts with a loop of their own. What of its errors depends on the model comes out of
 * lmm_pending_get. One thread at a time. Errors: BUSY, UNSUPPORTED (after fork). */
LMM_CAPI lmm_code lmm_session_start(lmm_session* session, const lmm_message* message,
                                    const lmm_generate_options* options, lmm_pending** pending, lmm_error** error);

/* Stops the answer in progress, if any, within a layer. Any thread. NULL does nothing. */
LMM_CAPI void lmm_session_cancel(const lmm_session* session);

/* The turns so far, the system prompt first where there is one. Any thread. */
LMM_CAPI lmm_code lmm_session_history(const lmm_session* session, lmm_history** history, lmm_error** error);

/* Puts other turns, which are copied, in place of the history. The KV cache is used as far as it still fits. A cancelled reply
 * that has not ended leaves no turn; with lmm_session_pop and lmm_session_reset it is the same. One thread at a time.
 * Errors: BUSY. */
LMM_CAPI lmm_code lmm_session_set_history(lmm_session* session, const lmm_history* history, lmm_error** error);

/* Takes back the last turn of the user and its answer. *message (may be NULL: not wanted) becomes what the user said,
 * NULL where there was no such turn. One thread at a time. Errors: BUSY. */
LMM_CAPI lmm_code lmm_session_pop(lmm_session* session, lmm_message** message, lmm_error** error);

/* Replaces the last turn of the user and answers anew: pop and ask in one, the history restored when it fails.
 * Otherwise as lmm_session_ask. */
LMM_CAPI lmm_code lmm_session_edit_last(lmm_session* session, const lmm_message* message,
                                        const lmm_generate_options* options, lmm_on_piece on_piece, void* user,
                                        lmm_reply** reply, lmm_error** error);

/* Forgets all turns; the system prompt stays. One thread at a time. Errors: BUSY. */
LMM_CAPI lmm_code lmm_session_reset(lmm_session* session, lmm_error** error);

/* An independent session that goes on from here; the state so far is copied, not computed again. Any thread.
 * Errors: BUSY, UNSUPPORTED (after fork). */
LMM_CAPI lmm_code lmm_session_fork(const lmm_session* session, lmm_session** copy, lmm_error** error);

/* Cancels its answer, if any, and lets go without waiting; also while it answers, from a callback or another thread. */
LMM_CAPI void lmm_session_free(lmm_session* session);

/* ---- replies in the making ------------------------------------------------------------------------------------- */

typedef int32_t lmm_state;
enum { LMM_STATE_RUNNING = 0, LMM_STATE_DONE = 1, LMM_STATE_FAILED = 2 };

/* New text since the last poll and how the reply stands; never blocks, allocates nothing (but an error).
 * buffer: `capacity` bytes, 4 or more; *length becomes how many were written: whole UTF-8 characters, not
 *   zero-terminated. What does not fit comes with the next poll. NULL with capacity 0: the state alone; `length` may be
 *   NULL then.
 * state: LMM_STATE_DONE or LMM_STATE_FAILED once the reply has ended and its text was taken, or no buffer was given;
 *   lmm_pending_get then has the reply, or the reason, at once. May be NULL. */
LMM_CAPI lmm_code lmm_pending_poll(lmm_pending* pending, char* buffer, size_t capacity, size_t* length,
                                   lmm_state* state, lmm_error** error);

/* Waits for the end, resumes it first where it is paused, and gives the reply, or the error that ended it. Once: after
 * it, `pending` is of no use but to be freed. Errors: those of lmm_session_ask. */
LMM_CAPI lmm_code lmm_pending_get(lmm_pending* pending, lmm_reply** reply, lmm_error** error);

/* Asks the worker to stop, which it does within a layer. Any thread, also after the end. NULL does nothing. */
LMM_CAPI void lmm_pending_cancel(const lmm_pending* pending);

/* How far preprocessing, encoding or prefill have come; as lmm_on_progress, total 0 before and after. Each may be NULL.
 * Any thread. */
LMM_CAPI lmm_code lmm_pending_progress(const lmm_pending* pending, const char** stage, int64_t* done, int64_t* total,
                                       lmm_error** error);

/* Lets the worker rest at the next layer or tile, until lmm_pending_resume; while another reply of the model rests in the
 * middle of its prefill, only after this one's prefill or next token. NULL does nothing. */
LMM_CAPI void lmm_pending_pause(lmm_pending* pending);

/* Lets it go on. NULL does nothing. */
LMM_CAPI void lmm_pending_resume(lmm_pending* pending);

/* Lets the reply be worked on for this long, in microseconds (1 or more), waits until it rests again, and leaves it
 * paused. It rests between layers or tiles, and learns to stop before the budget ends; one is done however
 * short the budget, where the system runs the worker within it. One thread at a time.
 * state: as lmm_pending_poll without buffer; may be NULL. */
LMM_CAPI lmm_code lmm_pending_step(lmm_pending* pending, int64_t budget_microseconds, lmm_state* state,
                                   lmm_error** error);

/* Cancels the reply where it has not ended, and lets go without waiting. */
LMM_CAPI void lmm_pending_free(lmm_pending* pending);

/* ---- live sound ------------------------------------------------------------------------------------------------ */

/* How live sound is heard: settings in the making, one thread at a time. */
typedef struct lmm_listen_options lmm_listen_options;

/* Writes down sound while it comes: a Whisper model alone or the transcriber of another. Utterances are found by voice
 * activity and heard by the model's worker thread. Its memory is that of the sound not yet heard: see
 * lmm_listener_waiting. One thread at a time. */
typedef struct lmm_listener lmm_listener;

/* A stretch of speech between two silences. Immutable, any thread; needs no listener any more. */
typedef struct lmm_utterance lmm_utterance;

/* Any thread. */
LMM_CAPI lmm_code lmm_listen_options_create(const lmm_allocator* allocator, lmm_listen_options** options,
                                            lmm_error** error);

/* Copies what the functions lmm_generate_options_set_speech_* have set; its other settings have no part in it. */
LMM_CAPI lmm_code lmm_listen_options_set_speech(lmm_listen_options* options, const lmm_generate_options* speech,
                                                lmm_error** error);

/* Seconds without voice that end an utterance, 0.1 to 5. Default: 0.6. */
LMM_CAPI lmm_code lmm_listen_options_set_silence(lmm_listen_options* options, double seconds, lmm_error** error);

/* Seconds of new sound after which the text so far of an utterance is told, 0.1 to 60; 0: never. Default: 0.4. */
LMM_CAPI lmm_code lmm_listen_options_set_partial_after(lmm_listen_options* options, double seconds, lmm_error** error);

/* Seconds after which an utterance is ended in its middle, 1 to 29. Default: 25. */
LMM_CAPI lmm_code lmm_listen_options_set_longest(lmm_listen_options* options, double seconds, lmm_error** error);

/* Listeners begun with them go on. NULL does nothing. */
LMM_CAPI void lmm_listen_options_free(lmm_listen_options* options);

/* Begins to listen; the conversation of the session has no part in it, and it may be freed. Any number of listeners at
 * once. options: NULL for the defaults. One thread at a time.
 * Errors: UNSUPPORTED (neither the model nor a transcriber writes down speech), BUSY. */
LMM_CAPI lmm_code lmm_session_listen(lmm_session* session, const lmm_listen_options* options, lmm_listener** listener,
                                     lmm_error** error);

/* Adds sound as a microphone gives it, any number of samples, copied; arguments as of lmm_audio_from_samples. Rate and
 * channels of the first piece hold for all. Never waits for the model. What is refused (also: after lmm_listener_finish)
 * is left out, and the listener goes on. */
LMM_CAPI lmm_code lmm_listener_push(lmm_listener* listener, const void* data, size_t size, int64_t rate,
                                    int64_t channels, lmm_sample_format format, lmm_error** error);

/* No more sound comes: what there is becomes final. */
LMM_CAPI lmm_code lmm_listener_finish(lmm_listener* listener, lmm_error** error);

/* The next new text. Waits for it, where something is being heard, `wait_microseconds` at most (0 or less: not at all).
 * utterance: NULL where there is none.
 * Errors: those of lmm_session_ask that ended the work, once: the listener is done then. */
LMM_CAPI lmm_code lmm_listener_next(lmm_listener* listener, int64_t wait_microseconds, lmm_utterance** utterance,
                                    lmm_error** error);

/* After lmm_listener_finish: everything was heard and taken. LMM_TRUE where there is no listener. */
LMM_CAPI lmm_bool lmm_listener_done(const lmm_listener* listener);

/* Seconds of sound, in utterances that have ended, that the model has not heard yet. A host that pushes faster than the
 * model hears looks at it. */
LMM_CAPI double lmm_listener_waiting(const lmm_listener* listener);

/* Cancels what is being heard, and lets go without waiting. NULL does nothing. */
LMM_CAPI void lmm_listener_free(lmm_listener* listener);

/* Counts the utterances, from 0. -1 where there is none. */
LMM_CAPI int64_t lmm_utterance_index(const lmm_utterance* utterance);

/* LMM_FALSE: it is its text so far, which the next one of the same index takes the place of. */
LMM_CAPI lmm_bool lmm_utterance_is_final(const lmm_utterance* utterance);

/* Seconds of its begin and (so far) end, from the start of the sound. LMM_FALSE, and nothing written, where there is
 * none. */
LMM_CAPI lmm_bool lmm_utterance_seconds(const lmm_utterance* utterance, double seconds[2]);

/* What was said: text, empty where a sound turned out to be no speech, and segments, their times from the start of the
 * sound; the rest is 0. Lives as long as `utterance`. NULL where there is none. */
LMM_CAPI const lmm_reply* lmm_utterance_reply(const lmm_utterance* utterance);

/* Ends it and its reply. NULL does nothing. */
LMM_CAPI void lmm_utterance_free(lmm_utterance* utterance);

#ifdef __cplusplus
}
#endif

#endif /* LMM_H */
