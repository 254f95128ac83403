// Video files, through FFmpeg's libraries. Built where CMake finds them.

#ifdef LMM_COMMAND_FFMPEG

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/display.h>
#include <libavutil/log.h>
#include <libswscale/swscale.h>
}

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <tuple>
#include <utility>
#include <vector>

#include "terminal.hpp"
#include "video.hpp"

namespace command {
namespace {

constexpr std::size_t kMostPackets = 1u << 24;
constexpr std::uint64_t kMostBytes = std::uint64_t{4} << 30;  // of the frames that are kept

template <typename... Args>
[[noreturn]] void fail(lmm::ErrorCode code, fmt::format_string<Args...> format, Args&&... args) {
  throw lmm::Error(code, fmt::format(format, std::forward<Args>(args)...));
}

std::string reason(int error) {
  char text[AV_ERROR_MAX_STRING_SIZE] = {};
  av_strerror(error, text, sizeof(text));
  return text;
}

struct Close {
  void operator()(AVFormatContext* format) const { avformat_close_input(&format); }
  void operator()(AVCodecContext* codec) const { avcodec_free_context(&codec); }
  void operator()(AVPacket* packet) const { av_packet_free(&packet); }
  void operator()(AVFrame* frame) const { av_frame_free(&frame); }
  void operator()(SwsContext* scaler) const { sws_freeContext(scaler); }
};

template <typename T>
using Owned = std::unique_ptr<T, Close>;

template <typename T>
Owned<T> owned(T* made) {
  if (made == nullptr) fail(lmm::ErrorCode::out_of_memory, "no memory to read a video");
  return Owned<T>(made);
}

/// Pixels of a frame, RGB without padding.
struct Rgb {
  int width = 0;
  int height = 0;
  std::vector<std::uint8_t> pixels;
};

/// Turned clockwise by a quarter, `quarters` times.
Rgb turned(const Rgb& in, int quarters) {
  if (quarters == 0) return in;
  Rgb out;
  out.width = quarters == 2 ? in.width : in.height;
  out.height = quarters == 2 ? in.height : in.width;
  out.pixels.resize(in.pixels.size());
  for (int y = 0; y < out.height; ++y) {
    for (int x = 0; x < out.width; ++x) {
      const int from_x = quarters == 1 ? y : quarters == 2 ? in.width - 1 - x : in.width - 1 - y;
      const int from_y = quarters == 1 ? in.height - 1 - x : quarters == 2 ? in.height - 1 - y : x;
      const std::uint8_t* from = &in.pixels[3 * (static_cast<std::size_t>(from_y) * static_cast<std::size_t>(in.width) +
                                                 static_cast<std::size_t>(from_x))];
      std::copy_n(from, 3, &out.pixels[3 * (static_cast<std::size_t>(y) * static_cast<std::size_t>(out.width) +
                                            static_cast<std::size_t>(x))]);
    }
  }
  return out;
}

class VideoFile {
 public:
  explicit VideoFile(const std::string& path) : path_(path) { open(); }

  /// Looks at every packet, without decoding: how many frames there are, and when they are shown.
  void scan();

  std::int64_t total() const { return static_cast<std::int64_t>(times_.size()); }
  double fps() const;

  /// Frames at rising indices, upright.
  std::vector<lmm::Image> decode(const std::vector<std::int64_t>& indices);

 private:
  void open();
  void open_codec();
  int next_packet(AVPacket& packet);
  bool next_frame(AVFrame& frame, AVPacket& packet);
  void seek_before(std::int64_t index, std::int64_t at);
  Rgb convert(const AVFrame& frame);
  int quarters() const;

  std::string path_;
  Owned<AVFormatContext> format_;
  AVStream* stream_ = nullptr;
  Owned<AVCodecContext> codec_;
  Owned<SwsContext> scaler_;
  std::pair<int, int> size_{0, 0};
  std::vector<std::int64_t> times_;     // of the frames shown, sorted, in the stream's time base
  std::vector<std::int64_t> key_times_;  // of those that decoding can begin at
  std::int64_t end_ = 0;                // of the last frame
  bool timed_ = true;                   // else frames are counted
  bool seeks_ = true;                   // else all frames are decoded
  bool drained_ = false;
};

void VideoFile::open() {
  if (!std::filesystem::exists(path_)) fail(lmm::ErrorCode::not_found, "{}: no such file", path_);
  AVFormatContext* opened = nullptr;
  AVDictionary* settings = nullptr;
  av_dict_set(&settings, "protocol_whitelist", "file", 0);  // a playlist leads to no network
  const int error = avformat_open_input(&opened, ("file:" + path_).c_str(), nullptr, &settings);
  av_dict_free(&settings);
  if (error < 0) fail(lmm::ErrorCode::bad_file, "{}: cannot be read as a video: {}", path_, reason(error));
  format_.reset(opened);
  if (const int found = avformat_find_stream_info(format_.get(), nullptr); found < 0) {
    fail(lmm::ErrorCode::bad_file, "{}: cannot be read as a video: {}", path_, reason(found));
  }
  const int index = av_find_best_stream(format_.get(), AVMEDIA_TYPE_VIDEO, -1, -1, nullptr, 0);
  if (index < 0 || (format_->streams[index]->disposition & AV_DISPOSITION_ATTACHED_PIC) != 0) {
    fail(lmm::ErrorCode::bad_file, "{}: there is no video in it ({} streams, {})", path_, format_->nb_streams,
         format_->iformat->name);
  }
  stream_ = format_->streams[index];
  for (unsigned i = 0; i < format_->nb_streams; ++i) {
    if (static_cast<int>(i) != index) format_->streams[i]->discard = AVDISCARD_ALL;
  }
}

void VideoFile::open_codec() {
  const AVCodecParameters& coded = *stream_->codecpar;
  const AVCodec* decoder = avcodec_find_decoder(coded.codec_id);
  if (decoder == nullptr) {
    fail(lmm::ErrorCode::unsupported, "{}: FFmpeg's libraries have no decoder for {}", path_, avcodec_get_name(coded.codec_id));
  }
  codec_ = owned(avcodec_alloc_context3(decoder));
  int error = avcodec_parameters_to_context(codec_.get(), &coded);
  codec_->pkt_timebase = stream_->time_base;
  drained_ = false;
  codec_->thread_count = 0;  // as many as there are processors
  if (error >= 0) error = avcodec_open2(codec_.get(), decoder, nullptr);
  if (error < 0) fail(lmm::ErrorCode::bad_file, "{}: {} cannot be decoded: {}", path_, decoder->name, reason(error));
}

/// The next packet of the video; AVERROR_EOF at its end.
int VideoFile::next_packet(AVPacket& packet) {
  while (true) {
    if (Interrupt::requested()) throw lmm::Error(lmm::ErrorCode::cancelled, "cancelled");
    av_packet_unref(&packet);
    const int error = av_read_frame(format_.get(), &packet);
    if (error == AVERROR(EAGAIN)) continue;
    if (error < 0 && error != AVERROR_EOF) {
      fail(lmm::ErrorCode::bad_file, "{}: cannot be read after {} frames: {}", path_, times_.size(), reason(error));
    }
    if (error < 0 || packet.stream_index == stream_->index) return error;
  }
}

void VideoFile::scan() {
  const Owned<AVPacket> packet = owned(av_packet_alloc());
  std::int64_t stored = 0;
  while (next_packet(*packet) >= 0) {
    ++stored;
    if (packet->pts == AV_NOPTS_VALUE) timed_ = false;
    if ((packet->flags & AV_PKT_FLAG_DISCARD) != 0) continue;
    times_.push_back(timed_ ? packet->pts : stored);
    if (timed_) end_ = std::max(end_, packet->pts + std::max<std::int64_t>(packet->duration, 0));
    if ((packet->flags & AV_PKT_FLAG_KEY) != 0) key_times_.push_back(packet->pts);
    if (times_.size() > kMostPackets) fail(lmm::ErrorCode::bad_file, "{}: more than {} frames", path_, kMostPackets);
  }
  if (stored < stream_->nb_frames) {
    fail(lmm::ErrorCode::bad_file, "{}: is cut off: {} of {} frames are there", path_, stored, stream_->nb_frames);
  }
  if (times_.empty()) fail(lmm::ErrorCode::bad_file, "{}: there is no frame in its video", path_);
  std::sort(times_.begin(), times_.end());
  std::sort(key_times_.begin(), key_times_.end());
}

/// As the file says, unless its frames say otherwise (a rate of the file that is a multiple, or varies).
double VideoFile::fps() const {
  const double said = av_q2d(stream_->avg_frame_rate.den != 0 ? stream_->avg_frame_rate : AVRational{0, 1});
  const double seconds = timed_ ? static_cast<double>(end_ - times_.front()) * av_q2d(stream_->time_base) : 0.0;
  const double counted = seconds > 0.0 ? static_cast<double>(total()) / seconds : 0.0;
  if (said > 0.0 && (counted == 0.0 || std::abs(said - counted) <= 0.05 * counted)) return said;
  if (counted > 0.0) return counted;
  return 24.0;  // as transformers takes an unknown one
}

/// To the last frame up to `index` that decoding can begin at, where that lies ahead of `at`, the frame decoded last.
void VideoFile::seek_before(std::int64_t index, std::int64_t at) {
  const std::int64_t time = times_[static_cast<std::size_t>(index)];
  const auto key = std::upper_bound(key_times_.begin(), key_times_.end(), time);
  if (!timed_ || !seeks_ || key == key_times_.begin()) return;
  if (*(key - 1) <= times_[static_cast<std::size_t>(std::max<std::int64_t>(at, 0))]) return;
  if (av_seek_frame(format_.get(), stream_->index, *(key - 1), AVSEEK_FLAG_BACKWARD) < 0) return;
  avcodec_flush_buffers(codec_.get());
  drained_ = false;
}

/// False at the end of the video.
bool VideoFile::next_frame(AVFrame& frame, AVPacket& packet) {
  while (true) {
    const int got = avcodec_receive_frame(codec_.get(), &frame);
    if (got >= 0) return true;
    if (got == AVERROR_EOF || (got == AVERROR(EAGAIN) && drained_)) return false;
    if (got != AVERROR(EAGAIN)) fail(lmm::ErrorCode::bad_file, "{}: a frame cannot be decoded: {}", path_, reason(got));
    drained_ = next_packet(packet) < 0;
    const int sent = avcodec_send_packet(codec_.get(), drained_ ? nullptr : &packet);
    if (sent < 0 && sent != AVERROR_EOF) {
      fail(lmm::ErrorCode::bad_file, "{}: a frame cannot be decoded: {}", path_, reason(sent));
    }
  }
}

Rgb VideoFile::convert(const AVFrame& frame) {
  Rgb out;
  if (size_ == std::pair(0, 0)) size_ = {frame.width, frame.height};
  std::tie(out.width, out.height) = size_;  // of the first frame, whatever comes later
  const auto format = static_cast<AVPixelFormat>(frame.format);
  scaler_.reset(sws_getCachedContext(scaler_.release(), frame.width, frame.height, format, out.width, out.height,
                                     AV_PIX_FMT_RGB24, SWS_BILINEAR | SWS_ACCURATE_RND | SWS_FULL_CHR_H_INT, nullptr, nullptr,
                                     nullptr));
  if (scaler_ == nullptr) fail(lmm::ErrorCode::unsupported, "{}: its pixel format {} is not known", path_, frame.format);
  sws_setColorspaceDetails(scaler_.get(), sws_getCoefficients(frame.colorspace), frame.color_range == AVCOL_RANGE_JPEG,
                           sws_getCoefficients(SWS_CS_DEFAULT), 1, 0, 1 << 16, 1 << 16);
  // swscale may write a little past a row that is not a multiple of its step, so rows are padded here and packed below.
  const std::size_t row = static_cast<std::size_t>(out.width) * 3;
  const std::size_t pitch = (row + 63) / 64 * 64 + 64;
  std::vector<std::uint8_t> padded(pitch * static_cast<std::size_t>(out.height));
  std::uint8_t* const planes[] = {padded.data()};
  const int strides[] = {static_cast<int>(pitch)};
  sws_scale(scaler_.get(), frame.data, frame.linesize, 0, frame.height, planes, strides);
  out.pixels.resize(row * static_cast<std::size_t>(out.height));
  for (int y = 0; y < out.height; ++y) {
    std::copy_n(&padded[pitch * static_cast<std::size_t>(y)], row, &out.pixels[row * static_cast<std::size_t>(y)]);
  }
  return out;
}

/// Quarter turns that put the frames upright.
int VideoFile::quarters() const {
#if LIBAVCODEC_VERSION_MAJOR >= 61
  const AVPacketSideData* side = av_packet_side_data_get(stream_->codecpar->coded_side_data,
                                                         stream_->codecpar->nb_coded_side_data, AV_PKT_DATA_DISPLAYMATRIX);
  const void* matrix = side != nullptr && side->size >= 9 * sizeof(std::int32_t) ? side->data : nullptr;
#else
  std::size_t size = 0;
  const void* matrix = av_stream_get_side_data(stream_, AV_PKT_DATA_DISPLAYMATRIX, &size);
  if (size < 9 * sizeof(std::int32_t)) matrix = nullptr;
#endif
  if (matrix == nullptr) return 0;
  const double degrees = av_display_rotation_get(static_cast<const std::int32_t*>(matrix));  // counterclockwise
  if (std::isnan(degrees)) return 0;
  const int turns = static_cast<int>(std::lround(-degrees / 90.0));
  return ((turns % 4) + 4) % 4;
}

std::vector<lmm::Image> VideoFile::decode(const std::vector<std::int64_t>& indices) {
  open();  // from its beginning
  open_codec();
  const Owned<AVPacket> packet = owned(av_packet_alloc());
  const Owned<AVFrame> frame = owned(av_frame_alloc());
  const int turns = quarters();
  std::vector<lmm::Image> images;
  std::int64_t at = -1;  // index of the frame decoded last
  while (images.size() < indices.size()) {
    const std::int64_t wanted = indices[images.size()];
    if (wanted > at + 1) seek_before(wanted, at);
    do {
      if (!next_frame(*frame, *packet)) {
        fail(lmm::ErrorCode::bad_file, "{}: is damaged or cut off: frame {} of {} cannot be decoded", path_, wanted, total());
      }
      const std::int64_t time = frame->best_effort_timestamp;
      const auto found = std::lower_bound(times_.begin(), times_.end(), time);
      at = timed_ && time != AV_NOPTS_VALUE ? found - times_.begin() : at + 1;
    } while (at < wanted);
    if (at > wanted && timed_ && seeks_) {  // behind the frame: so it is found by decoding all that is before it
      seeks_ = false;
      open();
      open_codec();
      at = -1;
      continue;
    }
    const Rgb rgb = turned(convert(*frame), turns);
    const lmm::Image image = lmm::Image::from_pixels({rgb.pixels.data(), rgb.pixels.size(), rgb.width, rgb.height});
    while (images.size() < indices.size() && indices[images.size()] <= at) images.push_back(image);
  }
  return images;
}

}  // namespace

lmm::Video open_video(const std::string& path, const lmm::Model& model, double fps) {
  av_log_set_level(AV_LOG_QUIET);  // errors are told once, by us
  VideoFile file(path);
  file.scan();
  std::vector<std::int64_t> indices = model.sample_frames(file.total(), file.fps(), fps);
  const lmm::Image first = file.decode({0}).front();
  const std::uint64_t bytes = static_cast<std::uint64_t>(first.width()) * static_cast<std::uint64_t>(first.height()) * 3;
  if (bytes * indices.size() > kMostBytes) {
    fail(lmm::ErrorCode::out_of_memory, "{}: {} frames of {} x {} pixels take {} bytes, more than {}; --fps 1 takes fewer", path,
         indices.size(), first.width(), first.height(), bytes * indices.size(), kMostBytes);
  }
  std::vector<lmm::Image> frames = file.decode(indices);
  return lmm::Video::from_sample(std::move(frames), std::move(indices), file.total(), file.fps());
}

}  // namespace command

#endif  // LMM_COMMAND_FFMPEG
