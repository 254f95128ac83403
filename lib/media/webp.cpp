#include "lib/core/error.hpp"
#include "lib/media/codecs.hpp"
#include "lib/media/exif.hpp"

#include <webp/decode.h>
#include <webp/demux.h>

#include <cstring>
#include <memory>

namespace lmm::media {
namespace {

const char* status_text(VP8StatusCode status) {
  switch (status) {
    case VP8_STATUS_OUT_OF_MEMORY: return "out of memory";
    case VP8_STATUS_UNSUPPORTED_FEATURE: return "unsupported feature";
    case VP8_STATUS_NOT_ENOUGH_DATA: return "the data ends before the picture does";
    default: return "corrupt data";
  }
}

int stored_orientation(const WebPDemuxer* demuxer) {
  WebPChunkIterator exif{};
  WebPChunkIterator xmp{};
  const bool has_exif = WebPDemuxGetChunk(demuxer, "EXIF", 1, &exif) != 0;
  const bool has_xmp = WebPDemuxGetChunk(demuxer, "XMP ", 1, &xmp) != 0;
  const Bytes exif_bytes = has_exif ? Bytes(exif.chunk.bytes, exif.chunk.size) : Bytes();
  const std::string_view xmp_text =
      has_xmp ? std::string_view(reinterpret_cast<const char*>(xmp.chunk.bytes), xmp.chunk.size) : std::string_view();
  const int value = orientation(exif_bytes, xmp_text);
  WebPDemuxReleaseChunkIterator(&exif);
  WebPDemuxReleaseChunkIterator(&xmp);
  return value;
}

}  // namespace

Decoded decode_webp(Bytes file, std::string_view where) {
  const WebPData data{file.data(), file.size()};
  const std::unique_ptr<WebPDemuxer, void (*)(WebPDemuxer*)> demuxer(WebPDemux(&data), WebPDemuxDelete);
  if (!demuxer) fail(ErrorCode::bad_file, "{}: WebP: truncated or corrupt container", where);
  const std::int64_t width = WebPDemuxGetI(demuxer.get(), WEBP_FF_CANVAS_WIDTH);
  const std::int64_t height = WebPDemuxGetI(demuxer.get(), WEBP_FF_CANVAS_HEIGHT);
  check_size(width, height, where);

  WebPIterator frame{};
  if (WebPDemuxGetFrame(demuxer.get(), 1, &frame) == 0) fail(ErrorCode::bad_file, "{}: WebP: no frame", where);
  const std::unique_ptr<WebPIterator, void (*)(WebPIterator*)> release(&frame, WebPDemuxReleaseIterator);
  const bool fits = frame.x_offset >= 0 && frame.y_offset >= 0 && frame.width > 0 && frame.height > 0 &&
                    frame.x_offset <= width - frame.width && frame.y_offset <= height - frame.height;
  if (!fits || frame.complete == 0) fail(ErrorCode::bad_file, "{}: WebP: the first frame is cut off", where);

  Decoded out;
  out.picture = make_picture(width, height, where);
  if (frame.width != width || frame.height != height) {
    std::memset(out.picture.rgb.get(), 0, out.picture.bytes());  // the canvas of an animation is black before frame 1
  }
  WebPDecoderConfig config;
  if (WebPInitDecoderConfig(&config) == 0) fail(ErrorCode::internal, "{}: WebP: another libwebp at run time", where);
  std::uint8_t* target = out.picture.row(frame.y_offset) + frame.x_offset * 3;
  config.output.colorspace = MODE_RGB;
  config.output.is_external_memory = 1;
  config.output.u.RGBA.rgba = target;
  config.output.u.RGBA.stride = static_cast<int>(out.picture.row_bytes());
  config.output.u.RGBA.size = static_cast<std::size_t>(out.picture.rgb.get() + out.picture.bytes() - target);
  const VP8StatusCode status = WebPDecode(frame.fragment.bytes, frame.fragment.size, &config);
  if (status != VP8_STATUS_OK) fail(ErrorCode::bad_file, "{}: WebP: {}", where, status_text(status));
  out.orientation = stored_orientation(demuxer.get());
  return out;
}

}  // namespace lmm::media
