#pragma once

#include "lib/nn/kernels/cpu.hpp"
#include "lib/nn/kernels/line_floats.hpp"
#include "lib/nn/kernels/packed.hpp"
#include "lib/nn/kernels/views.hpp"

#include <cstdint>
#include <vector>

namespace lmm::nn::kernels {

/// y = f(x W^T + b) over many rows, as towers and prefills have them. Full weights are multiplied and summed in fp32: for
/// processors whose fp32 multiply-add is their fastest product of floating-point numbers. For packed weights rows are rounded
/// to 8 bits, block by block, and multiplied as integers.
struct Matmul {
  const void* x = nullptr;  ///< (rows, w.in) of `dtype`, rows x_stride apart
  void* y = nullptr;        ///< (rows, w.out) of `dtype`, rows y_stride apart
  DType dtype = DType::fp32;
  std::int64_t x_stride = 0, y_stride = 0;
  std::int64_t rows = 0;  ///< at least 1; working space grows with them
  LinearView w;
  Nonlinearity nonlinearity = Nonlinearity::none;
};

/// The work in two stages of chunks: all of `prepare` before any of `multiply`, the chunks of a stage in any order on any
/// threads. Results do not depend on that order, nor on the number of threads. Whoever owns the threads runs them; the object
/// keeps working space, and can be bound to one product after another.
class MatmulPlan {
 public:
  /// Throws std::bad_alloc.
  void bind(Isa isa, const Matmul& product, int threads);

  int prepare_chunks() const noexcept;
  void prepare(int chunk) noexcept;
  int multiply_chunks() const noexcept;
  void multiply(int chunk, int thread) noexcept;  ///< `thread`: which of the threads that bind() was told of

 private:
  Isa isa_ = Isa::portable;
  Matmul p_;
  std::int64_t panels_ = 0, parts_ = 0, part_rows_ = 0;
  std::vector<float> wide_;  // (rows, in) where x is bf16
  std::vector<RoundedBlock> rounded_;  // where w is packed
  LineFloats rooms_;  // one a thread
  std::int64_t wide_stride_ = 0, room_ = 0;

  std::int64_t panel() const noexcept;  // outputs of a chunk
};

}  // namespace lmm::nn::kernels
