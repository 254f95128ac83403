#include "lib/core/error.hpp"
#include "lib/media/sound_decoder.hpp"

#include <mpg123.h>

#include <utility>

namespace lmm::media {
namespace {

struct Delete {
  void operator()(mpg123_handle* handle) const noexcept { mpg123_delete(handle); }
};

class MpegDecoder final : public SoundDecoder {
 public:
  MpegDecoder(std::unique_ptr<EncodedSound> bytes, std::string where)
      : stream_(std::move(bytes)), where_(std::move(where)), handle_(mpg123_new(nullptr, nullptr)) {
    if (handle_ == nullptr) fail(ErrorCode::out_of_memory, "{}: no memory for an MPEG decoder", where_);
    // As libsndfile sets it, so that both give the same samples; and quiet.
    constexpr long kFlags = MPG123_FORCE_FLOAT | MPG123_GAPLESS | MPG123_NO_FRANKENSTEIN | MPG123_QUIET | MPG123_SKIP_ID3V2;
    check(mpg123_param(handle_.get(), MPG123_ADD_FLAGS, kFlags, 0.0));
    check(mpg123_param(handle_.get(), MPG123_REMOVE_FLAGS, MPG123_AUTO_RESAMPLE, 0.0));
    check(mpg123_replace_reader_handle(
        handle_.get(), [](void* user, void* out, std::size_t count) -> ssize_t {
          return static_cast<SoundStream*>(user)->read(out, static_cast<std::int64_t>(count));
        },
        [](void* user, off_t offset, int whence) -> off_t { return static_cast<SoundStream*>(user)->seek(offset, whence); },
        nullptr));
    check(mpg123_open_handle(handle_.get(), &stream_));
    check(mpg123_scan(handle_.get()));
    long hertz = 0;
    int count = 0;
    int encoding = 0;
    check(mpg123_getformat(handle_.get(), &hertz, &count, &encoding));
    if (encoding != MPG123_ENC_FLOAT_32) {
      fail(ErrorCode::bad_file, "{}: MPEG audio of encoding {:#x}, expected floats", where_, static_cast<unsigned>(encoding));
    }
    rate = hertz;
    channels = count;
    frames = mpg123_length(handle_.get());
  }

  std::size_t read(std::span<float> samples) override {
    std::size_t bytes = 0;
    const int result = mpg123_read(handle_.get(), samples.data(), samples.size_bytes(), &bytes);
    if (result != MPG123_DONE && result != MPG123_NEW_FORMAT) check(result);
    return bytes / (sizeof(float) * static_cast<std::size_t>(channels));
  }

 private:
  void check(int result) const {
    stream_.check();
    if (result == MPG123_OK) return;
    fail(ErrorCode::bad_file, "{}: MPEG audio: {}", where_,
         result == MPG123_ERR ? mpg123_strerror(handle_.get()) : mpg123_plain_strerror(result));
  }

  SoundStream stream_;
  std::string where_;
  std::unique_ptr<mpg123_handle, Delete> handle_;
};

}  // namespace

std::unique_ptr<SoundDecoder> open_mpeg_decoder(std::unique_ptr<EncodedSound> bytes, const std::string& where) {
  return std::make_unique<MpegDecoder>(std::move(bytes), where);
}

}  // namespace lmm::media
