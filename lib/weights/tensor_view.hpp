#pragma once

#include "lib/core/file.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lmm::weights {

/// Element types of safetensors, one of whose elements takes whole bytes.
enum class ScalarType : std::uint8_t {
  boolean,
  u8,
  i8,
  f8_e5m2,
  f8_e4m3,
  f8_e8m0,
  f8_e4m3fnuz,
  f8_e5m2fnuz,
  i16,
  u16,
  f16,
  bf16,
  i32,
  u32,
  f32,
  c64,
  f64,
  i64,
  u64,
};

/// Name as safetensors spells it, e.g. "BF16". Static storage.
std::string_view scalar_type_name(ScalarType type) noexcept;

/// The type of that name; nothing for an unknown name.
std::optional<ScalarType> scalar_type_of(std::string_view name) noexcept;

/// Bytes of one element.
std::uint64_t scalar_size(ScalarType type) noexcept;

/// A tensor as stored: row-major, little-endian, not aligned. It points into `file` and keeps it alive.
struct TensorView {
  std::string name;
  ScalarType dtype = ScalarType::f32;
  std::vector<std::int64_t> shape;
  const std::byte* data = nullptr;
  std::uint64_t bytes = 0;                 ///< product of shape * scalar_size(dtype), checked
  std::shared_ptr<const MappedFile> file;  ///< null where the bytes came from memory

  std::uint64_t elements() const noexcept { return bytes / scalar_size(dtype); }

  /// Its pages may leave memory; they are read again where somebody looks at it after all.
  void not_needed() const noexcept {
    if (file != nullptr) file->not_needed(static_cast<std::uint64_t>(data - file->bytes().data()), bytes);
  }
};

/// "[2, 3]"
std::string shape_text(const std::vector<std::int64_t>& shape);

/// A name out of a file as errors show it: on one line, no control characters, cut after 200 bytes.
std::string printable(std::string_view name);

}  // namespace lmm::weights
