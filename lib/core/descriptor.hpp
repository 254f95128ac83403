#pragma once

#include "lib/core/error.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <span>

namespace lmm {

/// A plain file, open for reading; closes itself. read() and status() may be called by any threads at once.
class Descriptor {
 public:
  /// Errors: not_found, io (it cannot be opened).
  /// Not blocking, so that a pipe without a writer is refused at once; for plain files it means nothing.
  explicit Descriptor(const std::filesystem::path& path)
      : fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)), path_(path) {
    if (fd_ >= 0) return;
    const int error = errno;
    if (error == ENOENT || error == ENOTDIR) fail(ErrorCode::not_found, "{}: no such file", path.string());
    fail(ErrorCode::io, "{}: cannot open: {}", path.string(), std::strerror(error));
  }
  ~Descriptor() { ::close(fd_); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  int get() const noexcept { return fd_; }

  /// Size and identity. Error io where it is no plain file.
  struct stat status() const {
    struct stat status = {};
    if (::fstat(fd_, &status) != 0) fail(ErrorCode::io, "{}: cannot stat: {}", path_.string(), std::strerror(errno));
    if (S_ISDIR(status.st_mode)) fail(ErrorCode::io, "{}: is a folder, expected a file", path_.string());
    if (!S_ISREG(status.st_mode)) fail(ErrorCode::io, "{}: is not a regular file", path_.string());
    return status;
  }

  /// Bytes from `offset` on; fewer than asked for only at the end of the file. Error io.
  std::size_t read(std::int64_t offset, std::span<std::byte> out) const {
    std::size_t done = 0;
    while (done < out.size()) {
      const ssize_t got = ::pread(fd_, out.data() + done, out.size() - done, offset + static_cast<std::int64_t>(done));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) fail(ErrorCode::io, "{}: cannot read: {}", path_.string(), std::strerror(errno));
      if (got == 0) break;
      done += static_cast<std::size_t>(got);
    }
    return done;
  }

 private:
  int fd_;
  std::filesystem::path path_;
};

}  // namespace lmm
