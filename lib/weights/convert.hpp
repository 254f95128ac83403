#pragma once

#include "lib/weights/tensor_view.hpp"

#include <cstdint>
#include <optional>
#include <span>

namespace lmm::weights {

/// Index of the first element that is infinite or not a number; nothing where there is none, or the type has none
/// (integers, booleans; 8-bit floats are not looked at).
std::optional<std::uint64_t> first_non_finite(const TensorView& view) noexcept;

/// Elements as float, or as bfloat16 bits: rounded to nearest, ties to even, as torch's Tensor.to() does (a double
/// goes through float). out.size() must be view.elements(). Error unsupported unless F32, F16, BF16 or F64.
void to_f32(const TensorView& view, std::span<float> out);
void to_bf16(const TensorView& view, std::span<std::uint16_t> out);

}  // namespace lmm::weights
