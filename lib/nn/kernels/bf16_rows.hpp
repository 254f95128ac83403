#pragma once

#include "lib/nn/kernels/cpu.hpp"
#include "lib/nn/kernels/views.hpp"

#include <cstdint>

namespace lmm::nn::kernels {

// Elementwise steps over bf16 activations for prefills and towers: computed in fp32 and rounded once, in one pass over
// memory. They work on the range given and start no threads: whoever owns the threads shares out ranges of rows.

/// x (n) = x * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 x^3))) / 2 in place (gelu_pytorch_tanh).
void gelu_tanh(Isa isa, std::uint16_t* x, std::int64_t n) noexcept;

/// gate (n) = silu(gate) * up, in place.
void silu_mul(Isa isa, std::uint16_t* gate, const std::uint16_t* up, std::int64_t n) noexcept;

/// y (rows, weight.size) = x / sqrt(mean(x^2) + eps) * weight (LlamaRMSNorm). y may be x.
void rms_norm(Isa isa, const VectorView& weight, double eps, const std::uint16_t* x, std::int64_t rows,
              std::uint16_t* y) noexcept;

}  // namespace lmm::nn::kernels
