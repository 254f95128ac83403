#include "lib/nn/kernels/row_kernels.hpp"

namespace lmm::nn::kernels {

extern const RowKernels kPortableRowKernels;
extern const RowKernels kAvx2RowKernels;
extern const RowKernels kAvx512RowKernels;

const RowKernels& row_kernels(Isa isa) noexcept {
#if defined(__x86_64__)
  switch (isa_available(isa) ? isa : best_isa()) {
    case Isa::avx512:
    case Isa::avx512_bf16:
      return kAvx512RowKernels;  // decoding waits for memory: bf16 products would gain nothing
    case Isa::avx2:
      return kAvx2RowKernels;
    case Isa::portable:
      break;
  }
#else
  (void)isa;
#endif
  return kPortableRowKernels;
}

}  // namespace lmm::nn::kernels
