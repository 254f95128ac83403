#include "lib/weights/convert.hpp"

#include "tests/unit/weights/files.hpp"

#include <doctest/doctest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

using lmm::weights::first_non_finite;
using lmm::weights::ScalarType;
using lmm::weights::TensorView;

namespace {

/// A tensor of these values that begins `offset` bytes into its storage: data in a file is not aligned.
template <typename T>
struct Stored {
  Stored(ScalarType type, const std::vector<T>& values, std::size_t offset = 0)
      : bytes(values.size() * sizeof(T) + offset) {
    if (!values.empty()) std::memcpy(bytes.data() + offset, values.data(), values.size() * sizeof(T));
    view.name.push_back('t');
    view.dtype = type;
    view.shape = {static_cast<std::int64_t>(values.size())};
    view.data = bytes.data() + offset;
    view.bytes = values.size() * sizeof(T);
  }
  std::vector<std::byte> bytes;
  TensorView view;
};

std::vector<float> as_f32(const TensorView& view) {
  std::vector<float> out(view.elements());
  lmm::weights::to_f32(view, out);
  return out;
}

std::vector<std::uint16_t> as_bf16(const TensorView& view) {
  std::vector<std::uint16_t> out(view.elements());
  lmm::weights::to_bf16(view, out);
  return out;
}

constexpr float kInfinity = std::numeric_limits<float>::infinity();

}  // namespace

TEST_CASE("half to float: known values and every bit pattern") {
  const std::vector<std::uint16_t> bits = {0x0000, 0x8000, 0x3C00, 0xC000, 0x7BFF, 0x0001,
                                           0x03FF, 0x0400, 0x3555, 0x7C00, 0xFC00};
  const std::vector<float> expected = {
      0.0f, -0.0f, 1.0f, -2.0f, 65504.0f, 0x1p-24f, 1023 * 0x1p-24f, 0x1p-14f, 0.333251953125f, kInfinity, -kInfinity};
  const std::vector<float> got = as_f32(Stored(ScalarType::f16, bits).view);
  for (std::size_t i = 0; i < bits.size(); ++i)
    CHECK(std::bit_cast<std::uint32_t>(got[i]) == std::bit_cast<std::uint32_t>(expected[i]));

  std::vector<std::uint16_t> all(65536);
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<std::uint16_t>(i);
  const std::vector<float> values = as_f32(Stored(ScalarType::f16, all, 1).view);
  int wrong = 0;
  for (std::size_t i = 0; i < all.size(); ++i) {  // IEEE 754: (-1)^s * 2^(e - 25) * (1024 + m), 2^-24 * m where e is 0
    const int exponent = static_cast<int>(i >> 10 & 31);
    const int mantissa = static_cast<int>(i & 1023);
    if (exponent == 31) {
      wrong += mantissa == 0 ? !std::isinf(values[i]) : !std::isnan(values[i]);
    } else {
      const double value = exponent == 0 ? std::ldexp(mantissa, -24) : std::ldexp(1024 + mantissa, exponent - 25);
      wrong += static_cast<double>(std::fabs(values[i])) != value;
    }
    wrong += std::signbit(values[i]) != (i >= 32768);
  }
  CHECK(wrong == 0);
}

TEST_CASE("bfloat16 to float is exact") {
  std::vector<std::uint16_t> all(65536);
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<std::uint16_t>(i);
  const std::vector<float> values = as_f32(Stored(ScalarType::bf16, all, 1).view);
  int wrong = 0;
  for (std::size_t i = 0; i < all.size(); ++i)
    wrong += std::bit_cast<std::uint32_t>(values[i]) != static_cast<std::uint32_t>(i << 16);
  CHECK(wrong == 0);
  CHECK(as_bf16(Stored(ScalarType::bf16, std::vector<std::uint16_t>{0x3F80, 0x8000, 0x7F80, 1}).view) ==
        std::vector<std::uint16_t>{0x3F80, 0x8000, 0x7F80, 1});
}

TEST_CASE("float to bfloat16 rounds to nearest, ties to even") {
  // What torch.tensor(..., dtype=float32).to(bfloat16).view(int16) gives.
  const std::vector<std::uint32_t> bits = {0x3F800000, 0x3F808000, 0x3F808001, 0x3F818000, 0x3F817FFF, 0x3F818001,
                                           0x7F7FFFFF, 0x00000001, 0x00008000, 0x00008001, 0x00018000, 0xBF808001,
                                           0x7F800000, 0xFF800000, 0x80000000, 0x7F7F7FFF};
  const std::vector<std::uint16_t> expected = {0x3F80, 0x3F80, 0x3F81, 0x3F82, 0x3F81, 0x3F82, 0x7F80, 0x0000,
                                               0x0000, 0x0001, 0x0002, 0xBF81, 0x7F80, 0xFF80, 0x8000, 0x7F7F};
  CHECK(as_bf16(Stored(ScalarType::f32, bits, 3).view) == expected);
  for (const std::uint32_t nan : {0x7F800001u, 0x7FFFFFFFu, 0xFFC00000u, 0xFFFFFFFFu}) {
    const std::uint16_t out = as_bf16(Stored(ScalarType::f32, std::vector{nan}).view)[0];
    CHECK(std::isnan(std::bit_cast<float>(static_cast<std::uint32_t>(out) << 16)));
  }
}

TEST_CASE("float to bfloat16 gives the nearest of the two neighbours") {
  std::mt19937 random(7);
  int wrong = 0;
  for (int i = 0; i < 100000; ++i) {
    const std::uint32_t bits =
        static_cast<std::uint32_t>(random()) & 0xFEFFFFFF;  // well below the largest exponent: no overflow
    const std::uint16_t got = as_bf16(Stored(ScalarType::f32, std::vector{bits}).view)[0];
    const double value = static_cast<double>(std::bit_cast<float>(bits));
    const double low = static_cast<double>(std::bit_cast<float>(bits & 0xFFFF0000));
    const double high = static_cast<double>(std::bit_cast<float>((bits & 0xFFFF0000) + 0x10000));
    const double to_low = std::fabs(value - low);
    const double to_high = std::fabs(high - value);
    const std::uint16_t down = static_cast<std::uint16_t>(bits >> 16);
    const bool up = to_high < to_low || (to_high == to_low && (down & 1) == 1);
    wrong += got != static_cast<std::uint16_t>(down + (up ? 1 : 0));
  }
  CHECK(wrong == 0);
}

TEST_CASE("double goes through float") {
  const std::vector<double> values = {1.0, 0.1, -1e300, 1e-300, 1.0 + 0x1p-24, 1.0 + 0x1p-24 + 0x1p-50};
  const std::vector<float> expected = {1.0f, 0.1f, -kInfinity, 0.0f, 1.0f, 1.0f + 0x1p-23f};
  CHECK(as_f32(Stored(ScalarType::f64, values, 5).view) == expected);
  CHECK(as_bf16(Stored(ScalarType::f64, values).view) ==
        std::vector<std::uint16_t>{0x3F80, 0x3DCD, 0xFF80, 0, 0x3F80, 0x3F80});
  CHECK(as_bf16(Stored(ScalarType::f16, std::vector<std::uint16_t>{0x3555, 0x7BFF}).view) ==
        std::vector<std::uint16_t>{0x3EAB, 0x4780});
}

TEST_CASE("what cannot be converted is said") {
  const Stored integers(ScalarType::i64, std::vector<std::int64_t>{1, 2});
  const Caught error = error_of([&] { as_f32(integers.view); });
  CHECK(error.code == lmm::ErrorCode::unsupported);
  CHECK(error.says("tensor t is I64"));
  std::vector<float> small(1);
  CHECK(error_of([&] { lmm::weights::to_f32(integers.view, small); }).code == lmm::ErrorCode::internal);
}

TEST_CASE("the first value that is not finite is found, wherever it stands") {
  for (const std::size_t size : {1u, 2u, 15u, 4095u, 4096u, 4097u, 10000u}) {
    for (const std::size_t at : {std::size_t{0}, size / 2, size - 1}) {
      CAPTURE(size);
      CAPTURE(at);
      std::vector<float> f32(size, 3.0e38f);
      CHECK(!first_non_finite(Stored(ScalarType::f32, f32, 2).view));
      f32[at] = -kInfinity;
      f32[size - 1] = kInfinity;
      CHECK(first_non_finite(Stored(ScalarType::f32, f32, 2).view) == at);
      std::vector<std::uint16_t> f16(size, 0x7BFF);
      CHECK(!first_non_finite(Stored(ScalarType::f16, f16, 1).view));
      f16[at] = 0xFC01;
      CHECK(first_non_finite(Stored(ScalarType::f16, f16, 1).view) == at);
      std::vector<std::uint16_t> bf16(size, 0x7F7F);
      CHECK(!first_non_finite(Stored(ScalarType::bf16, bf16, 1).view));
      bf16[at] = 0x7F80;
      CHECK(first_non_finite(Stored(ScalarType::bf16, bf16, 1).view) == at);
      std::vector<double> f64(size, -1.7e308);
      CHECK(!first_non_finite(Stored(ScalarType::f64, f64).view));
      f64[at] = std::nan("");
      CHECK(first_non_finite(Stored(ScalarType::f64, f64).view) == at);
    }
  }
  CHECK(!first_non_finite(Stored(ScalarType::i32, std::vector<std::int32_t>{-1, 0x7F800000}).view));
  CHECK(!first_non_finite(Stored(ScalarType::f32, std::vector<float>{}).view));
}
