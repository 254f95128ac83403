#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <lmm/export.hpp>

namespace lmm {
namespace media {
struct Picture;
struct Video;
class Sound;
}
inline namespace v0 {

/// How the bytes of a host's pixel lie in memory; 8 bits a channel.
enum class PixelFormat : std::int32_t { rgb = 0, bgr = 1, rgba = 2, bgra = 3, gray = 4 };

/// Pixels that the host holds. Read during the call only, never kept.
struct PixelView {
  const void* data = nullptr;         ///< first byte of the row that comes first in memory
  std::size_t size = 0;               ///< bytes readable at data; checked against height * stride
  std::int64_t width = 0;             ///< pixels, 1 to 65535
  std::int64_t height = 0;            ///< pixels, 1 to 65535
  std::int64_t stride = 0;            ///< bytes from one row to the next; 0 means rows without padding
  PixelFormat format = PixelFormat::rgb;
  bool bottom_up = false;             ///< true when the first row in memory is the lowest of the picture
};

/// A picture, decoded to 8-bit RGB as the reference's load_image does (transformers/image_utils.py): turned upright by
/// its EXIF orientation, alpha dropped as PIL's convert("RGB") does. Immutable, cheap to copy, usable from any thread.
class LMM_API Image {
 public:
  /// Decodes a JPEG, PNG, WebP, BMP or GIF (first frame) file.
  /// Throws Error: not_found, io, bad_file (empty, truncated, of unknown kind, more than 178,956,970 pixels).
  static Image open(const std::filesystem::path& path);

  /// Decodes an encoded picture held in memory; the bytes are not kept. Throws Error: bad_file.
  static Image from_memory(const void* data, std::size_t size);

  /// Copies the host's own pixels. Throws Error: invalid_argument (size, stride or format do not fit).
  static Image from_pixels(const PixelView& pixels);

  std::int64_t width() const noexcept;   ///< pixels
  std::int64_t height() const noexcept;  ///< pixels

  /// Row-major RGB, 8 bits a channel, height * width * 3 bytes, owned by the picture.
  const std::uint8_t* rgb() const noexcept;

  /// The decoded picture; for lmm itself.
  const std::shared_ptr<const media::Picture>& picture() const noexcept { return picture_; }

 private:
  explicit Image(std::shared_ptr<const media::Picture> picture) : picture_(std::move(picture)) {}
  std::shared_ptr<const media::Picture> picture_;
};

/// Frames of a video with their times. Immutable, cheap to copy, usable from any thread.
/// Which of the frames a model sees, and how it is told their times, is as its own video processor does it.
class LMM_API Video {
 public:
  /// Frames in the order of their times, of one size. times: seconds from the start of the video, one a frame, >= 0,
  /// none before the one before it.
  /// Throws Error: invalid_argument (no frames, sizes that differ, times that go backwards or are not finite).
  static Video from_frames(std::vector<Image> frames, std::vector<double> times);

  /// Frames that were chosen from a longer video, such as Model::sample_frames tells: the model sees all of them.
  /// indices: of the frames given, in a video of `total` frames, `fps` a second; rising, the first frame is 0.
  /// Throws Error: invalid_argument (as from_frames; an index that is not in the video or stands before the one before
  /// it; fps not above 0).
  static Video from_sample(std::vector<Image> frames, std::vector<std::int64_t> indices, std::int64_t total, double fps);

  std::size_t frames() const noexcept;
  double seconds() const noexcept;  ///< from the first frame's time to the last one's

  /// The frames; for lmm itself.
  const std::shared_ptr<const media::Video>& video() const noexcept { return video_; }

 private:
  explicit Video(std::shared_ptr<const media::Video> video) : video_(std::move(video)) {}
  std::shared_ptr<const media::Video> video_;
};

/// How the host's samples are stored.
enum class SampleFormat : std::int32_t { f32 = 0, s16 = 1 };

/// Samples that the host holds, channels interleaved. Read during the call only, never kept.
struct SampleView {
  const void* data = nullptr;         ///< first sample of the first channel
  std::size_t size = 0;               ///< bytes: frames * channels * bytes of a sample
  std::int64_t rate = 0;              ///< frames a second, 1,000 to 768,000
  std::int64_t channels = 1;          ///< 1 to 32; mixed down to one by their mean
  SampleFormat format = SampleFormat::f32;
};

/// A recording. Files are decoded as they are read, not when opened, so that hours of sound take little memory.
/// Immutable, cheap to copy, usable from any thread.
class LMM_API Audio {
 public:
  /// A WAV, FLAC, OGG (Vorbis, Opus), MP3, AIFF ... file: what libsndfile reads. The file must stay in place while it is
  /// used; what is added to it afterwards is not heard.
  /// Throws Error: not_found, io, bad_file (empty, cut off in its header, of unknown kind, rate or channels out of range).
  static Audio open(const std::filesystem::path& path);

  /// An encoded recording held in memory; the bytes are copied. Throws Error: bad_file.
  static Audio from_memory(const void* data, std::size_t size);

  /// Copies the host's own samples. Throws Error: invalid_argument (no samples, a sample that is not finite, rate,
  /// channels or size out of range).
  static Audio from_samples(const SampleView& samples);

  double seconds() const noexcept;
  std::int64_t rate() const noexcept;      ///< frames a second, as stored
  std::int64_t channels() const noexcept;  ///< as stored

  /// The recording; for lmm itself.
  const std::shared_ptr<const media::Sound>& sound() const noexcept { return sound_; }

 private:
  explicit Audio(std::shared_ptr<const media::Sound> sound) : sound_(std::move(sound)) {}
  std::shared_ptr<const media::Sound> sound_;
};

/// Text (UTF-8; what is not is read as U+FFFD), a picture, a video or a recording. What spells a special token in a text stays text.
using Part = std::variant<std::string, Image, Video, Audio>;

/// One turn of the user: parts in the order in which the model sees them.
struct Message {
  std::vector<Part> parts = {};

  Message() = default;
  Message(std::string text) { parts.emplace_back(std::move(text)); }
  Message(const char* text) { parts.emplace_back(std::string(text)); }
  Message(std::initializer_list<Part> list) : parts(list) {}
  explicit Message(std::vector<Part> list) : parts(std::move(list)) {}
};

/// One entry of a conversation's history. role is "system", "user", "assistant", or another that the chat template knows, such as
/// "tool" for a tool's result: it is handed to the template as it is.
struct Turn {
  std::string role = {};
  Message message = {};
};

}  // namespace v0
}  // namespace lmm
