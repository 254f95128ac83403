#pragma once

#include "lib/nn/kernels/cpu.hpp"
#include "lib/nn/kernels/panels.hpp"
#include "lib/nn/kernels/views.hpp"

#include <cstdint>
#include <span>

namespace lmm::nn::kernels {

/// 32 neighbours of a row of x in 8 bits, as products with packed weights take them: number i is scale * q[i]. A row has
/// blocks_of(in) of them.
struct RoundedBlock {
  std::int8_t q[kBlock];  // -127 to 127
  float scale;
  std::int32_t offset;  // -128 times the sum of q, for weights that are 128 too high
};

/// y = f(x W^T + b) for panels [begin, end) of a packed weight. A row's sums are in fp32 over its blocks in rising order: the
/// same bits however rows and panels are shared out.
struct PackedProduct {
  const RoundedBlock* x;  // (rows, blocks)
  std::int64_t rows, begin, end;
  ProductOutput out;
};

/// Compiled once for each instruction set from packed.inc.
struct PackedKernels {
  const char* name;

  /// The blocks of a row x (in numbers of `dtype`), to the nearest of 255 steps of each; a block with a number that is not
  /// finite becomes no numbers.
  void (*round)(const void* x, DType dtype, std::int64_t in, RoundedBlock* to);

  void (*multiply)(const PackedProduct& work);

  /// x (32 finite numbers) to the nearest of 255 steps, 128 too high, and the scale, rounded up in bf16.
  void (*choose_int8)(const float* x, std::uint8_t* q, std::uint16_t* scale);

  /// The levels and the scale that leave about the least squared error on x (32 finite numbers).
  void (*choose_int4)(const float* x, std::uint8_t* level, std::uint16_t* scale);

  /// A panel as numbers of `dtype` (fp32 or bf16): the first `rows` of it, w.in apart.
  void (*unpack)(const LinearView& w, std::int64_t panel, std::int64_t rows, void* out, DType dtype);
};

/// Those of `isa` and of what else the processor has: dot products of 8-bit integers (VNNI) of 512 or 256 bits.
const PackedKernels& packed_kernels(Isa isa) noexcept;

/// All that this processor can run, for tests.
std::span<const PackedKernels* const> all_packed_kernels() noexcept;

}  // namespace lmm::nn::kernels
