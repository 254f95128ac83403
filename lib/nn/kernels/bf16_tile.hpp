#pragma once

#include <cstdint>

namespace lmm::nn::kernels {

constexpr std::int64_t kMaxTileDim = 256;

/// One query head against one packed key/value head (layouts: Bf16AttentionPlan).
struct Bf16Tile {
  const std::uint16_t* q;  // (tokens, head_dim), rows q_token apart
  std::int64_t q_token;
  const std::uint16_t* keys;
  const std::uint16_t* values;
  std::uint16_t* out;  // (tokens, head_dim), rows out_token apart
  std::int64_t out_token;
  std::int64_t key_count, head_dim;
  std::int64_t seen_by_first;  // keys that row 0 sees
  std::int64_t seen_step;      // and how many more each row after it does
  float scale;
};

/// Rows [begin, end) of one head. Only where the machine has AVX-512 with bf16 dot products.
void attend_rows(const Bf16Tile& tile, std::int64_t begin, std::int64_t end) noexcept;

}  // namespace lmm::nn::kernels
