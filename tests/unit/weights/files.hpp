#pragma once

#include <lmm/error.hpp>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <unistd.h>

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>
#include <string_view>

/// A folder of its own for a test, gone with it.
class TempFolder {
 public:
  TempFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "lmm_test_XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ~TempFolder() { std::filesystem::remove_all(path_); }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }

  std::filesystem::path write(const std::string& name, std::string_view content) const {
    std::ofstream(path_ / name, std::ios::binary) << content;
    return path_ / name;
  }

 private:
  std::filesystem::path path_;
};

/// A safetensors file of this header (given as it shall stand) and `data` zero bytes, or those given.
inline std::string safetensors(std::string_view header, std::string_view data) {
  const std::uint64_t length = header.size();
  std::string out(8, '\0');
  std::memcpy(out.data(), &length, 8);
  return out.append(header).append(data);
}

inline std::string safetensors(std::string_view header, std::size_t data) {
  return safetensors(header, std::string(data, '\0'));
}

inline std::span<const std::byte> bytes_of(std::string_view text) {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}

/// Code and text of the Error that `call` throws; the code is 0 where it throws none.
struct Caught {
  lmm::ErrorCode code{};
  std::string text;
  bool says(std::string_view part) const { return text.find(part) != std::string::npos; }
};

template <typename Call>
Caught error_of(const Call& call) {
  try {
    call();
  } catch (const lmm::Error& error) {
    CHECK(std::string_view(error.what()).find('\n') == std::string_view::npos);
    return {error.code(), error.what()};
  }
  return {};
}
