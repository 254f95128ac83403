#pragma once

// Plain double-precision references and random inputs for the kernel tests.

#include "lib/nn/kernels/cpu.hpp"
#include "lib/nn/kernels/packed.hpp"
#include "lib/nn/kernels/packing.hpp"
#include "lib/nn/kernels/views.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <memory>
#include <random>
#include <vector>

namespace kernel_tests {

using lmm::DType;
using namespace lmm::nn::kernels;

inline std::vector<Isa> isas() {
  std::vector<Isa> list;
  for (const Isa isa : {Isa::portable, Isa::avx2, Isa::avx512}) {  // avx512_bf16 shares avx512's row kernels
    if (isa_available(isa)) list.push_back(isa);
  }
  return list;
}

inline std::uint16_t to_bf16(float value) {
  std::uint32_t bits;
  std::memcpy(&bits, &value, 4);
  return static_cast<std::uint16_t>((bits + 0x7fffu + (bits >> 16 & 1u)) >> 16);
}

inline float from_bf16(std::uint16_t half) {
  const std::uint32_t bits = static_cast<std::uint32_t>(half) << 16;
  float value;
  std::memcpy(&value, &bits, 4);
  return value;
}

/// Numbers of a dtype. They start at an address that is a multiple of the element's size and of nothing larger, and end
/// where the allocation ends, so that a sanitizer sees a read past them.
class Numbers {
 public:
  Numbers() = default;
  Numbers(const std::vector<float>& values, DType dtype) : dtype_(dtype), count_(values.size()) {
    const std::size_t size = dtype == DType::bf16 ? 2 : 4;
    bytes_.resize((count_ + 1) * size);
    for (std::size_t i = 0; i < count_; ++i) {
      const std::uint16_t half = to_bf16(values[i]);
      std::memcpy(bytes_.data() + (i + 1) * size, size == 2 ? static_cast<const void*>(&half) : &values[i], size);
    }
  }
  void* data() { return bytes_.data() + (dtype_ == DType::bf16 ? 2 : 4); }
  const void* data() const { return const_cast<Numbers*>(this)->data(); }
  DType dtype() const { return dtype_; }
  std::size_t size() const { return count_; }
  /// The value as it is stored.
  double operator[](std::size_t i) const {
    if (dtype_ == DType::bf16) {
      std::uint16_t half;
      std::memcpy(&half, static_cast<const char*>(data()) + i * 2, 2);
      return from_bf16(half);
    }
    float value;
    std::memcpy(&value, static_cast<const char*>(data()) + i * 4, 4);
    return value;
  }

 private:
  DType dtype_ = DType::fp32;
  std::size_t count_ = 0;
  std::vector<char> bytes_;
};

inline std::vector<float> random_floats(std::mt19937& random, std::int64_t count, float scale = 1.0F) {
  std::normal_distribution<float> normal(0.0F, scale);
  std::vector<float> values(static_cast<std::size_t>(count));
  for (float& value : values) value = normal(random);
  return values;
}

inline Numbers random_numbers(std::mt19937& random, std::int64_t count, DType dtype, float scale = 1.0F) {
  return {random_floats(random, count, scale), dtype};
}

struct RandomLinear {
  RandomLinear() = default;
  RandomLinear(std::mt19937& random, std::int64_t out, std::int64_t in, DType dtype, bool with_bias)
      : weight(random_numbers(random, out * in, dtype, 1.0F / std::sqrt(static_cast<float>(in)))) {
    if (with_bias) bias = random_numbers(random, out, dtype);
    rows = out;
    cols = in;
  }
  LinearView view() const { return {weight.data(), weight.dtype(), rows, cols, bias.size() ? bias.data() : nullptr}; }

  Numbers weight, bias;
  std::int64_t rows = 0, cols = 0;
};

/// A packed weight, and the full one that it stands for.
struct PackedLinear {
  PackedLinear(const RandomLinear& from, lmm::WeightType packing, Isa isa = Isa::portable) : full(from), view(full.view()) {
    ThreadPool pool(2);
    view.packing = packing;
    panels.reset(new std::uint8_t[static_cast<std::size_t>(weight_bytes(view))]);  // no more: a sanitizer sees a read past them
    pack(pool, isa, from.view(), packing, panels.get());
    view.weight = panels.get();
    unpacked.resize(static_cast<std::size_t>(from.rows * from.cols));
    unpack(pool, Isa::portable, view, unpacked.data(), DType::fp32);
    full.weight = Numbers(unpacked, DType::fp32);
    if (from.bias.size() != 0) view.bias = full.bias.data();
  }
  PackedLinear(const PackedLinear&) = delete;

  RandomLinear full;
  LinearView view;
  std::unique_ptr<std::uint8_t[]> panels;
  std::vector<float> unpacked;
};

/// Rows (m, in) in 8 bits, and the numbers that they stand for.
struct Rounded {
  Rounded(const PackedKernels& kernels, const void* x, DType dtype, std::int64_t m, std::int64_t in, std::int64_t stride)
      : blocks(static_cast<std::size_t>(m * blocks_of(in))) {
    for (std::int64_t r = 0; r < m; ++r) {
      RoundedBlock* const row = blocks.data() + r * blocks_of(in);
      kernels.round(static_cast<const char*>(x) + r * stride * (dtype == DType::bf16 ? 2 : 4), dtype, in, row);
      for (std::int64_t i = 0; i < in; ++i) values.push_back(row[i / kBlock].scale * static_cast<float>(row[i / kBlock].q[i % kBlock]));
    }
  }
  std::vector<RoundedBlock> blocks;  // (m, blocks)
  std::vector<float> values;  // (m, in)
};

/// y = x W^T + b for one x, and what each |y| would be were all terms positive: the measure of its rounding errors.
struct Product {
  std::vector<double> y, magnitude;
};

template <typename X>
Product multiply(const RandomLinear& w, const X* x) {
  Product result;
  for (std::int64_t r = 0; r < w.rows; ++r) {
    double y = w.bias.size() ? w.bias[static_cast<std::size_t>(r)] : 0.0;
    double magnitude = std::abs(y);
    for (std::int64_t i = 0; i < w.cols; ++i) {
      const double term = w.weight[static_cast<std::size_t>(r * w.cols + i)] * static_cast<double>(x[i]);
      y += term;
      magnitude += std::abs(term);
    }
    result.y.push_back(y);
    result.magnitude.push_back(magnitude);
  }
  return result;
}

/// Bound on the rounding error of a sum of n products in fp32, relative to the sum of their magnitudes: each running
/// sum takes n / (2 * lanes) <= n / 8 steps of at most 2^-24 each (two where multiply and add round apart), and a few
/// more join the sums. Errors add up like a random walk in practice; the bound is the worst case.
inline double sum_bound(std::int64_t n) { return (static_cast<double>(n) / 8 * 2 + 16) * std::ldexp(1.0, -24); }

inline double silu(double x) { return x / (1.0 + std::exp(-x)); }

inline double activated(Nonlinearity f, double x) {
  switch (f) {
    case Nonlinearity::none: return x;
    case Nonlinearity::silu: return silu(x);
    case Nonlinearity::gelu: return 0.5 * x * std::erfc(-x / std::sqrt(2.0));
    case Nonlinearity::gelu_tanh:
      return x / (1 + std::exp(-2 * std::sqrt(2 / 3.14159265358979323846) * (x + 0.044715 * x * x * x)));
    case Nonlinearity::quick_gelu: return x / (1 + std::exp(-1.702 * x));
    case Nonlinearity::relu: return std::max(x, 0.0);
  }
  return 0;
}

inline constexpr Nonlinearity kAllNonlinearities[] = {Nonlinearity::none,      Nonlinearity::silu,       Nonlinearity::gelu,
                                                    Nonlinearity::gelu_tanh, Nonlinearity::quick_gelu, Nonlinearity::relu};

template <typename X, typename W>
std::vector<double> rms_norm_reference(const X* x, const W& weight, double eps) {
  const std::size_t n = weight.size();
  double square = 0;
  for (std::size_t i = 0; i < n; ++i) square += static_cast<double>(x[i]) * static_cast<double>(x[i]);
  const double factor = 1.0 / std::sqrt(square / static_cast<double>(n) + eps);
  std::vector<double> y;
  for (std::size_t i = 0; i < n; ++i) y.push_back(static_cast<double>(x[i]) * factor * weight[i]);
  return y;
}

template <typename X>
void rope_reference(X* x, std::int64_t heads, std::int64_t head_dim, const float* cos, const float* sin) {
  for (std::int64_t h = 0; h < heads; ++h) {
    for (std::int64_t i = 0; i < head_dim / 2; ++i) {
      X& a = x[h * head_dim + i];
      X& b = x[h * head_dim + head_dim / 2 + i];
      const double va = a, vb = b;
      a = static_cast<X>(va * static_cast<double>(cos[i]) - vb * static_cast<double>(sin[i]));
      b = static_cast<X>(vb * static_cast<double>(cos[i]) + va * static_cast<double>(sin[i]));
    }
  }
}

}  // namespace kernel_tests
