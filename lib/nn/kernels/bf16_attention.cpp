#include "lib/nn/kernels/bf16_attention.hpp"

#include "lib/nn/kernels/bf16_tile.hpp"
#include "lib/nn/kernels/row_kernels.hpp"

#include <algorithm>
#include <bit>

namespace lmm::nn::kernels {
namespace {

constexpr std::int64_t kKeysPerPack = 64;

std::int64_t round_up(std::int64_t n, std::int64_t to) { return (n + to - 1) / to * to; }
std::int64_t parts(std::int64_t n, std::int64_t size) { return (n + size - 1) / size; }

template <typename Number>
Number as(std::uint16_t half) {
  if constexpr (sizeof(Number) == sizeof half) {
    return half;
  } else {
    return std::bit_cast<float>(static_cast<std::uint32_t>(half) << 16);
  }
}

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

template <typename Number>
void Bf16AttentionPlan::pack_as(int chunk, std::int64_t lanes, std::int64_t group) noexcept {
  const std::int64_t blocks = padded_keys_ / kKeysPerPack;
  const std::int64_t head = chunk / blocks, first = chunk % blocks * kKeysPerPack, d = a_.head_dim;
  Number* const keys = reinterpret_cast<Number*>(keys_.data()) + (head * padded_keys_ + first) * d;
  Number* const values = reinterpret_cast<Number*>(values_.data()) + (head * padded_keys_ + first) * padded_dim_;
  static constexpr std::uint16_t kZeros[kMaxTileDim] = {};  // stand behind the last key
  const auto row = [&](const std::uint16_t* from, std::int64_t of_head, std::int64_t of_token, std::int64_t s) {
    return first + s < a_.keys ? from + head * of_head + (first + s) * of_token : kZeros;
  };
  for (std::int64_t s = 0; s < kKeysPerPack; ++s) {
    const std::uint16_t* const k = row(a_.k, a_.k_head, a_.k_token, s);
    Number* const to_keys = keys + s / lanes * lanes * d + s % lanes * group;
    for (std::int64_t i = 0; i < d; ++i) to_keys[i / group * group * lanes + i % group] = as<Number>(k[i]);
    const std::uint16_t* const v = row(a_.v, a_.v_head, a_.v_token, s);
    Number* const to_values = values + s / group * group * padded_dim_ + s % group;
    for (std::int64_t i = 0; i < padded_dim_; ++i) to_values[i * group] = i < d ? as<Number>(v[i]) : Number{};
  }
}

void Bf16AttentionPlan::pack(int chunk) noexcept {
  if (isa_ == Isa::avx512_bf16) {
    pack_as<std::uint16_t>(chunk, 16, 2);
  } else {
    pack_as<float>(chunk, row_kernels(isa_).lanes, 1);
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
