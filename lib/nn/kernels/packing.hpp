#pragma once

#include "lib/nn/kernels/cpu.hpp"
#include "lib/nn/kernels/thread_pool.hpp"
#include "lib/nn/kernels/views.hpp"

#include <cstdint>

namespace lmm::nn::kernels {

/// A weight of finite numbers as rows of blocks, `out` of row_bytes() each: of every block the largest magnitude becomes
/// 127. The same bits for any number of threads. An element is off by 0.004 of its block's largest magnitude at most;
/// blocks below 1e-35 become 0.
void pack_int8(ThreadPool& pool, const LinearView& w, Int8Block* out) noexcept;

/// A packed weight as numbers of `dtype` (fp32 or bf16): out (w.out, w.in).
void unpack(ThreadPool& pool, Isa isa, const LinearView& w, void* out, DType dtype) noexcept;

}  // namespace lmm::nn::kernels
