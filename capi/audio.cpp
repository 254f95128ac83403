// Recordings.
#include "capi/objects.hpp"

using namespace lmm;
using namespace lmm::capi;

lmm_code lmm_audio_open(const lmm_allocator* allocator, const char* path, size_t path_length, lmm_audio** audio,
                        lmm_error** error) {
  return call(usable_allocator(allocator), error, [&] {
    require(audio, "audio");
    const lmm_allocator& memory = allocator_or_default(allocator);
    *audio = make<lmm_audio>(memory, Audio::open(path_argument(path, path_length, "path")));
  });
}

lmm_code lmm_audio_decode(const lmm_allocator* allocator, const void* data, size_t size, lmm_audio** audio,
                          lmm_error** error) {
  return call(usable_allocator(allocator), error, [&] {
    require(audio, "audio");
    const lmm_allocator& memory = allocator_or_default(allocator);
    const std::string_view bytes = data_argument(data, size, "data");
    *audio = make<lmm_audio>(memory, Audio::from_memory(bytes.data(), bytes.size()));
  });
}

lmm_code lmm_audio_from_samples(const lmm_allocator* allocator, const void* data, size_t size, int64_t rate,
                                int64_t channels, lmm_sample_format format, lmm_audio** audio, lmm_error** error) {
  return call(usable_allocator(allocator), error, [&] {
    require(audio, "audio");
    const lmm_allocator& memory = allocator_or_default(allocator);
    *audio = make<lmm_audio>(memory, Audio::from_samples(samples_argument(data, size, rate, channels, format)));
  });
}

double lmm_audio_seconds(const lmm_audio* audio) { return alive(audio) ? audio->audio.seconds() : 0; }

int64_t lmm_audio_rate(const lmm_audio* audio) { return alive(audio) ? audio->audio.rate() : 0; }

int64_t lmm_audio_channels(const lmm_audio* audio) { return alive(audio) ? audio->audio.channels() : 0; }

void lmm_audio_free(lmm_audio* audio) { destroy(audio); }
