#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace lmm::media {

/// The bytes of an encoded recording, which stay what they were when it was opened. One thread at a time.
class EncodedSound {
 public:
  virtual ~EncodedSound() = default;
  virtual std::int64_t size() const = 0;
  /// Bytes from `offset` on: fewer than asked for only at the end. Errors: io.
  virtual std::size_t read(std::int64_t offset, std::span<std::byte> out) = 0;
};

/// The same as a stream for libraries written in C: no exception leaves read(). An error is kept, and the bytes seem to
/// end there.
class SoundStream {
 public:
  explicit SoundStream(std::unique_ptr<EncodedSound> bytes) : bytes_(std::move(bytes)) {}

  std::int64_t size() const noexcept { return bytes_->size(); }
  std::int64_t at() const noexcept { return at_; }
  std::int64_t read(void* out, std::int64_t count) noexcept;
  std::int64_t seek(std::int64_t offset, int whence) noexcept;  ///< as lseek(); -1: before the start

  void check() const;  ///< throws what read() kept

 private:
  std::unique_ptr<EncodedSound> bytes_;
  std::int64_t at_ = 0;
  std::exception_ptr error_;
};

/// Makes readers of the same bytes. Immutable.
class SoundBytes {
 public:
  virtual ~SoundBytes() = default;
  virtual std::unique_ptr<EncodedSound> open() const = 0;  ///< Errors: not_found, io
};

/// A file, read anew for each reader; no file stays open between them. Only the bytes that it has now are read.
/// A file that has since been cut off or replaced is an error at open(). Errors: not_found, io.
std::shared_ptr<const SoundBytes> file_bytes(const std::filesystem::path& path);

std::shared_ptr<const SoundBytes> memory_bytes(std::vector<std::byte> bytes);

/// ContentHash of all bytes. Errors: io.
std::string hash_of(EncodedSound& sound);

}  // namespace lmm::media
