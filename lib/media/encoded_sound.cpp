#include "lib/media/encoded_sound.hpp"

#include "lib/core/descriptor.hpp"
#include "lib/core/error.hpp"
#include "lib/media/content_hash.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

namespace lmm::media {
namespace {

/// Which file it is, and how much of it.
struct Identity {
  std::int64_t size = 0;
  dev_t device = 0;
  ino_t number = 0;
};

Identity identity_of(const Descriptor& file) {
  const struct stat status = file.status();
  return {status.st_size, status.st_dev, status.st_ino};
}

class OpenFile final : public EncodedSound {
 public:
  OpenFile(const std::filesystem::path& path, const Identity& expected) : file_(path), path_(path), size_(expected.size) {
    const Identity now = identity_of(file_);
    if (now.device != expected.device || now.number != expected.number) {
      fail(ErrorCode::io, "{}: has been replaced since it was opened", path.string());
    }
    if (now.size < size_) cut(now.size);
  }

  std::int64_t size() const override { return size_; }

  std::size_t read(std::int64_t offset, std::span<std::byte> out) override {
    if (offset < 0 || offset >= size_) return 0;
    const std::span<std::byte> wanted = out.first(std::min<std::size_t>(out.size(), static_cast<std::size_t>(size_ - offset)));
    const std::size_t got = file_.read(offset, wanted);
    if (got < wanted.size()) cut(offset + static_cast<std::int64_t>(got));
    return got;
  }

 private:
  [[noreturn]] void cut(std::int64_t now) const {
    fail(ErrorCode::io, "{}: has {} bytes, had {} when it was opened", path_.string(), now, size_);
  }

  Descriptor file_;
  std::filesystem::path path_;
  std::int64_t size_;
};

class FileBytes final : public SoundBytes {
 public:
  explicit FileBytes(const std::filesystem::path& path) : path_(std::filesystem::absolute(path)), identity_(identity_of(Descriptor(path))) {}
  std::unique_ptr<EncodedSound> open() const override { return std::make_unique<OpenFile>(path_, identity_); }

 private:
  std::filesystem::path path_;
  Identity identity_;
};

using Shared = std::shared_ptr<const std::vector<std::byte>>;

class OpenMemory final : public EncodedSound {
 public:
  explicit OpenMemory(Shared bytes) : bytes_(std::move(bytes)) {}
  std::int64_t size() const override { return std::ssize(*bytes_); }
  std::size_t read(std::int64_t offset, std::span<std::byte> out) override {
    if (offset < 0 || offset >= size()) return 0;
    const std::size_t count = std::min<std::size_t>(out.size(), static_cast<std::size_t>(size() - offset));
    std::memcpy(out.data(), bytes_->data() + offset, count);
    return count;
  }

 private:
  Shared bytes_;
};

class MemoryBytes final : public SoundBytes {
 public:
  explicit MemoryBytes(std::vector<std::byte> bytes)
      : bytes_(std::make_shared<const std::vector<std::byte>>(std::move(bytes))) {}
  std::unique_ptr<EncodedSound> open() const override { return std::make_unique<OpenMemory>(bytes_); }

 private:
  Shared bytes_;
};

}  // namespace

std::int64_t SoundStream::read(void* out, std::int64_t count) noexcept {
  if (count <= 0 || error_) return 0;
  try {
    const std::size_t got = bytes_->read(at_, {static_cast<std::byte*>(out), static_cast<std::size_t>(count)});
    at_ += static_cast<std::int64_t>(got);
    return static_cast<std::int64_t>(got);
  } catch (...) {
    error_ = std::current_exception();
    return 0;
  }
}

std::int64_t SoundStream::seek(std::int64_t offset, int whence) noexcept {
  const std::int64_t base = whence == SEEK_CUR ? at_ : whence == SEEK_END ? size() : 0;
  std::int64_t to = 0;
  if (__builtin_add_overflow(base, offset, &to) || to < 0) return -1;
  return at_ = to;
}

void SoundStream::check() const {
  if (error_) std::rethrow_exception(error_);
}

std::shared_ptr<const SoundBytes> file_bytes(const std::filesystem::path& path) {
  return std::make_shared<const FileBytes>(path);
}

std::shared_ptr<const SoundBytes> memory_bytes(std::vector<std::byte> bytes) {
  return std::make_shared<const MemoryBytes>(std::move(bytes));
}

std::string hash_of(EncodedSound& sound) {
  ContentHash hash;
  std::vector<std::byte> block(std::size_t{1} << 18);
  for (std::int64_t at = 0; at < sound.size();) {
    const std::size_t got = sound.read(at, block);
    hash.update(std::span(block).first(got));
    at += static_cast<std::int64_t>(got);
  }
  return hash.digest();
}

}  // namespace lmm::media
