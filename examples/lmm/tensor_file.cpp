#include "tensor_file.hpp"

#include <fmt/format.h>
#include <lmm/error.hpp>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <functional>
#include <memory>
#include <numeric>
#include <system_error>

#include "report.hpp"

namespace command {
namespace {

[[noreturn]] void fail_to_write(const std::filesystem::path& path, int number) {
  throw lmm::Error(lmm::ErrorCode::io, fmt::format("{}: cannot be written: {}", path.string(), std::strerror(number)));
}

/// A file that vanishes unless commit() was reached. What is there and no plain file (a pipe, a device) is written to
/// as it is, never replaced.
class Replacement {
 public:
  explicit Replacement(const std::filesystem::path& path) : path_(path) {
    std::error_code none;
    if (std::filesystem::is_symlink(path, none)) path_ = std::filesystem::weakly_canonical(path, none);
    direct_ = std::filesystem::exists(path, none) && !std::filesystem::is_regular_file(path, none);
    temporary_ = direct_ ? path.string() : fmt::format("{}.{}.tmp", path_.string(), ::getpid());
    file_ = std::fopen(temporary_.c_str(), "wb");
    if (file_ == nullptr) fail_to_write(path_, errno);
  }
  ~Replacement() {
    if (file_ != nullptr) std::fclose(file_);
    if (!committed_ && !direct_) std::remove(temporary_.c_str());
  }
  Replacement(const Replacement&) = delete;
  Replacement& operator=(const Replacement&) = delete;

  void write(const void* data, std::size_t size) {
    if (std::fwrite(data, 1, size, file_) != size) fail_to_write(path_, errno);
  }

  void commit() {
    std::FILE* file = std::exchange(file_, nullptr);
    // A full disk may show only when the last buffer is written.
    const bool flushed = std::fflush(file) == 0 && (direct_ || ::fsync(::fileno(file)) == 0);
    const int number = errno;
    if ((std::fclose(file) != 0) || !flushed) fail_to_write(path_, flushed ? errno : number);
    if (!direct_ && std::rename(temporary_.c_str(), path_.c_str()) != 0) fail_to_write(path_, errno);
    committed_ = true;
  }

 private:
  std::filesystem::path path_;
  std::string temporary_;
  std::FILE* file_ = nullptr;
  bool direct_ = false;
  bool committed_ = false;
};

}  // namespace

void TensorFile::add(std::string_view name, const std::vector<std::int64_t>& shape, const float* data) {
  const int times = seen_[std::string(name)]++;
  const std::int64_t count = std::accumulate(shape.begin(), shape.end(), std::int64_t{1}, std::multiplies<>());
  tensors_.push_back({times == 0 ? std::string(name) : fmt::format("{}.step{}", name, times), shape,
                      std::vector<float>(data, data + count)});
}

void TensorFile::write(const std::filesystem::path& path, const std::map<std::string, std::string>& metadata) const {
  Json header = {{"__metadata__", metadata}};
  std::size_t offset = 0;
  for (const Tensor& tensor : tensors_) {
    const std::size_t end = offset + tensor.data.size() * sizeof(float);
    header[tensor.name] = {{"dtype", "F32"}, {"shape", tensor.shape}, {"data_offsets", {offset, end}}};
    offset = end;
  }
  std::string text = header.dump(-1, ' ', false, Json::error_handler_t::replace);
  text.resize((text.size() + 7) / 8 * 8, ' ');  // the data begins at a multiple of 8
  const std::uint64_t length = text.size();
  static_assert(std::endian::native == std::endian::little, "safetensors is little-endian");
  Replacement file(path);
  file.write(&length, sizeof(length));
  file.write(text.data(), text.size());
  for (const Tensor& tensor : tensors_) file.write(tensor.data.data(), tensor.data.size() * sizeof(float));
  file.commit();
}

}  // namespace command
