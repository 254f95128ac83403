#pragma once

#include "lib/nn/kernels/cpu.hpp"
#include "lib/nn/kernels/line_floats.hpp"
#include "lib/nn/kernels/packed.hpp"
#include "lib/nn/kernels/views.hpp"

#include <cstdint>
#include <vector>

namespace lmm::nn::kernels {

/// y = f(x W^T + b) over many rows, as towers and prefills have them. Full bf16 weights are multiplied by avx512_bf16's dot
/// products, where they have an even w.in; others are widened and multiplied in fp32. Sums are in fp32. For packed weights
/// rows are rounded to 8 bits, block by block, and multiplied as integers.
struct Matmul {
  const void* x = nullptr;  ///< (rows, w.in) of `dtype`, rows x_stride apart
  void* y = nullptr;        ///< (rows, w.out) of `dtype`, rows y_stride apart
  DType dtype = DType::fp32;
  std::int64_t x_stride = 0, y_stride = 0;
  std::int64_t rows = 0;  ///< at least 1; working space grows with them, in pairs with w instead
  LinearView w;
  Nonlinearity nonlinearity = Nonlinearity::none;
};

/// True where bf16 numbers are multiplied by dot products.
bool in_pairs(Isa isa, const Matmul& product) noexcept;

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
  enum class Kind { floats, widened, pairs, packed };  // how numbers are multiplied

  void bind_pairs(int threads);

  Isa isa_ = Isa::portable;
  Kind kind_ = Kind::floats;
  Matmul p_;
  std::int64_t panel_ = 0, panels_ = 0, part_rows_ = 0;  // a chunk: the outputs of a panel, for the rows of a part
  std::vector<float> wide_;            // widened: (rows, in) of x
  LineFloats filled_;                  // pairs: the panels of w
  std::vector<RoundedBlock> rounded_;  // packed: the rows of x
  LineFloats rooms_;                   // one a thread
  std::int64_t wide_stride_ = 0, room_ = 0;
};

}  // namespace lmm::nn::kernels
