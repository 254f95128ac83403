#include "lib/nn/kernels/row_kernels.hpp"

#include <cstddef>
#include <cstdint>

namespace lmm::nn::kernels {
namespace {

constexpr int kLanes = 4;
#include "lib/nn/kernels/simd.inc"
#include "lib/nn/kernels/row_kernels.inc"
#include "lib/nn/kernels/attention.inc"

}  // namespace

extern const RowKernels kPortableRowKernels;
const RowKernels kPortableRowKernels = {linear, gated, rms_norm, rope, store_numbers, attend, join, largest};

}  // namespace lmm::nn::kernels
