#pragma once

#include <ATen/core/Tensor.h>

#include <optional>

namespace lmm::nn {

/// softmax(q k^T / sqrt(head_dim) + mask) v without materialised scores where the device has such a kernel.
/// q (batch, heads, tokens, head_dim); k, v (batch, kv_heads, keys, head_dim) -> (batch, tokens, heads * head_dim).
/// With `causal`, the last query sees all keys, the one before all but the last, and so on.
at::Tensor attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, bool causal);

}  // namespace lmm::nn
