#include "lib/media/sound_file.hpp"

#include "lib/core/error.hpp"
#include "lib/media/encoded_sound.hpp"
#include "lib/media/resampler.hpp"
#include "lib/media/sound_decoder.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

namespace lmm::media {
namespace {

constexpr std::int64_t kBlockFrames = 4096;
constexpr std::int64_t kMaxFramesPerByte = 8192;  // FLAC says 65,535 frames of silence in some 10 bytes
constexpr float kLoudest = 1e9f;                  // beyond it, powers of samples leave fp32

class FileSound final : public Sound {
 public:
  FileSound(std::shared_ptr<const SoundBytes> bytes, std::string where);
  std::unique_ptr<SoundReader> read(std::int64_t to) const override;

 private:
  void check() const;

  std::shared_ptr<const SoundBytes> bytes_;
  std::string where_;
};

class FileReader final : public SoundReader {
 public:
  FileReader(std::unique_ptr<SoundDecoder> decoder, std::string where, const Sound& sound)
      : decoder_(std::move(decoder)), where_(std::move(where)), frames_(sound.frames) {
    if (decoder_->rate != sound.rate || decoder_->channels != sound.channels) {
      fail(ErrorCode::io, "{}: has been changed since it was opened", where_);
    }
    interleaved_.resize(static_cast<std::size_t>(kBlockFrames * sound.channels));
  }

  std::size_t read(std::span<float> samples) override {
    std::size_t done = 0;
    while (done < samples.size() && at_ < frames_) {
      const std::int64_t left = std::min(frames_ - at_, std::ssize(samples) - static_cast<std::int64_t>(done));
      done += block(samples.subspan(done, static_cast<std::size_t>(std::min(left, kBlockFrames))));
    }
    return done;
  }

 private:
  std::size_t block(std::span<float> out) {
    const std::size_t channels = static_cast<std::size_t>(decoder_->channels);
    const std::size_t got = decoder_->read(std::span(interleaved_).first(out.size() * channels));
    if (got == 0) {
      fail(ErrorCode::bad_file, "{}: ends after {} of {} frames ({:.3f} s of {:.3f} s)", where_, at_, frames_,
           seconds(at_), seconds(frames_));
    }
    const std::span<const float> read = std::span(interleaved_).first(got * channels);
    if (const std::size_t odd = find_not_finite(read); odd < read.size()) {
      const std::int64_t frame = at_ + static_cast<std::int64_t>(odd / channels);
      fail(ErrorCode::bad_file, "{}: the sample at {:.3f} s is {}, expected -1 to 1", where_, seconds(frame), read[odd]);
    }
    mix_down(read, decoder_->channels, out.first(got));
    at_ += static_cast<std::int64_t>(got);
    return got;
  }

  double seconds(std::int64_t frames) const { return static_cast<double>(frames) / static_cast<double>(decoder_->rate); }

  std::unique_ptr<SoundDecoder> decoder_;
  std::string where_;
  std::int64_t frames_;
  std::int64_t at_ = 0;
  std::vector<float> interleaved_;
};

/// Frames that decoding gives, for recordings that do not say it: streams that were cut off. No more than one that is too long has.
std::int64_t count_frames(SoundDecoder& decoder) {
  std::vector<float> block(static_cast<std::size_t>(kBlockFrames * decoder.channels));
  std::int64_t frames = 0;
  while (const std::size_t got = decoder.read(block)) {
    frames += static_cast<std::int64_t>(got);
    if (frames / decoder.rate >= kMaxSoundHours * 3600) break;
  }
  return frames;
}

FileSound::FileSound(std::shared_ptr<const SoundBytes> bytes, std::string where)
    : bytes_(std::move(bytes)), where_(std::move(where)) {
  const std::unique_ptr<SoundDecoder> decoder = open_decoder(bytes_->open(), where_);
  rate = decoder->rate;
  channels = decoder->channels;
  frames = decoder->frames;
  check();
  if (frames < 0) {
    frames = count_frames(*decoder);
    check();
  }
  if (frames == 0) fail(ErrorCode::bad_file, "{}: holds no samples", where_);
  key = hash_of(*bytes_->open());
}

void FileSound::check() const {
  if (rate < kMinSoundRate || rate > kMaxSoundRate) {
    fail(ErrorCode::bad_file, "{}: rate is {} Hz, expected {} to {}", where_, rate, kMinSoundRate, kMaxSoundRate);
  }
  if (channels < 1 || channels > kMaxSoundChannels) {
    fail(ErrorCode::bad_file, "{}: {} channels, expected 1 to {}", where_, channels, kMaxSoundChannels);
  }
  if (frames / rate >= kMaxSoundHours * 3600) {
    fail(ErrorCode::bad_file, "{}: {} frames at {} Hz, expected at most {} hours", where_, frames, rate, kMaxSoundHours);
  }
  if (const std::int64_t size = bytes_->open()->size(); frames / kMaxFramesPerByte > size) {
    fail(ErrorCode::bad_file, "{}: says that it has {} frames, more than its {} bytes can hold", where_, frames, size);
  }
}

std::unique_ptr<SoundReader> FileSound::read(std::int64_t to) const {
  auto reader = std::make_unique<FileReader>(open_decoder(bytes_->open(), where_), where_, *this);
  if (to == rate) return reader;
  return resampled(std::move(reader), rate, to, length(to));
}

}  // namespace

std::shared_ptr<const Sound> open_sound(const std::filesystem::path& path) {
  return std::make_shared<const FileSound>(file_bytes(path), path.string());
}

std::shared_ptr<const Sound> decode_sound(std::span<const std::byte> file, std::string_view where) {
  return std::make_shared<const FileSound>(memory_bytes({file.begin(), file.end()}), std::string(where));
}

void mix_down(std::span<const float> interleaved, std::int64_t channels, std::span<float> out) {
  const std::size_t step = static_cast<std::size_t>(channels);
  for (std::size_t i = 0; i < out.size(); ++i) {
    const std::span<const float> frame = interleaved.subspan(i * step, step);
    float sum = 0.0f;
    for (const float sample : frame) sum += sample;
    out[i] = step == 1 ? sum : sum / static_cast<float>(step);
  }
}

std::size_t find_not_finite(std::span<const float> samples) {
  const auto odd = std::find_if(samples.begin(), samples.end(), [](float x) { return !(std::abs(x) <= kLoudest); });
  return static_cast<std::size_t>(odd - samples.begin());
}

}  // namespace lmm::media
