#include "lib/nn/kernels/packed.hpp"

#include <cstddef>
#include <cstdint>

namespace lmm::nn::kernels {
namespace {

constexpr int kLanes = 4;
#include "lib/nn/kernels/simd.inc"
#include "lib/nn/kernels/panel_output.inc"

typedef std::uint8_t Bytes __attribute__((vector_size(kLanes * 4)));
typedef std::int16_t Pairs __attribute__((vector_size(kLanes * 4)));

constexpr bool kTooHigh = false;
constexpr int kColumns = 1;

// Neighbours in twos: two products of at most 127 * 127 have room in 16 bits.
inline Ints dot(Ints total, Bytes w, Ints x) {
  const Pairs by = reinterpret_cast<Pairs>(w), of = reinterpret_cast<Pairs>(x);
  const Ints sums = reinterpret_cast<Ints>((by << 8 >> 8) * (of << 8 >> 8) + (by >> 8) * (of >> 8));
  return total + (sums << 16 >> 16) + (sums >> 16);
}

inline Bytes stored(Bytes w) { return w ^ std::uint8_t{128}; }

inline Bytes level(Bytes index) {
  Bytes levels;
  for (int i = 0; i < kLanes * 4; ++i) levels[i] = static_cast<std::uint8_t>(kInt4Levels[index[i]]);
  return levels;
}

#include "lib/nn/kernels/packed.inc"

}  // namespace

extern const PackedKernels kPortablePackedKernels;
const PackedKernels kPortablePackedKernels = {"portable", round_row, multiply, choose_int8, choose_int4, unpack_panel};

}  // namespace lmm::nn::kernels
