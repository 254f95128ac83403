#include "lib/nn/kernels/row_kernels.hpp"

#include <cstddef>
#include <cstdint>

namespace lmm::nn::kernels {
namespace {

constexpr int kLanes = 4;
// clang-format off: each stands on the one before
#include "lib/nn/kernels/simd.inc"
#include "lib/nn/kernels/row_kernels.inc"
#include "lib/nn/kernels/attention.inc"
#include "lib/nn/kernels/bf16_rows.inc"
#include "lib/nn/kernels/panel_filling.inc"
#include "lib/nn/kernels/attention_tile.inc"
#include "lib/nn/kernels/bf16_attention.inc"
#include "lib/nn/kernels/panel_output.inc"
#include "lib/nn/kernels/matmul_panel.inc"
#include "lib/nn/kernels/matmul.inc"
// clang-format on

}  // namespace

extern const RowKernels kPortableRowKernels;
const RowKernels kPortableRowKernels = {linear,        silu_mul, matmul, kPanel,  activate, rms_norm,      rope,
                                      store_numbers, attend,   join,   largest, widen,    rms_norm_bf16, activate_bf16,
                                      tile_kernels<Singles>};

}  // namespace lmm::nn::kernels
