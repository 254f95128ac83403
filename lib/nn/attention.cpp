#include "lib/nn/attention.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <optional>

namespace lmm::nn {
namespace {

const std::uint16_t* bits(const at::Tensor& tensor) {
  return static_cast<const std::uint16_t*>(tensor.const_data_ptr());
}

at::Tensor by_torch(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const std::optional<at::Tensor>& mask,
                    bool causal) {
  const bool grouped = q.size(1) != k.size(1);
  const at::Tensor out = at::scaled_dot_product_attention(q, k, v, mask, 0.0, causal, std::nullopt, grouped);
  return out.transpose(1, 2).reshape({q.size(0), q.size(2), -1});  // (batch, tokens, heads * head_dim)
}

}  // namespace

bool Attention::has_kernel(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v) const {
  const bool contiguous = q.stride(3) == 1 && k.stride(3) == 1 && v.stride(3) == 1;
  // With AMX torch's kernel multiplies in tiles, which ours does not.
  return q.device().is_cpu() && q.scalar_type() == at::kBFloat16 && contiguous &&
         kernels::has_bf16_attention(isa_, q.size(3)) && !kernels::has_bf16_tiles();
}

void Attention::run_kernel(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, bool causal, at::Tensor& out) {
  kernels::Bf16Attention work;
  work.heads = q.size(1);
  work.kv_heads = k.size(1);
  work.tokens = q.size(2);
  work.keys = k.size(2);
  work.head_dim = q.size(3);
  work.scale = 1.0f / std::sqrt(static_cast<float>(work.head_dim));
  work.causal = causal;
  work.q_head = q.stride(1);
  work.q_token = q.stride(2);
  work.k_head = k.stride(1);
  work.k_token = k.stride(2);
  work.v_head = v.stride(1);
  work.v_token = v.stride(2);
  work.out_head = work.head_dim;
  work.out_token = work.heads * work.head_dim;
  for (std::int64_t i = 0; i < q.size(0); ++i) {
    work.q = bits(q) + i * q.stride(0);
    work.k = bits(k) + i * k.stride(0);
    work.v = bits(v) + i * v.stride(0);
    work.out = static_cast<std::uint16_t*>(out.mutable_data_ptr()) + i * out.stride(0);
    plan_.bind(isa_, work);
    // On torch's threads, which still spin after the product before: lmm's own would have to share their cores.
    const int packs = plan_.pack_chunks();
    const int chunks = plan_.attend_chunks();
#pragma omp parallel
    {
#pragma omp for schedule(dynamic)
      for (int chunk = 0; chunk < packs; ++chunk) plan_.pack(chunk);
#pragma omp for schedule(dynamic)
      for (int chunk = 0; chunk < chunks; ++chunk) plan_.attend(chunk);
    }
  }
}

at::Tensor Attention::operator()(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, bool causal) {
  const auto batch = q.size(0);
  const auto tokens = q.size(2);
  const auto keys = k.size(2);
  if (has_kernel(q, k, v)) {
    at::Tensor own = at::empty({batch, tokens, q.size(1) * q.size(3)}, q.options());
    run_kernel(q, k, v, causal, own);
    return own;
  }
  std::optional<at::Tensor> bias;
  // torch aligns a causal mask with the first key, which is right only when queries and keys are equally many.
  if (causal && tokens > 1 && keys != tokens) {
    bias = at::ones({tokens, keys}, q.options().dtype(at::kBool)).tril(keys - tokens);
  }
  return by_torch(q, k, v, bias, causal && tokens > 1 && keys == tokens);
}

at::Tensor Attention::sliding(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, std::int64_t window) {
  const auto tokens = q.size(2);
  const auto keys = k.size(2);
  if (window == 0 || keys <= window) return (*this)(q, k, v, /*causal=*/true);
  // Query i stands at key i + keys - tokens; keys before the first query's window are left out at once.
  const std::int64_t first = std::max<std::int64_t>(keys - tokens - window + 1, 0);
  const at::Tensor seen = at::ones({tokens, keys - first}, q.options().dtype(at::kBool));
  const std::int64_t own = keys - tokens - first;
  const at::Tensor mask = seen.tril(own).triu_(own - window + 1);
  return by_torch(q, k.narrow(2, first, keys - first), v.narrow(2, first, keys - first), mask, false);
}

}  // namespace lmm::nn
