#pragma once

#include "lib/core/error.hpp"

#include <cstdint>
#include <string_view>

namespace lmm {

/// a * b for sizes that come from a file; Error bad_file naming `what` where it does not fit into 64 bits.
inline std::uint64_t checked_mul(std::uint64_t a, std::uint64_t b, std::string_view what) {
  std::uint64_t product = 0;
  if (__builtin_mul_overflow(a, b, &product))
    fail(ErrorCode::bad_file, "{}: {} x {} does not fit into 64 bits", what, a, b);
  return product;
}

/// a + b, as checked_mul.
inline std::uint64_t checked_add(std::uint64_t a, std::uint64_t b, std::string_view what) {
  std::uint64_t sum = 0;
  if (__builtin_add_overflow(a, b, &sum))
    fail(ErrorCode::bad_file, "{}: {} + {} does not fit into 64 bits", what, a, b);
  return sum;
}

}  // namespace lmm
