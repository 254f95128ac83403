#include "lib/media/exif.hpp"

#include <libexif/exif-data.h>

#include <cstring>
#include <memory>
#include <vector>

namespace lmm::media {
namespace {

constexpr std::string_view kHeader{"Exif\0\0", 6};
constexpr std::size_t kMaxExif = 16u << 20;  // libexif counts in unsigned int; no camera writes more than 64 KiB

/// Value of an orientation entry; 0 for a type or count that PIL would not take either.
int entry_value(const ExifEntry& entry, ExifByteOrder order) {
  if (entry.components != 1 || entry.data == nullptr) return 0;
  switch (entry.format) {
    case EXIF_FORMAT_SHORT:
    case EXIF_FORMAT_SSHORT: return entry.size >= 2 ? exif_get_short(entry.data, order) : 0;
    case EXIF_FORMAT_LONG:
    case EXIF_FORMAT_SLONG: return entry.size >= 4 ? static_cast<int>(exif_get_long(entry.data, order) & 0xFFFF) : 0;
    default: return 0;
  }
}

std::optional<int> exif_orientation(std::span<const std::uint8_t> exif) {
  for (int i = 0; i < 2; ++i) {
    if (exif.size() >= kHeader.size() && std::memcmp(exif.data(), kHeader.data(), kHeader.size()) == 0) {
      exif = exif.subspan(kHeader.size());
    }
  }
  if (exif.size() < 8 || exif.size() > kMaxExif) return std::nullopt;
  std::vector<std::uint8_t> framed(kHeader.begin(), kHeader.end());  // libexif wants the header
  framed.insert(framed.end(), exif.begin(), exif.end());

  const std::unique_ptr<ExifData, void (*)(ExifData*)> data(exif_data_new(), exif_data_unref);
  if (!data) return std::nullopt;
  exif_data_unset_option(data.get(), EXIF_DATA_OPTION_FOLLOW_SPECIFICATION);  // report, do not repair
  exif_data_load_data(data.get(), framed.data(), static_cast<unsigned int>(framed.size()));
  const ExifEntry* entry = exif_content_get_entry(data->ifd[EXIF_IFD_0], EXIF_TAG_ORIENTATION);
  if (entry == nullptr) return std::nullopt;
  return entry_value(*entry, exif_data_get_byte_order(data.get()));
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
