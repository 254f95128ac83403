#pragma once

#include "lib/nn/kernels/cpu.hpp"
#include "lib/nn/kernels/thread_pool.hpp"
#include "lib/nn/kernels/views.hpp"

#include <cstdint>

namespace lmm::nn::kernels {

/// A weight of finite numbers as panels of `packing` (views.hpp): out, weight_bytes() of them, aligned to 64 bytes. The same bits
/// for any number of threads. int8: the largest magnitude of every block becomes 127, and an element is off by 0.004 of it at
/// most. int4: the scale that leaves about the least squared error; it may differ between instruction sets where two come out
/// even. Blocks below 1e-35 become 0.
void pack(ThreadPool& pool, Isa isa, const LinearView& w, WeightType packing, void* out) noexcept;

/// A packed weight as numbers of `dtype` (fp32 or bf16): out (w.out, w.in).
void unpack(ThreadPool& pool, Isa isa, const LinearView& w, void* out, DType dtype) noexcept;

}  // namespace lmm::nn::kernels
