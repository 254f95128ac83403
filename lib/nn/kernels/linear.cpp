#include "lib/nn/kernels/linear.hpp"

#include "lib/nn/kernels/row_kernels.hpp"

#include <algorithm>

namespace lmm::nn::kernels {
namespace {

// Some microseconds of reading: long against claiming a chunk, short against waiting for whoever claimed the last one.
constexpr std::int64_t kChunkBytes = 48 * 1024;

// How many rows of `bytes_per_row` make a chunk. It depends on shapes alone.
std::int64_t chunk_rows(std::int64_t bytes_per_row) {
  return std::clamp<std::int64_t>(kChunkBytes / std::max<std::int64_t>(bytes_per_row, 1), 4, 512);
}

std::int64_t row_bytes(const LinearView& w) { return w.in * (w.dtype == DType::bf16 ? 2 : 4); }

int chunk_count(std::int64_t rows, std::int64_t rows_per_chunk) {
  return static_cast<int>((rows + rows_per_chunk - 1) / rows_per_chunk);
}

}  // namespace

void linear(ThreadPool& pool, Isa isa, const LinearView& w, const float* x, std::int64_t m, float* y,
            bool accumulate) noexcept {
  const RowKernels& kernels = row_kernels(isa);
  const std::int64_t rows = chunk_rows(row_bytes(w));
  pool.parallel_for(chunk_count(w.out, rows), [&](int chunk) noexcept {
    const std::int64_t begin = chunk * rows;
    kernels.linear(w, begin, std::min(begin + rows, w.out), x, m, y, w.out, accumulate);
  });
}

void linears(ThreadPool& pool, Isa isa, std::span<const LinearTask> tasks, const float* x, std::int64_t m) noexcept {
  const RowKernels& kernels = row_kernels(isa);
  constexpr std::size_t most = 8;
  std::int64_t rows[most];
  int first_chunk[most + 1] = {};
  const std::size_t count = std::min(tasks.size(), most);
  for (std::size_t i = 0; i < count; ++i) {
    rows[i] = chunk_rows(row_bytes(tasks[i].w));
    first_chunk[i + 1] = first_chunk[i] + chunk_count(tasks[i].w.out, rows[i]);
  }
  pool.parallel_for(first_chunk[count], [&](int chunk) noexcept {
    std::size_t i = 0;
    while (chunk >= first_chunk[i + 1]) ++i;
    const LinearTask& task = tasks[i];
    const std::int64_t begin = (chunk - first_chunk[i]) * rows[i];
    kernels.linear(task.w, begin, std::min(begin + rows[i], task.w.out), x, m, task.y, task.w.out, false);
  });
}

void gated_linear(ThreadPool& pool, Isa isa, const LinearView& gate, const LinearView& up, const float* x,
                  std::int64_t m, float* y) noexcept {
  const RowKernels& kernels = row_kernels(isa);
  const std::int64_t rows = chunk_rows(row_bytes(gate) + row_bytes(up));
  pool.parallel_for(chunk_count(gate.out, rows), [&](int chunk) noexcept {
    const std::int64_t begin = chunk * rows;
    kernels.gated(gate, up, begin, std::min(begin + rows, gate.out), x, m, y, gate.out);
  });
}

void rms_norm(Isa isa, const VectorView& weight, double eps, const float* x, std::int64_t m, float* y) noexcept {
  const RowKernels& kernels = row_kernels(isa);
  for (std::int64_t i = 0; i < m; ++i) {
    kernels.rms_norm(x + i * weight.size, weight, static_cast<float>(eps), y + i * weight.size);
  }
}

Best lm_head(ThreadPool& pool, Isa isa, const LinearView& w, const float* x, float* logits,
             std::vector<Best>& scratch) {
  const RowKernels& kernels = row_kernels(isa);
  const std::int64_t rows = chunk_rows(row_bytes(w));
  const int chunks = chunk_count(w.out, rows);
  scratch.resize(static_cast<std::size_t>(chunks));
  pool.parallel_for(chunks, [&](int chunk) noexcept {
    const std::int64_t begin = chunk * rows, end = std::min(begin + rows, w.out);
    kernels.linear(w, begin, end, x, 1, logits, w.out, false);
    const Best best = kernels.largest(logits + begin, end - begin);
    scratch[static_cast<std::size_t>(chunk)] = {begin + best.index, best.value};
  });
  Best best = scratch.empty() ? Best{} : scratch.front();
  for (const Best& other : scratch) {
    if (other.value > best.value) best = other;
  }
  return best;
}

}  // namespace lmm::nn::kernels
