#include "lib/nn/kernels/bf16_rows.hpp"

#include "lib/nn/kernels/row_kernels.hpp"

namespace lmm::nn::kernels {

void rms_norm(Isa isa, const VectorView& weight, double eps, const std::uint16_t* x, std::int64_t rows,
              std::uint16_t* y) noexcept {
  const RowKernels& kernels = row_kernels(isa);
  for (std::int64_t r = 0; r < rows; ++r) {
    kernels.rms_norm_bf16(x + r * weight.size, weight, static_cast<float>(eps), y + r * weight.size);
  }
}

void activate(Isa isa, Nonlinearity f, std::uint16_t* x, const std::uint16_t* by, std::int64_t n) noexcept {
  row_kernels(isa).activate_bf16(f, x, by, n);
}

}  // namespace lmm::nn::kernels
