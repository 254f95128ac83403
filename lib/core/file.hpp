#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>

namespace lmm {

/// A read-only memory mapping of a whole file, shared and released with its last owner.
class MappedFile {
 public:
  /// Throws Error: not_found, io. An empty file maps to an empty span.
  static std::shared_ptr<const MappedFile> open(const std::filesystem::path& path);

  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::span<const std::byte> bytes() const noexcept { return {data_, size_}; }
  const std::filesystem::path& path() const noexcept { return path_; }

  /// Asks the kernel to read [offset, offset + length) ahead; a hint that cannot fail.
  void will_need(std::uint64_t offset, std::uint64_t length) const noexcept;

  /// Lets go of the memory that holds [offset, offset + length); it is read again where it is asked for. As will_need.
  void not_needed(std::uint64_t offset, std::uint64_t length) const noexcept;

 private:
  MappedFile() = default;
  std::filesystem::path path_;
  const std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

/// The file's content. Throws Error: not_found; io; bad_file where it is larger than `limit` bytes.
std::string read_text_file(const std::filesystem::path& path, std::uint64_t limit = 256u << 20);

}  // namespace lmm
