#pragma once

#include "lib/core/json.hpp"
#include "lib/media/sound.hpp"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

namespace lmm::media {

/// Settings of transformers' WhisperFeatureExtractor (models/whisper/feature_extraction_whisper.py).
struct LogMelConfig {
  std::int64_t mels = 80;        ///< feature_size: rows of the features, 1 to 1024
  std::int64_t rate = 16000;     ///< sampling_rate, samples a second
  std::int64_t hop = 160;        ///< hop_length, samples from a frame to the next
  std::int64_t window = 400;     ///< n_fft, samples of a frame
  std::int64_t chunk = 30;       ///< chunk_length, seconds
  float padding_value = 0.0f;    ///< what the recording is padded with

  std::int64_t chunk_samples() const noexcept { return chunk * rate; }         ///< n_samples of the reference
  std::int64_t chunk_frames() const noexcept { return chunk_samples() / hop; }  ///< nb_max_frames

  /// Of a checkpoint folder, as AutoFeatureExtractor finds it: "feature_extractor" (or "audio_processor") of
  /// processor_config.json where it is there, else preprocessor_config.json. `others` are the fields that another
  /// processor reads from the same file. Errors: not_found, bad_file (malformed, out of range), unsupported (another
  /// class, dither, padding on the left, a field that is not known).
  static LogMelConfig load(const std::filesystem::path& folder, std::span<const std::string_view> others = {});

  /// The same of one JSON object.
  static LogMelConfig read(const Fields& fields, std::span<const std::string_view> others = {});
};

/// Frames of features that begin within a recording (the reference's attention_mask), for models that take a recording
/// as one chunk. Errors: invalid_argument for fewer than `least`, and for a recording longer than a chunk, of which the
/// reference's processors take the first chunk and say nothing.
std::int64_t frames_of_one_chunk(const Sound& sound, const LogMelConfig& config, std::int64_t least);

/// Log-mel features of a recording, computed as they are asked for, as WhisperFeatureExtractor gives them: frames of a
/// Hann window, centred, the ends reflected; power; Slaney's mel filters; log10, at least the largest value of the whole
/// recording less 8; (x + 4) / 4.
///
/// That largest value needs all of the recording, so it is read twice: first by scan(), then by features(). No copy is
/// kept of it: memory is that of a minute, whatever its length. One thread at a time.
class LogMel {
 public:
  /// `samples`: how long the recording is made, at the config's rate: cut off, or padded at its end with padding_value.
  /// 0: as it is, which is padding="longest"; config.chunk_samples() is padding="max_length", the reference's default.
  /// Errors: as of sound->read(); invalid_argument where it is too short to be reflected (half a window and one sample).
  LogMel(const LogMelConfig& config, std::shared_ptr<const Sound> sound, std::int64_t samples = 0);
  ~LogMel();

  std::int64_t mels() const noexcept;
  std::int64_t frames() const noexcept;        ///< samples / hop
  std::int64_t sound_frames() const noexcept;  ///< of these, where the reference's attention_mask is 1: those that begin
                                               ///< within the recording, not in its padding

  /// Reads on for the largest value, about `count` frames; false when all have been read. For callers that show progress
  /// or may be cancelled. Errors: as of SoundReader::read().
  bool scan(std::int64_t count);
  std::int64_t scanned() const noexcept;  ///< frames

  /// Features of `count` frames from `first` on, into out[mel * count + frame]: (mels, count). Scans first what is not
  /// scanned yet. Going forward is cheap, as is going back by up to 30 s; further back reads from the start again.
  /// Errors: as scan(); invalid_argument where the range leaves [0, frames()).
  void features(std::int64_t first, std::int64_t count, std::span<float> out);

 private:
  class State;
  std::unique_ptr<State> state_;
};

/// The mel filters of the reference, (mels, window / 2 + 1), row-major: mel_filter_bank() of audio_utils.py with norm and
/// scale "slaney" from 0 to 8000 Hz.
std::vector<float> mel_filters(const LogMelConfig& config);

}  // namespace lmm::media
