#include "lib/core/error.hpp"
#include "lib/media/codecs.hpp"
#include "lib/media/exif.hpp"

#include <csetjmp>
#include <cstddef>
#include <cstdio>  // jpeglib.h needs FILE
#include <cstring>
#include <string>
#include <vector>

#include <jpeglib.h>

#include <jerror.h>

namespace lmm::media {
namespace {

// A progressive file may repeat scans over all pixels for a few bytes each. Real ones have some ten.
constexpr int kMaxScans = 100;

/// libjpeg behind calls that return false where libjpeg reports an error. libjpeg leaves by longjmp, so the member
/// functions that call setjmp hold no objects with destructors, and change no local variable after it.
class JpegReader {
 public:
  explicit JpegReader(Bytes file) {
    decoder_.err = jpeg_std_error(&errors_);
    errors_.error_exit = [](j_common_ptr info) { leave(info); };
    errors_.emit_message = [](j_common_ptr, int) {};  // warnings: the picture is what libjpeg makes of it, as in PIL
    errors_.output_message = [](j_common_ptr) {};
    decoder_.client_data = this;
    source_.next_input_byte = file.data();
    source_.bytes_in_buffer = file.size();
    source_.init_source = [](j_decompress_ptr) {};
    source_.term_source = [](j_decompress_ptr) {};
    source_.resync_to_restart = jpeg_resync_to_restart;
    source_.fill_input_buffer = [](j_decompress_ptr info) -> boolean {
      ERREXIT(info, JERR_INPUT_EOF);  // PIL too raises where the data ends before the picture does
      return FALSE;
    };
    source_.skip_input_data = [](j_decompress_ptr info, long count) {
      if (count <= 0) return;
      if (static_cast<std::size_t>(count) > info->src->bytes_in_buffer) ERREXIT(info, JERR_INPUT_EOF);
      info->src->next_input_byte += count;
      info->src->bytes_in_buffer -= static_cast<std::size_t>(count);
    };
    progress_.progress_monitor = [](j_common_ptr info) {
      if (reinterpret_cast<j_decompress_ptr>(info)->input_scan_number > kMaxScans) {
        std::snprintf(self(info)->message_, sizeof message_, "more than %d scans", kMaxScans);
        std::longjmp(self(info)->jump_, 1);
      }
    };
  }
  ~JpegReader() {
    if (created_) jpeg_destroy_decompress(&decoder_);
  }
  JpegReader(const JpegReader&) = delete;
  JpegReader& operator=(const JpegReader&) = delete;

  bool read_header() {
    if (setjmp(jump_)) return false;
    jpeg_create_decompress(&decoder_);
    created_ = true;
    decoder_.client_data = this;
    decoder_.src = &source_;
    decoder_.progress = &progress_;
    jpeg_save_markers(&decoder_, JPEG_APP0 + 1, 0xFFFF);
    jpeg_read_header(&decoder_, TRUE);
    return true;
  }

  bool start() {
    if (setjmp(jump_)) return false;
    decoder_.out_color_space = channels() == 4 ? JCS_CMYK : JCS_RGB;
    jpeg_start_decompress(&decoder_);
    return true;
  }

  /// Reads the next row: width * 3 bytes, or width * 4 for four channels.
  bool read_row(std::uint8_t* row) {
    if (setjmp(jump_)) return false;
    JSAMPROW rows[1] = {row};
    return jpeg_read_scanlines(&decoder_, rows, 1) == 1;
  }

  std::int64_t width() const { return decoder_.image_width; }
  std::int64_t height() const { return decoder_.image_height; }
  std::int64_t output_width() const { return decoder_.output_width; }
  std::int64_t output_height() const { return decoder_.output_height; }
  int channels() const { return decoder_.num_components; }
  const jpeg_marker_struct* markers() const { return decoder_.marker_list; }
  const char* message() const { return message_; }

 private:
  static JpegReader* self(j_common_ptr info) { return static_cast<JpegReader*>(info->client_data); }
  [[noreturn]] static void leave(j_common_ptr info) {
    static_assert(JMSG_LENGTH_MAX <= sizeof message_);
    info->err->format_message(info, self(info)->message_);
    std::longjmp(self(info)->jump_, 1);
  }

  jpeg_decompress_struct decoder_{};
  jpeg_error_mgr errors_{};
  jpeg_source_mgr source_{};
  jpeg_progress_mgr progress_{};
  std::jmp_buf jump_{};
  bool created_ = false;
  char message_[JMSG_LENGTH_MAX] = "";
};

std::string_view text(const jpeg_marker_struct& marker) {
  return {reinterpret_cast<const char*>(marker.data), marker.data_length};
}

/// EXIF segments joined (each but the first without its header) and the last XMP segment, as PIL's APP handler.
int stored_orientation(const jpeg_marker_struct* marker) {
  constexpr std::string_view kExif{"Exif\0\0", 6};
  constexpr std::string_view kXmp{"http://ns.adobe.com/xap/1.0/\0", 29};
  std::vector<std::uint8_t> exif;
  std::string_view xmp;
  for (; marker != nullptr; marker = marker->next) {
    const std::string_view data = text(*marker);
    if (data.starts_with(kExif)) {
      const std::string_view part = exif.empty() ? data : data.substr(kExif.size());
      exif.insert(exif.end(), part.begin(), part.end());
    } else if (data.starts_with(kXmp)) {
      xmp = data.substr(kXmp.size());
    }
  }
  return orientation(exif, xmp);
}

/// PIL reads four channels as Adobe writes them, inverted, whatever the markers say ("CMYK;I"), then cmyk2rgb:
/// with k the stored (inverted) black, c the stored cyan: red = k - (255 - c) * k / 255, rounded.
void cmyk_to_rgb(const std::uint8_t* cmyk, std::uint8_t* rgb, std::int64_t width) {
  for (std::int64_t x = 0; x < width; ++x, cmyk += 4, rgb += 3) {
    const int k = cmyk[3];
    for (int c = 0; c < 3; ++c) {
      const int product = (255 - cmyk[c]) * k + 128;
      rgb[c] = static_cast<std::uint8_t>(k - (((product >> 8) + product) >> 8));
    }
  }
}

}  // namespace

Decoded decode_jpeg(Bytes file, std::string_view where) {
  JpegReader reader(file);
  const auto check = [&](bool good) {
    if (!good) fail(ErrorCode::bad_file, "{}: JPEG: {}", where, reader.message());
  };
  check(reader.read_header());
  const int channels = reader.channels();
  if (channels != 1 && channels != 3 && channels != 4) {
    fail(ErrorCode::bad_file, "{}: JPEG: {} channels, expected 1, 3 or 4", where, channels);
  }
  check_size(reader.width(), reader.height(), where);
  Decoded out;
  out.orientation = stored_orientation(reader.markers());
  check(reader.start());
  if (reader.output_width() != reader.width() || reader.output_height() != reader.height()) {
    fail(ErrorCode::bad_file, "{}: JPEG: contradictory sizes", where);
  }
  out.picture = make_picture(reader.width(), reader.height(), where);
  std::vector<std::uint8_t> cmyk(channels == 4 ? static_cast<std::size_t>(reader.width()) * 4 : 0);
  for (std::int64_t y = 0; y < out.picture.height; ++y) {
    check(reader.read_row(channels == 4 ? cmyk.data() : out.picture.row(y)));
    if (channels == 4) cmyk_to_rgb(cmyk.data(), out.picture.row(y), out.picture.width);
  }
  return out;  // what may follow the last row does not matter, as in PIL
}

}  // namespace lmm::media
