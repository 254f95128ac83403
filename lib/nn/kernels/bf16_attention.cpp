#include "lib/nn/kernels/bf16_attention.hpp"

#include "lib/nn/kernels/bf16_tile.hpp"

#include <algorithm>
#include <cstring>

namespace lmm::nn::kernels {
namespace {

constexpr std::int64_t kKeysPerPack = 64;
constexpr std::int64_t kRowsPerChunk = 48;

std::int64_t round_up(std::int64_t n, std::int64_t to) { return (n + to - 1) / to * to; }
std::int64_t parts(std::int64_t n, std::int64_t size) { return (n + size - 1) / size; }

}  // namespace

bool has_bf16_attention(Isa isa, std::int64_t head_dim) noexcept {
  return isa == Isa::avx512_bf16 && isa_available(isa) && head_dim > 0 && head_dim % 2 == 0 && head_dim <= kMaxTileDim;
}

void Bf16AttentionPlan::bind(const Bf16Attention& attention) {
  a_ = attention;
  padded_keys_ = round_up(a_.keys, kKeysPerPack);
  padded_dim_ = round_up(a_.head_dim, 16);
  keys_.resize(static_cast<std::size_t>(a_.kv_heads * padded_keys_ * a_.head_dim));
  values_.resize(static_cast<std::size_t>(a_.kv_heads * padded_keys_ * padded_dim_));
}

int Bf16AttentionPlan::pack_chunks() const noexcept {
  return static_cast<int>(a_.kv_heads * (padded_keys_ / kKeysPerPack));
}

void Bf16AttentionPlan::pack(int chunk) noexcept {
  const std::int64_t blocks = padded_keys_ / kKeysPerPack;
  const std::int64_t head = chunk / blocks, first = chunk % blocks * kKeysPerPack, d = a_.head_dim;
  std::uint16_t* const keys = keys_.data() + (head * padded_keys_ + first) * d;
  std::uint16_t* const values = values_.data() + (head * padded_keys_ + first) * padded_dim_;
  static constexpr std::uint16_t kZeros[kMaxTileDim] = {};  // stand behind the last key
  const auto row = [&](const std::uint16_t* from, std::int64_t of_head, std::int64_t of_token, std::int64_t s) {
    return first + s < a_.keys ? from + head * of_head + (first + s) * of_token : kZeros;
  };
  for (std::int64_t s = 0; s < kKeysPerPack; ++s) {
    const std::uint16_t* const k = row(a_.k, a_.k_head, a_.k_token, s);
    std::uint16_t* const to = keys + s / 16 * 16 * d + s % 16 * 2;
    for (std::int64_t i = 0; i < d; i += 2) std::memcpy(to + i * 16, k + i, 2 * sizeof *k);
  }
  for (std::int64_t s = 0; s < kKeysPerPack; s += 2) {
    const std::uint16_t* const even = row(a_.v, a_.v_head, a_.v_token, s);
    const std::uint16_t* const odd = row(a_.v, a_.v_head, a_.v_token, s + 1);
    std::uint16_t* const to = values + s * padded_dim_;
    for (std::int64_t i = 0; i < d; ++i) {
      to[2 * i] = even[i];
      to[2 * i + 1] = odd[i];
    }
    std::fill(to + 2 * d, to + 2 * padded_dim_, std::uint16_t{0});
  }
}

int Bf16AttentionPlan::attend_chunks() const noexcept {
  return static_cast<int>(a_.heads * parts(a_.tokens, kRowsPerChunk));
}

void Bf16AttentionPlan::attend(int chunk) const noexcept {
  const std::int64_t blocks = parts(a_.tokens, kRowsPerChunk);
  const std::int64_t head = chunk / blocks, first = chunk % blocks * kRowsPerChunk;
  const std::int64_t kv = head / (a_.heads / a_.kv_heads);
  const Bf16Tile tile{a_.q + head * a_.q_head,
                      a_.q_token,
                      keys_.data() + kv * padded_keys_ * a_.head_dim,
                      values_.data() + kv * padded_keys_ * padded_dim_,
                      a_.out + head * a_.out_head,
                      a_.out_token,
                      a_.keys,
                      a_.head_dim,
                      a_.causal ? a_.keys - a_.tokens + 1 : a_.keys,
                      a_.causal ? 1 : 0,
                      a_.scale};
  attend_rows(tile, first, std::min(first + kRowsPerChunk, a_.tokens));
}

void bf16_attention(ThreadPool& pool, const Bf16Attention& attention, Bf16AttentionPlan& plan) {
  plan.bind(attention);
  pool.parallel_for(plan.pack_chunks(), [&plan](int chunk) noexcept { plan.pack(chunk); });
  pool.parallel_for(plan.attend_chunks(), [&plan](int chunk) noexcept { plan.attend(chunk); });
}

}  // namespace lmm::nn::kernels
