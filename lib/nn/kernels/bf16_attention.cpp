#include "lib/nn/kernels/bf16_attention.hpp"

#include "lib/nn/kernels/pairs.hpp"
#include "lib/nn/kernels/row_kernels.hpp"

#include <algorithm>

namespace lmm::nn::kernels {
namespace {

std::int64_t round_up(std::int64_t n, std::int64_t to) { return (n + to - 1) / to * to; }
std::int64_t parts(std::int64_t n, std::int64_t size) { return (n + size - 1) / size; }

}  // namespace

bool has_bf16_attention(Isa isa, std::int64_t head_dim) noexcept {
  return isa != Isa::portable && isa_available(isa) && head_dim > 0 && head_dim % 2 == 0 && head_dim <= kMaxTileDim;
}

void Bf16AttentionPlan::bind(Isa isa, const Bf16Attention& attention) {
  a_ = attention;
  kernels_ = isa == Isa::avx512_bf16 ? &kPairTileKernels : &row_kernels(isa).tile;
  padded_keys_ = round_up(a_.keys, kKeysPerPack);
  padded_dim_ = round_up(a_.head_dim, 16);
  keys_.resize(a_.kv_heads * padded_keys_ * a_.head_dim / kernels_->numbers_per_float);
  values_.resize(a_.kv_heads * padded_keys_ * padded_dim_ / kernels_->numbers_per_float);
}

int Bf16AttentionPlan::pack_chunks() const noexcept {
  return static_cast<int>(a_.kv_heads * (padded_keys_ / kKeysPerPack));
}

void Bf16AttentionPlan::pack(int chunk) noexcept {
  const std::int64_t blocks = padded_keys_ / kKeysPerPack;
  const std::int64_t head = chunk / blocks, first = chunk % blocks * kKeysPerPack;
  const std::int64_t count = std::min(kKeysPerPack, a_.keys - first), row = head * padded_keys_ + first;
  const Bf16Rows keys{a_.k + head * a_.k_head + first * a_.k_token, a_.k_token, count, a_.head_dim};
  const Bf16Rows values{a_.v + head * a_.v_head + first * a_.v_token, a_.v_token, count, a_.head_dim};
  kernels_->pack_keys(keys, keys_.data() + row * a_.head_dim / kernels_->numbers_per_float);
  kernels_->pack_values(values, padded_dim_, values_.data() + row * padded_dim_ / kernels_->numbers_per_float);
}

int Bf16AttentionPlan::attend_chunks() const noexcept {
  return static_cast<int>(a_.heads * parts(a_.tokens, kMaxTileRows));
}

void Bf16AttentionPlan::attend(int chunk) const noexcept {
  const std::int64_t blocks = parts(a_.tokens, kMaxTileRows);
  const std::int64_t head = chunk / blocks, first = chunk % blocks * kMaxTileRows;
  const std::int64_t kv = head / (a_.heads / a_.kv_heads);
  const Bf16Tile tile{a_.q + head * a_.q_head,
                      a_.q_token,
                      keys_.data() + kv * padded_keys_ * a_.head_dim / kernels_->numbers_per_float,
                      values_.data() + kv * padded_keys_ * padded_dim_ / kernels_->numbers_per_float,
                      a_.out + head * a_.out_head,
                      a_.out_token,
                      a_.keys,
                      a_.head_dim,
                      padded_dim_,
                      a_.causal ? a_.keys - a_.tokens + 1 : a_.keys,
                      a_.causal ? 1 : 0,
                      a_.scale};
  const std::int64_t end = std::min(first + kMaxTileRows, a_.tokens);
  kernels_->attend(tile, first, end);
}

void bf16_attention(ThreadPool& pool, Isa isa, const Bf16Attention& attention, Bf16AttentionPlan& plan) {
  plan.bind(isa, attention);
  pool.parallel_for(plan.pack_chunks(), [&plan](int chunk) noexcept { plan.pack(chunk); });
  pool.parallel_for(plan.attend_chunks(), [&plan](int chunk) noexcept { plan.attend(chunk); });
}

}  // namespace lmm::nn::kernels
