#include "lib/nn/kernels/packed.hpp"

#include <cstddef>
#include <cstdint>

namespace lmm::nn::kernels {
namespace {

constexpr int kLanes = 4;
#include "lib/nn/kernels/simd.inc"
#include "lib/nn/kernels/panel_output.inc"

typedef std::int16_t Pairs __attribute__((vector_size(kLanes * 4)));

constexpr bool kTooHigh = false;
constexpr int kColumns = 1;

// Neighbours in twos: two products of at most 127 * 127 have room in 16 bits.
inline Ints dot(Ints total, Bytes w, Ints x) {
  const Pairs by = reinterpret_cast<Pairs>(w), of = reinterpret_cast<Pairs>(x);
  const Ints sums = reinterpret_cast<Ints>((by << 8 >> 8) * (of << 8 >> 8) + (by >> 8) * (of >> 8));
  return total + (sums << 16 >> 16) + (sums >> 16);
}

inline Bytes look_up(const std::uint8_t* table, Bytes index) {
  Bytes found;
  for (int i = 0; i < kLanes * 4; ++i) found[i] = table[index[i]];
  return found;
}

#include "lib/nn/kernels/packed.inc"

}  // namespace

extern const PackedKernels kPortablePackedKernels;
const PackedKernels kPortablePackedKernels = kernels_named("portable");

}  // namespace lmm::nn::kernels
