#include "lib/core/error.hpp"
#include "lib/media/sound_decoder.hpp"

#include <sndfile.h>

#include <algorithm>
#include <mutex>
#include <utility>

namespace lmm::media {
namespace {

SoundStream& self(void* user) { return *static_cast<SoundStream*>(user); }

SF_VIRTUAL_IO* callbacks() {
  static SF_VIRTUAL_IO io = {
      [](void* user) -> sf_count_t { return self(user).size(); },
      [](sf_count_t offset, int whence, void* user) -> sf_count_t { return self(user).seek(offset, whence); },
      [](void* out, sf_count_t count, void* user) -> sf_count_t { return self(user).read(out, count); },
      nullptr,
      [](void* user) -> sf_count_t { return self(user).at(); },
  };
  return &io;
}

/// The containers that are read. What libsndfile knows beside them has no marks to be known by, or is no longer met.
bool is_known(int format) {
  switch (format & SF_FORMAT_TYPEMASK) {
    case SF_FORMAT_WAV:
    case SF_FORMAT_WAVEX:
    case SF_FORMAT_RF64:
    case SF_FORMAT_W64:
    case SF_FORMAT_AIFF:
    case SF_FORMAT_AU:
    case SF_FORMAT_CAF:
    case SF_FORMAT_FLAC:
    case SF_FORMAT_OGG: return true;
    default: return false;
  }
}

std::string one_line(std::string text) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  while (!text.empty() && (text.back() == ' ' || text.back() == '.')) text.pop_back();
  return text;
}

struct Close {
  void operator()(SNDFILE* file) const noexcept { sf_close(file); }
};

class SndfileDecoder final : public SoundDecoder {
 public:
  SndfileDecoder(std::unique_ptr<EncodedSound> bytes, const std::string& where) : stream_(std::move(bytes)) {
    SF_INFO info = {};
    {
      static std::mutex mutex;  // libsndfile tells why a file was not opened by variables of the process
      const std::lock_guard lock(mutex);
      file_.reset(sf_open_virtual(callbacks(), SFM_READ, &info, &stream_));
      stream_.check();
      if (file_ == nullptr) fail(ErrorCode::bad_file, "{}: {}", where, one_line(sf_strerror(nullptr)));
    }
    if (!is_known(info.format)) {
      fail(ErrorCode::bad_file, "{}: is of libsndfile's format {:#x}, expected WAV, FLAC, OGG, AIFF, AU or CAF", where,
           static_cast<unsigned>(info.format));
    }
    rate = info.samplerate;
    channels = info.channels;
    frames = info.frames == SF_COUNT_MAX ? -1 : info.frames;
  }

  std::size_t read(std::span<float> samples) override {
    const sf_count_t got = sf_readf_float(file_.get(), samples.data(), std::ssize(samples) / channels);
    stream_.check();
    return got > 0 ? static_cast<std::size_t>(got) : 0;
  }

 private:
  SoundStream stream_;
  std::unique_ptr<SNDFILE, Close> file_;
};

}  // namespace

std::unique_ptr<SoundDecoder> open_sndfile_decoder(std::unique_ptr<EncodedSound> bytes, const std::string& where) {
  return std::make_unique<SndfileDecoder>(std::move(bytes), where);
}

}  // namespace lmm::media
