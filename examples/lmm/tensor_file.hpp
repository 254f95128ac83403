#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace command {

/// fp32 tensors by name, in the order of adding, written as one safetensors file.
class TensorFile {
 public:
  /// Copies the values of a row-major tensor. A name that is there already gets ".step1", ".step2", ... at its end.
  void add(std::string_view name, const std::vector<std::int64_t>& shape, const float* data);

  std::size_t size() const noexcept { return tensors_.size(); }

  /// Writes beside `path` and renames at the end, so that nobody ever sees half a file. Throws Error io.
  void write(const std::filesystem::path& path, const std::map<std::string, std::string>& metadata) const;

 private:
  struct Tensor {
    std::string name;
    std::vector<std::int64_t> shape;
    std::vector<float> data;
  };

  std::vector<Tensor> tensors_;
  std::map<std::string, int, std::less<>> seen_;  // name → times added
};

}  // namespace command
