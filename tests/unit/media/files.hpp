#pragma once

#include "lib/core/error.hpp"
#include "lib/media/decode.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <vector>

namespace lmm::media {

using Data = std::vector<std::uint8_t>;

inline Data read_bytes(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return Data(std::istreambuf_iterator<char>(file), {});
}

/// tests/data/pictures: files of every kind, each with what Pillow makes of it as <name>.ppm
/// (tests/parity/picture_files.py writes both).
inline std::vector<std::filesystem::path> picture_paths() {
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(std::filesystem::path(LMM_TEST_DATA) / "pictures")) {
    if (entry.path().extension() != ".ppm") paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

inline Data picture_file(const std::string& name) {
  return read_bytes(std::filesystem::path(LMM_TEST_DATA) / "pictures" / name);
}

/// The error that decoding gives, or none.
inline std::optional<Error> decode_error(const Data& file) {
  try {
    decode(file, "picture");
    return std::nullopt;
  } catch (const Error& error) {
    return error;
  }
}

inline bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

inline void put32be(Data& file, std::size_t at, std::uint32_t value) {
  for (std::size_t i = 0; i < 4; ++i) file.at(at + i) = static_cast<std::uint8_t>(value >> (24 - 8 * i));
}

inline void put32le(Data& file, std::size_t at, std::uint32_t value) {
  for (std::size_t i = 0; i < 4; ++i) file.at(at + i) = static_cast<std::uint8_t>(value >> (8 * i));
}

}  // namespace lmm::media
