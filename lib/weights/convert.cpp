#include "lib/weights/convert.hpp"

#include "lib/core/error.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

// Loops are plain so that the compiler vectorises them; loads go through memcpy since data in a file is not aligned.

namespace lmm::weights {
namespace {

template <typename T>
T load(const std::byte* data, std::uint64_t index) noexcept {
  T value;
  std::memcpy(&value, data + index * sizeof(T), sizeof(T));
  return value;
}

/// True for infinities and NaN: all bits of the exponent are set.
template <typename T>
bool special(T bits, T exponent) noexcept {
  return (bits & exponent) == exponent;
}

template <typename T>
std::optional<std::uint64_t> find_special(const TensorView& view, T exponent) noexcept {
  constexpr std::uint64_t kBlock = 4096;
  const std::uint64_t count = view.elements();
  for (std::uint64_t first = 0; first < count; first += kBlock) {
    const std::uint64_t last = std::min(count, first + kBlock);
    T any = 0;
    for (std::uint64_t i = first; i < last; ++i) {
      any = static_cast<T>(any | static_cast<T>(special(load<T>(view.data, i), exponent)));
    }
    if (any == 0) continue;
    for (std::uint64_t i = first; i < last; ++i) {
      if (special(load<T>(view.data, i), exponent)) return i;
    }
  }
  return std::nullopt;
}

float from_bf16(std::uint16_t bits) noexcept { return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16); }

/// Without a float that is subnormal on the way, so that a host that flushes those gets the same values.
float from_f16(std::uint16_t bits) noexcept {
  const std::uint32_t sign = static_cast<std::uint32_t>(bits & 0x8000) << 16;
  const std::uint32_t rest = bits & 0x7FFF;
  const std::uint32_t exponent = rest >= 0x7C00 ? 0x70000000 : 0x38000000;  // 255 - 31, 127 - 15
  const std::uint32_t normal = (rest << 13) + exponent;
  const std::uint32_t small =
      std::bit_cast<std::uint32_t>(static_cast<float>(static_cast<std::int32_t>(rest)) * 0x1p-24f);
  return std::bit_cast<float>(sign | (rest < 0x0400 ? small : normal));
}

float from_f32(std::uint32_t bits) noexcept { return std::bit_cast<float>(bits); }

float from_f64(std::uint64_t bits) noexcept { return static_cast<float>(std::bit_cast<double>(bits)); }

std::uint16_t round_to_bf16(float value) noexcept {
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t rounded = (bits + 0x7FFF + (bits >> 16 & 1)) >> 16;
  return static_cast<std::uint16_t>((bits & 0x7FFFFFFF) > 0x7F800000 ? 0x7FC0 : rounded);
}

float same(float value) noexcept { return value; }

template <auto From, auto To, typename Stored, typename Out>
void convert_all(const TensorView& view, std::span<Out> out) noexcept {
  for (std::uint64_t i = 0; i < out.size(); ++i) out[i] = To(From(load<Stored>(view.data, i)));
}

template <auto To, typename Out>
void convert(const TensorView& view, std::span<Out> out) {
  if (out.size() != view.elements()) {
    fail(ErrorCode::internal, "tensor {}: room for {} elements, expected {}", printable(view.name), out.size(),
         view.elements());
  }
  switch (view.dtype) {
    case ScalarType::f32:
      return convert_all<from_f32, To, std::uint32_t>(view, out);
    case ScalarType::f16:
      return convert_all<from_f16, To, std::uint16_t>(view, out);
    case ScalarType::bf16:
      return convert_all<from_bf16, To, std::uint16_t>(view, out);
    case ScalarType::f64:
      return convert_all<from_f64, To, std::uint64_t>(view, out);
    default:
      break;
  }
  fail(ErrorCode::unsupported, "tensor {} is {}, expected F32, F16, BF16 or F64", printable(view.name),
       scalar_type_name(view.dtype));
}

}  // namespace

std::optional<std::uint64_t> first_non_finite(const TensorView& view) noexcept {
  switch (view.dtype) {
    case ScalarType::f32:
      return find_special<std::uint32_t>(view, 0x7F800000);
    case ScalarType::f16:
      return find_special<std::uint16_t>(view, 0x7C00);
    case ScalarType::bf16:
      return find_special<std::uint16_t>(view, 0x7F80);
    case ScalarType::f64:
      return find_special<std::uint64_t>(view, 0x7FF0000000000000);
    default:
      return std::nullopt;
  }
}

void to_f32(const TensorView& view, std::span<float> out) { convert<same>(view, out); }

void to_bf16(const TensorView& view, std::span<std::uint16_t> out) { convert<round_to_bf16>(view, out); }

}  // namespace lmm::weights
