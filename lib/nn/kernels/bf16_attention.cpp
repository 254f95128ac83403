#include "lib/nn/kernels/bf16_attention.hpp"

#include "lib/nn/kernels/pairs.hpp"
#include "lib/nn/kernels/row_kernels.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

namespace lmm::nn::kernels {
namespace {

constexpr std::int64_t kKeysPerPack = 64;

std::int64_t round_up(std::int64_t n, std::int64_t to) { return (n + to - 1) / to * to; }
std::int64_t parts(std::int64_t n, std::int64_t size) { return (n + size - 1) / size; }

constexpr std::uint16_t kZeros[kMaxTileDim] = {};  // stand behind the last key

float widened(std::uint16_t half) { return std::bit_cast<float>(static_cast<std::uint32_t>(half) << 16); }

}  // namespace

bool has_bf16_attention(Isa isa, std::int64_t head_dim) noexcept {
  return isa != Isa::portable && isa_available(isa) && head_dim > 0 && head_dim % 2 == 0 && head_dim <= kMaxTileDim;
}

void Bf16AttentionPlan::bind(Isa isa, const Bf16Attention& attention) {
  a_ = attention;
  isa_ = isa;
  padded_keys_ = round_up(a_.keys, kKeysPerPack);
  padded_dim_ = round_up(a_.head_dim, 16);
  const std::int64_t size = isa_ == Isa::avx512_bf16 ? 2 : 4;
  const auto floats = [size](std::int64_t numbers) { return parts(numbers * size, 4); };
  keys_.resize(floats(a_.kv_heads * padded_keys_ * a_.head_dim));
  values_.resize(floats(a_.kv_heads * padded_keys_ * padded_dim_));
}

int Bf16AttentionPlan::pack_chunks() const noexcept {
  return static_cast<int>(a_.kv_heads * (padded_keys_ / kKeysPerPack));
}

const std::uint16_t* Bf16AttentionPlan::key(std::int64_t head, std::int64_t s) const noexcept {
  return s < a_.keys ? a_.k + head * a_.k_head + s * a_.k_token : kZeros;
}

const std::uint16_t* Bf16AttentionPlan::value(std::int64_t head, std::int64_t s) const noexcept {
  return s < a_.keys ? a_.v + head * a_.v_head + s * a_.v_token : kZeros;
}

void Bf16AttentionPlan::pack_floats(std::int64_t head, std::int64_t first, std::int64_t lanes) noexcept {
  const std::int64_t d = a_.head_dim;
  float* const keys = keys_.data() + (head * padded_keys_ + first) * d;
  float* const values = values_.data() + (head * padded_keys_ + first) * padded_dim_;
  for (std::int64_t s = 0; s < kKeysPerPack; ++s) {
    const std::uint16_t* const k = key(head, first + s);
    float* const to_keys = keys + s / lanes * lanes * d + s % lanes;
    for (std::int64_t i = 0; i < d; ++i) to_keys[i * lanes] = widened(k[i]);
    const std::uint16_t* const v = value(head, first + s);
    float* const to_values = values + s * padded_dim_;
    for (std::int64_t i = 0; i < padded_dim_; ++i) to_values[i] = i < d ? widened(v[i]) : 0.0F;
  }
}

void Bf16AttentionPlan::pack_pairs(std::int64_t head, std::int64_t first) noexcept {
  const std::int64_t d = a_.head_dim;
  auto* const keys = reinterpret_cast<std::uint16_t*>(keys_.data()) + (head * padded_keys_ + first) * d;
  auto* const values = reinterpret_cast<std::uint16_t*>(values_.data()) + (head * padded_keys_ + first) * padded_dim_;
  for (std::int64_t s = 0; s < kKeysPerPack; ++s) {
    const std::uint16_t* const k = key(head, first + s);
    std::uint16_t* const to = keys + s / kPairLanes * kPairLanes * d + s % kPairLanes * 2;
    for (std::int64_t i = 0; i < d; i += 2) std::memcpy(to + i * kPairLanes, k + i, 2 * sizeof *k);
  }
  for (std::int64_t s = 0; s < kKeysPerPack; s += 2) {
    const std::uint16_t *const even = value(head, first + s), *const odd = value(head, first + s + 1);
    std::uint16_t* const to = values + s * padded_dim_;
    for (std::int64_t i = 0; i < d; ++i) {
      to[2 * i] = even[i];
      to[2 * i + 1] = odd[i];
    }
    std::fill(to + 2 * d, to + 2 * padded_dim_, std::uint16_t{0});
  }
}

void Bf16AttentionPlan::pack(int chunk) noexcept {
  const std::int64_t blocks = padded_keys_ / kKeysPerPack;
  const std::int64_t head = chunk / blocks, first = chunk % blocks * kKeysPerPack;
  if (isa_ == Isa::avx512_bf16) {
    pack_pairs(head, first);
  } else {
    pack_floats(head, first, row_kernels(isa_).lanes);
  }
}

int Bf16AttentionPlan::attend_chunks() const noexcept {
  return static_cast<int>(a_.heads * parts(a_.tokens, kMaxTileRows));
}

void Bf16AttentionPlan::attend(int chunk) const noexcept {
  const std::int64_t blocks = parts(a_.tokens, kMaxTileRows);
  const std::int64_t head = chunk / blocks, first = chunk % blocks * kMaxTileRows;
  const std::int64_t kv = head / (a_.heads / a_.kv_heads);
  const std::int64_t size = isa_ == Isa::avx512_bf16 ? 2 : 4;
  const Bf16Tile tile{a_.q + head * a_.q_head,
                      a_.q_token,
                      reinterpret_cast<const char*>(keys_.data()) + kv * padded_keys_ * a_.head_dim * size,
                      reinterpret_cast<const char*>(values_.data()) + kv * padded_keys_ * padded_dim_ * size,
                      a_.out + head * a_.out_head,
                      a_.out_token,
                      a_.keys,
                      a_.head_dim,
                      padded_dim_,
                      a_.causal ? a_.keys - a_.tokens + 1 : a_.keys,
                      a_.causal ? 1 : 0,
                      a_.scale};
  const std::int64_t end = std::min(first + kMaxTileRows, a_.tokens);
  if (isa_ == Isa::avx512_bf16) {
    attend_rows_in_pairs(tile, first, end);
  } else {
    row_kernels(isa_).attend_rows(tile, first, end);
  }
}

void bf16_attention(ThreadPool& pool, Isa isa, const Bf16Attention& attention, Bf16AttentionPlan& plan) {
  plan.bind(isa, attention);
  pool.parallel_for(plan.pack_chunks(), [&plan](int chunk) noexcept { plan.pack(chunk); });
  pool.parallel_for(plan.attend_chunks(), [&plan](int chunk) noexcept { plan.attend(chunk); });
}

}  // namespace lmm::nn::kernels
