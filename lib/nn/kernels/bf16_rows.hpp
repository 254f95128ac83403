#pragma once

#include "lib/nn/kernels/cpu.hpp"
#include "lib/nn/kernels/views.hpp"

#include <cstdint>

namespace lmm::nn::kernels {

/// y (rows, weight.size) = x / sqrt(mean(x^2) + eps) * weight (LlamaRMSNorm) of bf16 numbers, in one pass over memory:
/// computed in fp32 and rounded once, where the reference rounds twice. y may be x. Starts no threads.
void rms_norm(Isa isa, const VectorView& weight, double eps, const std::uint16_t* x, std::int64_t rows,
              std::uint16_t* y) noexcept;

/// x (n) = f(x), or f(x) * by where `by` (n) is not null (the gate of a gated MLP), of bf16 numbers in place: computed in
/// fp32 and rounded once. Starts no threads.
void activate(Isa isa, Nonlinearity f, std::uint16_t* x, const std::uint16_t* by, std::int64_t n) noexcept;

}  // namespace lmm::nn::kernels
