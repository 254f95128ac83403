#pragma once

#include "lib/nn/kernels/bf16_attention.hpp"

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace lmm::nn {

/// softmax(q k^T / sqrt(head_dim)) v without materialised scores: by lmm's own kernel where the processor and the type
/// have one, else by torch's. Keeps working space between calls; worker thread only.
class Attention {
 public:
  /// q (batch, heads, tokens, head_dim); k, v (batch, kv_heads, keys, head_dim) -> (batch, tokens, heads * head_dim).
  /// With `causal`, the last query sees all keys, the one before all but the last, and so on.
  at::Tensor operator()(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, bool causal);

  /// Causal, and each query sees the last `window` of its keys alone, its own among them. 0: all of them.
  at::Tensor sliding(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, std::int64_t window);

 private:
  bool has_kernel(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v) const;
  void run_kernel(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, bool causal, at::Tensor& out);

  kernels::Isa isa_ = kernels::best_isa();
  kernels::Bf16AttentionPlan plan_;
};

}  // namespace lmm::nn
