#include "lib/core/file.hpp"

#include "lib/core/error.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace lmm {
namespace {

/// A file descriptor that closes itself.
class Descriptor {
 public:
  /// Not blocking, so that a pipe without a writer is refused at once; for plain files it means nothing.
  explicit Descriptor(const std::filesystem::path& path)
      : fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {
    if (fd_ >= 0) return;
    const int error = errno;
    if (error == ENOENT || error == ENOTDIR) fail(ErrorCode::not_found, "{}: no such file", path.string());
    fail(ErrorCode::io, "{}: cannot open: {}", path.string(), std::strerror(error));
  }
  ~Descriptor() { ::close(fd_); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const noexcept { return fd_; }

 private:
  int fd_;
};

std::uint64_t regular_file_size(const Descriptor& file, const std::filesystem::path& path) {
  struct stat status = {};
  if (::fstat(file.get(), &status) != 0)
    fail(ErrorCode::io, "{}: cannot stat: {}", path.string(), std::strerror(errno));
  if (S_ISDIR(status.st_mode)) fail(ErrorCode::io, "{}: is a folder, expected a file", path.string());
  if (!S_ISREG(status.st_mode)) fail(ErrorCode::io, "{}: is not a regular file", path.string());
  return static_cast<std::uint64_t>(status.st_size);
}

}  // namespace

std::shared_ptr<const MappedFile> MappedFile::open(const std::filesystem::path& path) {
  const Descriptor file(path);
  const std::uint64_t size = regular_file_size(file, path);
  std::shared_ptr<MappedFile> mapped(new MappedFile);
  mapped->path_ = path;
  if (size == 0) return mapped;
  void* address = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.get(), 0);
  if (address == MAP_FAILED)
    fail(ErrorCode::io, "{}: cannot map {} bytes: {}", path.string(), size, std::strerror(errno));
  mapped->data_ = static_cast<const std::byte*>(address);
  mapped->size_ = size;
  return mapped;
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) ::munmap(const_cast<std::byte*>(data_), size_);
}

void MappedFile::will_need(std::uint64_t offset, std::uint64_t length) const noexcept {
  if (data_ == nullptr || offset >= size_) return;
  const std::uint64_t page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  const std::uint64_t start = offset / page * page;
  const std::uint64_t end = length > size_ - offset ? size_ : offset + length;
  ::madvise(const_cast<std::byte*>(data_) + start, end - start, MADV_WILLNEED);
}

void MappedFile::not_needed(std::uint64_t offset, std::uint64_t length) const noexcept {
  if (data_ == nullptr || offset >= size_) return;
  const std::uint64_t page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  const std::uint64_t end = length > size_ - offset ? size_ : offset + length;
  const std::uint64_t first = (offset + page - 1) / page * page;  // whole pages: a neighbour's are kept
  const std::uint64_t last = end == size_ ? end : end / page * page;
  if (first < last) ::madvise(const_cast<std::byte*>(data_) + first, last - first, MADV_DONTNEED);
}

std::string read_text_file(const std::filesystem::path& path, std::uint64_t limit) {
  const Descriptor file(path);
  const std::uint64_t size = regular_file_size(file, path);
  if (size > limit) fail(ErrorCode::bad_file, "{}: {} bytes, expected at most {}", path.string(), size, limit);
  std::string text(size, '\0');
  std::size_t done = 0;
  while (done < size) {
    const ssize_t got = ::read(file.get(), text.data() + done, size - done);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail(ErrorCode::io, "{}: cannot read: {}", path.string(), std::strerror(errno));
    if (got == 0) fail(ErrorCode::io, "{}: ended after {} of {} bytes", path.string(), done, size);
    done += static_cast<std::size_t>(got);
  }
  return text;
}

}  // namespace lmm
