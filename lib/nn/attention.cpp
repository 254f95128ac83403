#include "lib/nn/attention.hpp"

#include <ATen/ATen.h>

namespace lmm::nn {

at::Tensor attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, bool causal) {
  const auto batch = q.size(0);
  const auto tokens = q.size(2);
  const auto keys = k.size(2);
  const bool grouped = q.size(1) != k.size(1);
  std::optional<at::Tensor> mask;
  // torch aligns a causal mask with the first key, which is right only when queries and keys are equally many.
  if (causal && tokens > 1 && keys != tokens) {
    mask = at::ones({tokens, keys}, q.options().dtype(at::kBool)).tril(keys - tokens);
  }
  const bool is_causal = causal && tokens > 1 && keys == tokens;
  const at::Tensor out =
      at::scaled_dot_product_attention(q, k, v, mask, 0.0, is_causal, std::nullopt, grouped);  // (batch, heads, tokens, head_dim)
  return out.transpose(1, 2).reshape({batch, tokens, -1});  // (batch, tokens, heads * head_dim)
}

}  // namespace lmm::nn
