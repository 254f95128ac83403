#include "lib/nn/kernels/packed.hpp"

#include <vector>

namespace lmm::nn::kernels {

extern const PackedKernels kPortablePackedKernels;
extern const PackedKernels kAvx2PackedKernels;
extern const PackedKernels kAvxVnniPackedKernels;
extern const PackedKernels kAvx512VnniPackedKernels;

const PackedKernels& packed_kernels(Isa isa) noexcept {
#if defined(__x86_64__)
  if (!isa_available(isa)) isa = best_isa();
  if (has_int8_dots(isa, 512)) return kAvx512VnniPackedKernels;
  if (has_int8_dots(isa, 256)) return kAvxVnniPackedKernels;
  if (isa >= Isa::avx2) return kAvx2PackedKernels;
#else
  (void)isa;
#endif
  return kPortablePackedKernels;
}

std::span<const PackedKernels* const> all_packed_kernels() noexcept {
  static const std::vector<const PackedKernels*> all = [] {
    std::vector<const PackedKernels*> out = {&kPortablePackedKernels};
#if defined(__x86_64__)
    if (isa_available(Isa::avx2)) out.push_back(&kAvx2PackedKernels);
    if (has_int8_dots(Isa::avx2, 256)) out.push_back(&kAvxVnniPackedKernels);
    if (has_int8_dots(Isa::avx512, 512)) out.push_back(&kAvx512VnniPackedKernels);
#endif
    return out;
  }();
  return all;
}

}  // namespace lmm::nn::kernels
