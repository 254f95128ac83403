#pragma once

#include <cstdint>

namespace lmm::nn::kernels {

constexpr std::int64_t kMaxTileDim = 256;
constexpr std::int64_t kMaxTileRows = 48;

constexpr std::int64_t kKeysPerPack = 64;

/// kKeysPerPack keys or values of one head, `stride` apart; zeros take the place of those from `count` on.
struct Bf16Rows {
  const std::uint16_t* rows;
  std::int64_t stride, count, dim;
};

/// One query head against one packed key/value head (layouts: Bf16AttentionPlan).
struct Bf16Tile {
  const std::uint16_t* q;  // (tokens, head_dim), rows q_token apart
  std::int64_t q_token;
  const void* keys;
  const void* values;
  std::uint16_t* out;  // (tokens, head_dim), rows out_token apart
  std::int64_t out_token;
  std::int64_t key_count, head_dim;
  std::int64_t padded_dim;     // of a row of values
  std::int64_t seen_by_first;  // keys that row 0 sees
  std::int64_t seen_step;      // and how many more each row after it does
  float scale;
};

/// What one thread does of such an attention, compiled once for each way of multiplying. `attend` reads what the other two wrote.
struct TileKernels {
  void (*attend)(const Bf16Tile& tile, std::int64_t begin, std::int64_t end);  // rows [begin, end), kMaxTileRows at most
  void (*pack_keys)(const Bf16Rows& keys, float* out);
  void (*pack_values)(const Bf16Rows& values, std::int64_t padded_dim, float* out);
  std::int64_t numbers_per_float;  // of keys and values that are packed: 2 in pairs, whose keys have an even dim
};

}  // namespace lmm::nn::kernels
