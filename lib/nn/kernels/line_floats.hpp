#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace lmm::nn::kernels {

/// Working space that begins where a line of the cache does: a vector across two lines is slow to load.
class LineFloats {
 public:
  /// At least so many; what was in it is lost. Throws std::bad_alloc.
  void resize(std::int64_t count) {
    constexpr std::size_t line = 64 / sizeof(float);
    const std::size_t wanted = static_cast<std::size_t>(count) + line;
    if (wanted > numbers_.size()) numbers_.resize(wanted);  // to shrink it would mean to clear it again later
    const auto past = reinterpret_cast<std::uintptr_t>(numbers_.data()) / sizeof(float) % line;
    first_ = numbers_.data() + (line - past) % line;
  }
  float* data() const noexcept { return first_; }

 private:
  std::vector<float> numbers_;
  float* first_ = nullptr;
};

}  // namespace lmm::nn::kernels
