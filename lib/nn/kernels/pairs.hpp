#pragma once

#include "lib/nn/kernels/bf16_tile.hpp"
#include "lib/nn/kernels/panels.hpp"

#include <cstdint>

namespace lmm::nn::kernels {

// The kernels of Isa::avx512_bf16, only where that is available: bf16 numbers are multiplied two at a time, and summed in fp32.
// RowKernels have their counterparts with fp32 numbers.

/// Keys and values as pairs of numbers.
extern const TileKernels kPairTileKernels;

constexpr std::int64_t kPairPanel = 64;  // outputs of a panel of weights

/// A panel of w in the order in which it is multiplied, outputs from `first` on: out (w.in / 2, kPairPanel) pairs of numbers,
/// zeros for outputs that are not there. w.in is even.
void fill_pairs(const LinearView& w, std::int64_t first, float* out) noexcept;

/// y = f(x W^T + b) of a panel that was filled, sums over i in rising order.
void matmul_in_pairs(const MatmulPanel& work) noexcept;

}  // namespace lmm::nn::kernels
