#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace lmm::weights {

/// Packed weights that an earlier load made: a safetensors file of bytes, whose tensors are named by what they were made from
/// and by what they hold. So a checkpoint that has changed, and a file that is cut short, altered or of another version, count
/// as a file without them. Used by one thread at a time.
class PackedCache {
 public:
  /// Maps the file, if it is there and can be used.
  explicit PackedCache(std::filesystem::path path);

  /// The file in `folder` for packed weights of a checkpoint; `how` tells kinds of packing apart.
  static std::filesystem::path file_in(const std::filesystem::path& folder, const std::filesystem::path& checkpoint,
                                       std::string_view how);

  /// Names a packed weight: its source (128-bit XXH3), and `how` it is packed.
  static std::string key(std::span<const std::byte> source, std::string_view how);

  /// The packed weight of that key and size, aligned to 64 bytes; null where there is none. Keeps the file mapped. What was
  /// found is written again with what is added.
  std::shared_ptr<const std::byte> find(const std::string& key, std::uint64_t size);

  /// What was made instead, for write().
  void add(const std::string& key, std::shared_ptr<const std::byte> bytes, std::uint64_t size);

  /// Writes the file, and makes its folder, where something was added. Another process sees the old file or the new one; of
  /// two that write at once the later stays. Error io; there is then no new file.
  void write();

  const std::filesystem::path& path() const noexcept { return path_; }
  std::size_t found() const noexcept { return found_; }
  std::size_t made() const noexcept { return kept_.size() - found_; }

 private:
  struct Entry {
    std::shared_ptr<const std::byte> bytes;
    std::uint64_t size = 0;
    std::string digest;  // of the bytes
  };

  std::filesystem::path path_;
  std::map<std::string, Entry> stored_;  // in the file
  std::map<std::string, Entry> kept_;    // found or added
  std::size_t found_ = 0;
};

}  // namespace lmm::weights
