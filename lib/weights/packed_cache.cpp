#include "lib/weights/packed_cache.hpp"

#include "lib/core/error.hpp"
#include "lib/weights/safetensors.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <utility>

namespace lmm::weights {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kAlignment = 64;

std::string digest_of(const std::byte* bytes, std::uint64_t size) {
  const XXH128_hash_t hash = XXH3_128bits(bytes, size);
  return fmt::format("{:016x}{:016x}", hash.high64, hash.low64);
}

/// A new file that is gone again unless it is kept.
class NewFile {
 public:
  explicit NewFile(const fs::path& beside) {
    static std::atomic<unsigned> number{0};
    do {  // a name may be left of a process that was killed
      path_ = fmt::format("{}.{}.{}", beside.string(), ::getpid(), ++number);
      fd_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    } while (fd_ < 0 && errno == EEXIST);
    if (fd_ < 0) refuse("create");
  }
  ~NewFile() {
    ::close(fd_);
    if (!path_.empty()) ::unlink(path_.c_str());
  }
  NewFile(const NewFile&) = delete;
  NewFile& operator=(const NewFile&) = delete;

  void write(const void* bytes, std::uint64_t size) {
    for (const auto* from = static_cast<const char*>(bytes); size > 0;) {
      const ssize_t done = ::write(fd_, from, size);
      if (done < 0 && errno == EINTR) continue;
      if (done <= 0) refuse("write");
      from += done;
      size -= static_cast<std::uint64_t>(done);
    }
  }

  /// On the disk whole before it has its name.
  void keep_as(const fs::path& path) {
    if (::fsync(fd_) != 0) refuse("write");
    if (::rename(path_.c_str(), path.c_str()) != 0) refuse("rename");
    path_.clear();
  }

 private:
  [[noreturn]] void refuse(const char* what) const { fail(ErrorCode::io, "{}: cannot {}: {}", path_, what, std::strerror(errno)); }

  std::string path_;
  int fd_ = -1;
};

}  // namespace

PackedCache::PackedCache(fs::path path) : path_(std::move(path)) {
  try {
    for (const TensorView& view : open_safetensors(path_)) {
      const std::size_t middle = view.name.rfind(' ');
      if (middle == std::string::npos) continue;
      stored_[view.name.substr(0, middle)] = {{view.file, view.data}, view.bytes, view.name.substr(middle + 1)};
    }
  } catch (const Error&) {  // not there, or no use: made anew
    stored_.clear();
  }
}

fs::path PackedCache::file_in(const fs::path& folder, const fs::path& checkpoint, std::string_view how) {
  std::error_code none;
  fs::path whole = fs::weakly_canonical(checkpoint, none);
  if (none) whole = checkpoint;
  const std::string text = whole.string();
  const fs::path name = whole.has_filename() ? whole.filename() : whole.parent_path().filename();
  return folder / fmt::format("{}-{:016x}-{}.packed", name.string(), XXH3_64bits(text.data(), text.size()), how);
}

std::string PackedCache::key(std::span<const std::byte> source, std::string_view how) {
  return fmt::format("{} {}", how, digest_of(source.data(), source.size()));
}

std::shared_ptr<const std::byte> PackedCache::find(const std::string& key, std::uint64_t size) {
  const auto at = stored_.find(key);
  if (at == stored_.end() || at->second.size != size) return nullptr;
  const Entry& entry = at->second;
  const bool aligned = reinterpret_cast<std::uintptr_t>(entry.bytes.get()) % kAlignment == 0;
  if (!aligned || digest_of(entry.bytes.get(), size) != entry.digest) return nullptr;
  if (kept_.try_emplace(key, entry).second) ++found_;
  return entry.bytes;
}

void PackedCache::add(const std::string& key, std::shared_ptr<const std::byte> bytes, std::uint64_t size) {
  std::string digest = digest_of(bytes.get(), size);
  kept_[key] = {std::move(bytes), size, std::move(digest)};
}

void PackedCache::write() {
  if (made() == 0) return;
  std::error_code ignored;  // the file tells
  fs::create_directories(path_.parent_path(), ignored);
  std::string header = "{";
  std::uint64_t offset = 0;
  for (const auto& [key, entry] : kept_) {
    header += fmt::format(R"({}"{} {}":{{"dtype":"U8","shape":[{}],"data_offsets":[{},{}]}})", offset == 0 ? "" : ",", key, entry.digest,
                          entry.size, offset, offset + entry.size);
    offset += entry.size;
  }
  header += "}";
  const std::uint64_t prefix = sizeof(std::uint64_t);
  header.resize((prefix + header.size() + kAlignment - 1) / kAlignment * kAlignment - prefix, ' ');
  NewFile file(path_);
  std::byte length[sizeof(std::uint64_t)];
  for (std::size_t i = 0; i < sizeof length; ++i) length[i] = static_cast<std::byte>(header.size() >> 8 * i);  // little-endian
  file.write(length, sizeof length);
  file.write(header.data(), header.size());
  for (const auto& [key, entry] : kept_) file.write(entry.bytes.get(), entry.size);
  file.keep_as(path_);
}

}  // namespace lmm::weights
