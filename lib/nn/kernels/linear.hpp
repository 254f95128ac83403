#pragma once

#include "lib/nn/kernels/cpu.hpp"
#include "lib/nn/kernels/thread_pool.hpp"
#include "lib/nn/kernels/views.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace lmm::nn::kernels {

// Layers over a few rows of activations (decoding, the tail of a prefill): weights are read once, in order, as they
// stand in memory. Activations and sums are fp32; for packed weights activations are rounded to 8 bits, block by block.
// x is (m, in), y is (m, out), contiguous, not overlapping. Of weights that are given together all are packed alike, or none.
// Results are the same bits for any number of threads and, row by row, for any m; they differ in the last bits between
// instruction sets. Sizes are the caller's to check. Products throw std::bad_alloc, before y is written.

/// One of three linear layers that share x: y (m, w.out).
struct LinearTask {
  LinearView w;
  float* y = nullptr;
};

/// y = x W^T + b, or y += where `accumulate` (a residual).
void linear(ThreadPool& pool, Isa isa, const LinearView& w, const float* x, std::int64_t m, float* y,
            bool accumulate = false);

/// Three linear layers over the same x (q, k and v), in one parallel region.
void linears(ThreadPool& pool, Isa isa, const LinearTask (&tasks)[3], const float* x, std::int64_t m);

/// y = silu(x Wg^T + bg) * (x Wu^T + bu); gate and up of one shape.
void gated_linear(ThreadPool& pool, Isa isa, const LinearView& gate, const LinearView& up, const float* x,
                  std::int64_t m, float* y);

/// One gated layer of several: its y is (gate.out).
struct GatedTask {
  LinearView gate;
  LinearView up;
  float* y = nullptr;
};

/// gated_linear for one x through several layers of one shape, in one parallel region.
void gated_linears(ThreadPool& pool, Isa isa, std::span<const GatedTask> tasks, const float* x);

/// One linear layer of a sum: its own x (w.in).
struct SumTask {
  LinearView w;
  const float* x = nullptr;
};

/// y (out) += the sum of W x + b over the tasks, layers of one shape, in one parallel region.
void sum_linears(ThreadPool& pool, Isa isa, std::span<const SumTask> tasks, float* y);

/// y (m, size) = x / sqrt(mean(x^2) + eps) * weight (LlamaRMSNorm). y may be x.
void rms_norm(Isa isa, const VectorView& weight, double eps, const float* x, std::int64_t m, float* y) noexcept;

/// x (n) = f(x), in place, on the calling thread.
void activate(Isa isa, Nonlinearity f, float* x, std::int64_t n) noexcept;

/// logits (out) = W x + b for one x, and the largest of them. `scratch` is grown as needed.
Best lm_head(ThreadPool& pool, Isa isa, const LinearView& w, const float* x, float* logits, std::vector<Best>& scratch);

}  // namespace lmm::nn::kernels
