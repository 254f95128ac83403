#include "lib/nn/kernels/linear.hpp"

#include "lib/nn/kernels/row_kernels.hpp"

#include <algorithm>

namespace lmm::nn::kernels {
namespace {

// Some microseconds of reading: long against claiming a chunk and against starting a stream, short against waiting for
// whoever claimed the last one.
constexpr std::int64_t kChunkBytes = 96 * 1024;

// How rows are shared out; it depends on shapes alone. Counts are multiples of 4, so that two or four threads that run
// equally fast end together.
struct Chunks {
  Chunks(std::int64_t all_rows, std::int64_t bytes_per_row) : all(all_rows) {
    const std::int64_t bytes = all_rows * bytes_per_row;
    const std::int64_t wanted = bytes <= kChunkBytes / 4 ? 1 : (bytes / kChunkBytes + 4) / 4 * 4;
    rows = std::max<std::int64_t>((all_rows + wanted - 1) / wanted, 1);
    count = static_cast<int>((all_rows + rows - 1) / rows);
  }
  std::int64_t begin(std::int64_t chunk) const { return chunk * rows; }
  std::int64_t end(std::int64_t chunk) const { return std::min((chunk + 1) * rows, all); }

  std::int64_t all, rows;
  int count;
};

}  // namespace

void linear(ThreadPool& pool, Isa isa, const LinearView& w, const float* x, std::int64_t m, float* y,
            bool accumulate) noexcept {
  const RowKernels& kernels = row_kernels(isa);
  const Chunks chunks(w.out, row_bytes(w));
  pool.parallel_for(chunks.count, [&](int chunk) noexcept {
    kernels.linear(w, chunks.begin(chunk), chunks.end(chunk), x, m, y, w.out, accumulate);
  });
}

void linears(ThreadPool& pool, Isa isa, const LinearTask (&tasks)[3], const float* x, std::int64_t m) noexcept {
  const RowKernels& kernels = row_kernels(isa);
  const auto chunks_of = [&tasks](int i) { return Chunks(tasks[i].w.out, row_bytes(tasks[i].w)); };
  const Chunks chunks[3] = {chunks_of(0), chunks_of(1), chunks_of(2)};
  pool.parallel_for(chunks[0].count + chunks[1].count + chunks[2].count, [&](int chunk) noexcept {
    int i = 0;
    while (chunk >= chunks[i].count) chunk -= chunks[i++].count;
    const LinearView& w = tasks[i].w;
    kernels.linear(w, chunks[i].begin(chunk), chunks[i].end(chunk), x, m, tasks[i].y, w.out, false);
  });
}

void gated_linear(ThreadPool& pool, Isa isa, const LinearView& gate, const LinearView& up, const float* x,
                  std::int64_t m, float* y) noexcept {
  const RowKernels& kernels = row_kernels(isa);
  const Chunks chunks(gate.out, row_bytes(gate) + row_bytes(up));
  pool.parallel_for(chunks.count, [&](int chunk) noexcept {
    kernels.gated(gate, up, chunks.begin(chunk), chunks.end(chunk), x, m, y, gate.out);
  });
}

void gated_linears(ThreadPool& pool, Isa isa, std::span<const GatedTask> tasks, const float* x) noexcept {
  if (tasks.empty()) return;
  const RowKernels& kernels = row_kernels(isa);
  const LinearView& shape = tasks.front().gate;
  const Chunks chunks(shape.out, 2 * row_bytes(shape));
  pool.parallel_for(chunks.count * static_cast<int>(tasks.size()), [&](int chunk) noexcept {
    const GatedTask& task = tasks[static_cast<std::size_t>(chunk / chunks.count)];
    const std::int64_t part = chunk % chunks.count;
    kernels.gated(task.gate, task.up, chunks.begin(part), chunks.end(part), x, 1, task.y, task.gate.out);
  });
}

void sum_linears(ThreadPool& pool, Isa isa, std::span<const SumTask> tasks, float* y) noexcept {
  if (tasks.empty()) return;
  const RowKernels& kernels = row_kernels(isa);
  const LinearView& shape = tasks.front().w;
  const Chunks chunks(shape.out, row_bytes(shape) * static_cast<std::int64_t>(tasks.size()));
  pool.parallel_for(chunks.count, [&](int chunk) noexcept {
    for (const SumTask& task : tasks) {
      kernels.linear(task.w, chunks.begin(chunk), chunks.end(chunk), task.x, 1, y, task.w.out, true);
    }
  });
}

void rms_norm(Isa isa, const VectorView& weight, double eps, const float* x, std::int64_t m, float* y) noexcept {
  const RowKernels& kernels = row_kernels(isa);
  for (std::int64_t i = 0; i < m; ++i) {
    kernels.rms_norm(x + i * weight.size, weight, static_cast<float>(eps), y + i * weight.size);
  }
}

void activate(Isa isa, Nonlinearity f, float* x, std::int64_t n) noexcept { row_kernels(isa).activate(f, x, n); }

Best lm_head(ThreadPool& pool, Isa isa, const LinearView& w, const float* x, float* logits,
             std::vector<Best>& scratch) {
  const RowKernels& kernels = row_kernels(isa);
  const Chunks chunks(w.out, row_bytes(w));
  scratch.resize(static_cast<std::size_t>(chunks.count));
  pool.parallel_for(chunks.count, [&](int chunk) noexcept {
    const std::int64_t begin = chunks.begin(chunk), end = chunks.end(chunk);
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
