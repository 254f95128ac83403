#include "tests/unit/media/files.hpp"

#include <doctest/doctest.h>

#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>
#include <random>

namespace lmm::media {
namespace {

/// What a P6 file of Pillow holds.
Picture read_ppm(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::string magic;
  std::int64_t width = 0;
  std::int64_t height = 0;
  int most = 0;
  file >> magic >> width >> height >> most;
  file.get();
  Picture picture = make_picture(width, height, path.string());
  file.read(reinterpret_cast<char*>(picture.rgb.get()), static_cast<std::streamsize>(picture.bytes()));
  REQUIRE(file.good());
  return picture;
}

/// What the process writes to standard error while this lives.
class StandardError {
 public:
  StandardError() : saved_(dup(2)), file_(std::tmpfile()) { dup2(fileno(file_), 2); }
  ~StandardError() {
    restore();
    std::fclose(file_);
  }
  std::string text() {
    restore();
    std::string out(static_cast<std::size_t>(lseek(fileno(file_), 0, SEEK_END)), '\0');
    const auto size = pread(fileno(file_), out.data(), out.size(), 0);
    out.resize(static_cast<std::size_t>(size));
    return out;
  }

 private:
  void restore() {
    if (saved_ < 0) return;
    dup2(saved_, 2);
    close(saved_);
    saved_ = -1;
  }
  int saved_;
  std::FILE* file_;
};

}  // namespace

TEST_CASE("every kind of file decodes to Pillow's pixels") {
  const auto paths = picture_paths();
  REQUIRE(paths.size() >= 40);
  for (const auto& path : paths) {
    CAPTURE(path.filename().string());
    const Picture expected = read_ppm(path.string() + ".ppm");
    const Picture actual = decode(read_bytes(path), path.string());
    REQUIRE(actual.width == expected.width);
    REQUIRE(actual.height == expected.height);
    const int tolerance = path.extension() == ".jpg" ? 1 : 0;  // another libjpeg may round otherwise
    int worst = 0;
    for (std::size_t i = 0; i < expected.bytes(); ++i) {
      worst = std::max(worst, std::abs(int{actual.rgb[i]} - int{expected.rgb[i]}));
    }
    CHECK(worst <= tolerance);
  }
}

TEST_CASE("a colour declared transparent is kept beside the pixels") {
  const auto transparent = [](const char* name) { return decode(picture_file(name), name).transparent; };
  CHECK(transparent("png-grey8-trns-7.png") == std::array<std::uint8_t, 3>{7, 7, 7});
  CHECK(transparent("png-rgb8-trns.png").has_value());
  CHECK(transparent("png-palette-trns-one.png").has_value());
  CHECK_FALSE(transparent("png-palette-trns-many.png").has_value());  // convert("RGB") forgets several alphas
  CHECK(transparent("gif-offset-transparent.gif").has_value());
  CHECK_FALSE(transparent("gif-plain.gif").has_value());
  CHECK_FALSE(transparent("png-color6-depth8.png").has_value());
}

TEST_CASE("what is no picture is refused by name") {
  CHECK(contains(decode_error({})->what(), "is empty"));
  const Data text{'H', 'e', 'l', 'l', 'o', '\n', 0x80};
  CHECK(decode_error(text)->code() == ErrorCode::bad_file);
  CHECK(contains(decode_error(text)->what(), "begins with 'Hello\\x0a\\x80'"));
  CHECK(contains(decode_error({'I', 'I', 42, 0})->what(), "JPEG, PNG, WebP, GIF or BMP"));
  for (const Data& head : {Data{0xFF, 0xD8, 0xFF}, Data{0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'}, Data{'B', 'M'},
                           Data{'G', 'I', 'F', '8', '9', 'a'},
                           Data{'R', 'I', 'F', 'F', 4, 0, 0, 0, 'W', 'E', 'B', 'P'}}) {
    const auto error = decode_error(head);
    REQUIRE(error);
    CHECK(error->code() == ErrorCode::bad_file);
    CHECK(std::string(error->what()).find('\n') == std::string::npos);
  }
}

TEST_CASE("a picture of zero or too many pixels is refused before it is allocated") {
  const auto check = [](const Data& file, const char* reason) {
    const auto error = decode_error(file);
    REQUIRE(error);
    CHECK(error->code() == ErrorCode::bad_file);
    CAPTURE(std::string(error->what()));
    CHECK(contains(error->what(), reason));
  };
  Data bmp = picture_file("bmp-bits24.bmp");
  put32le(bmp, 18, 0);
  check(bmp, "at least 1 x 1");
  put32le(bmp, 18, 0x40000000);
  check(bmp, "178956970");
  put32le(bmp, 22, 0x40000000);
  check(bmp, "178956970");

  Data jpeg = picture_file("jpeg-17x9-420.jpg");
  const std::uint8_t sof[] = {0xFF, 0xC0, 0, 17, 8};
  const auto found = std::search(jpeg.begin(), jpeg.end(), std::begin(sof), std::end(sof));
  const auto at = static_cast<std::size_t>(found - jpeg.begin());
  put32be(jpeg, at + 5, 0xFFFFFFFF);
  check(jpeg, "");  // libjpeg has a limit of its own, 65500
  put32be(jpeg, at + 5, 0xFFDCFFDC);
  check(jpeg, "178956970");
  put32be(jpeg, at + 5, 0x00090000);
  check(jpeg, "");

  Data gif = picture_file("gif-plain.gif");
  put32le(gif, 6, 0xFFFFFFFF);  // the screen
  check(gif, "178956970");

  Data webp = picture_file("webp-animated-part.webp");
  for (std::size_t i = 24; i < 30; ++i) webp[i] = 0xFF;  // the canvas of the VP8X chunk
  check(webp, "");
}

TEST_CASE("a PNG that claims too many pixels is refused by its header") {
  // IHDR of 2^30 x 2^30 pixels, 8-bit grey, its checksum made by zlib's crc32.
  const Data file{0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n', 0, 0, 0, 13, 'I', 'H', 'D', 'R', 0x40, 0, 0, 0, 0x40, 0,
                  0, 0, 8, 0, 0, 0, 0, 0x7D, 0xFF, 0xB1, 0x62, 0, 0, 0, 1, 'I', 'D', 'A', 'T', 0, 0, 0, 0, 0};
  const auto error = decode_error(file);
  REQUIRE(error);
  CAPTURE(std::string(error->what()));
  CHECK(contains(error->what(), "1073741824 x 1073741824 pixels"));
}

TEST_CASE("files cut off anywhere are an error or the whole picture, and nothing is printed") {
  StandardError output;
  int refused = 0;
  for (const auto& path : picture_paths()) {
    const Data file = read_bytes(path);
    const std::size_t step = file.size() > 600 ? 23 : 1;
    for (std::size_t size = 0; size < file.size(); size += step) {
      const auto error = decode_error(Data(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(size)));
      if (!error) continue;
      ++refused;
      if (error->code() != ErrorCode::bad_file) FAIL_CHECK(path.filename().string(), " at ", size, ": ", error->what());
    }
  }
  CHECK(output.text().empty());
  CHECK(refused > 4000);
}

TEST_CASE("files with bytes changed at random give errors or pictures, and nothing is printed") {
  StandardError output;
  std::mt19937 random(5);
  int refused = 0;
  int decoded = 0;
  for (const auto& path : picture_paths()) {
    const Data file = read_bytes(path);
    for (int round = 0; round < 100; ++round) {
      Data damaged = file;
      const unsigned changes = 1 + random() % 4;
      for (unsigned i = 0; i < changes; ++i) {
        // half of the changes fall into the first bytes, where the sizes and tables are
        const std::size_t reach = i % 2 == 0 ? file.size() : std::min<std::size_t>(file.size(), 64);
        std::uint8_t& byte = damaged[random() % reach];
        byte = random() % 3 == 0 ? static_cast<std::uint8_t>(byte ^ 1u << random() % 8)
                                 : static_cast<std::uint8_t>(random());
      }
      const auto error = decode_error(damaged);
      error ? ++refused : ++decoded;
      if (error && error->code() != ErrorCode::bad_file && error->code() != ErrorCode::out_of_memory) {
        FAIL_CHECK(path.filename().string(), " in round ", round, ": ", error->what());
      }
    }
  }
  CHECK(output.text().empty());
  CHECK(refused > 1500);
  CHECK(decoded > 500);
}

TEST_CASE("a progressive JPEG that repeats its scans without end is refused") {
  const Data file = picture_file("jpeg-17x9-422-progressive.jpg");
  const std::uint8_t sos[] = {0xFF, 0xDA};
  const auto first = std::search(file.begin(), file.end(), std::begin(sos), std::end(sos));
  const auto second = std::search(first + 2, file.end(), std::begin(sos), std::end(sos));
  REQUIRE(second != file.end());
  Data bomb(file.begin(), second);
  for (int i = 0; i < 2000; ++i) bomb.insert(bomb.end(), first, second);
  const auto error = decode_error(bomb);
  REQUIRE(error);
  CHECK(contains(error->what(), "scans"));
}

}  // namespace lmm::media
