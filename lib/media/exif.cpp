#include "lib/media/exif.hpp"

#include <cstddef>
#include <cstring>

namespace lmm::media {
namespace {

constexpr std::string_view kHeader{"Exif\0\0", 6};

/// Numbers of a TIFF structure, in its byte order.
class Tiff {
 public:
  explicit Tiff(std::span<const std::uint8_t> bytes) : bytes_(bytes), big_endian_(bytes[0] == 'M') {}

  std::size_t size() const noexcept { return bytes_.size(); }

  /// `count` bytes from `at` on, all of which are there.
  std::uint32_t number(std::size_t at, std::size_t count) const {
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < count; ++i) value = value << 8 | bytes_[at + (big_endian_ ? i : count - 1 - i)];
    return value;
  }

 private:
  std::span<const std::uint8_t> bytes_;
  bool big_endian_;
};

/// Tag 0x0112 of IFD 0 as PIL's ImageFileDirectory_v2 has it: 0 for a type or count that means none of the eight, nothing where
/// the tag is not there; of two the last, and of a directory that is cut off what is there. No other directory is looked at.
std::optional<int> exif_orientation(std::span<const std::uint8_t> exif) {
  constexpr std::uint32_t kOrientation = 0x0112, kShort = 3, kLong = 4, kSignedShort = 8, kSignedLong = 9;
  constexpr std::size_t kEntry = 12;
  for (int i = 0; i < 2; ++i) {
    if (exif.size() >= kHeader.size() && std::memcmp(exif.data(), kHeader.data(), kHeader.size()) == 0) {
      exif = exif.subspan(kHeader.size());
    }
  }
  if (exif.size() < 8 || exif[0] != exif[1] || (exif[0] != 'M' && exif[0] != 'I')) return std::nullopt;
  const Tiff tiff(exif);
  if (tiff.number(2, 2) != 42) return std::nullopt;
  std::size_t at = tiff.number(4, 4);
  if (at + 2 > tiff.size()) return std::nullopt;
  const std::size_t entries = tiff.number(at, 2);
  at += 2;
  std::optional<int> found;
  for (std::size_t i = 0; i < entries && at + kEntry <= tiff.size(); ++i, at += kEntry) {
    if (tiff.number(at, 2) != kOrientation) continue;
    const std::uint32_t type = tiff.number(at + 2, 2);
    const std::size_t bytes = type == kShort || type == kSignedShort ? 2 : type == kLong || type == kSignedLong ? 4 : 0;
    const std::uint32_t value = bytes != 0 && tiff.number(at + 4, 4) == 1 ? tiff.number(at + 8, bytes) : 0;
    found = value <= 8 ? static_cast<int>(value) : 0;
  }
  return found;
}

/// First match of PIL's pattern tiff:Orientation(="|>)([0-9]).
std::optional<int> xmp_orientation(std::string_view xmp) {
  constexpr std::string_view kName = "tiff:Orientation";
  for (std::size_t at = xmp.find(kName); at != std::string_view::npos; at = xmp.find(kName, at + 1)) {
    std::string_view rest = xmp.substr(at + kName.size());
    if (rest.substr(0, 2) == "=\"") {
      rest.remove_prefix(2);
    } else if (rest.substr(0, 1) == ">") {
      rest.remove_prefix(1);
    } else {
      continue;
    }
    if (!rest.empty() && rest[0] >= '0' && rest[0] <= '9') return rest[0] - '0';
  }
  return std::nullopt;
}

}  // namespace

int orientation(std::span<const std::uint8_t> exif, std::string_view xmp) {
  if (const auto value = exif_orientation(exif)) return *value;
  return xmp_orientation(xmp).value_or(1);
}

}  // namespace lmm::media
