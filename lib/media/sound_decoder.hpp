#pragma once

#include "lib/media/encoded_sound.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

namespace lmm::media {

/// Decodes a recording from its start to its end. One thread at a time.
class SoundDecoder {
 public:
  virtual ~SoundDecoder() = default;

  /// Interleaved samples, samples.size() / channels frames of them; fewer at the end, 0 after it. Errors: io, bad_file.
  virtual std::size_t read(std::span<float> samples) = 0;

  std::int64_t rate = 0;      ///< frames a second, unchecked
  std::int64_t channels = 0;  ///< 1 to 1024
  std::int64_t frames = -1;   ///< that the recording says it has; -1: it does not say
};

/// Whatever the bytes are, by their first ones. `where` is what errors begin with. Errors: io, bad_file.
std::unique_ptr<SoundDecoder> open_decoder(std::unique_ptr<EncodedSound> bytes, const std::string& where);

/// By libsndfile: all but MPEG audio.
std::unique_ptr<SoundDecoder> open_sndfile_decoder(std::unique_ptr<EncodedSound> bytes, const std::string& where);

/// MP3 (and layers I and II) by libmpg123, which libsndfile uses for them, too; but by that way it guesses the length of
/// files that do not tell theirs, and prints what it finds odd.
std::unique_ptr<SoundDecoder> open_mpeg_decoder(std::unique_ptr<EncodedSound> bytes, const std::string& where);

}  // namespace lmm::media
