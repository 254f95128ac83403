#include "lib/core/file.hpp"

#include "lib/core/descriptor.hpp"
#include "lib/core/error.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace lmm {
namespace {

std::uint64_t size_of(const Descriptor& file) { return static_cast<std::uint64_t>(file.status().st_size); }

}  // namespace

std::shared_ptr<const MappedFile> MappedFile::open(const std::filesystem::path& path) {
  const Descriptor file(path);
  const std::uint64_t size = size_of(file);
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
  const std::uint64_t size = size_of(file);
  if (size > limit) fail(ErrorCode::bad_file, "{}: {} bytes, expected at most {}", path.string(), size, limit);
  std::string text(size, '\0');
  const std::size_t done = file.read(0, std::as_writable_bytes(std::span(text)));
  if (done < size) fail(ErrorCode::io, "{}: ended after {} of {} bytes", path.string(), done, size);
  return text;
}

}  // namespace lmm
