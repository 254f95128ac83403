#include "lib/nn/kernels/linear.hpp"

#include "lib/nn/kernels/packed.hpp"
#include "lib/nn/kernels/row_kernels.hpp"

#include <algorithm>

namespace lmm::nn::kernels {
namespace {

// Some microseconds of reading: long against claiming a chunk and against starting a stream, short against waiting for
// whoever claimed the last one.
constexpr std::int64_t kChunkBytes = 96 * 1024;

// How rows are shared out, in whole panels; it depends on shapes alone. Counts are multiples of 4, so that two or four threads
// that run equally fast end together.
struct Chunks {
  Chunks(const LinearView& w, std::int64_t together) : all(w.out) {
    const std::int64_t unit = packed(w) ? kPanelRows : 1, units = (all + unit - 1) / unit;
    const std::int64_t bytes = weight_bytes(w) * together;
    const std::int64_t wanted = bytes <= kChunkBytes / 4 ? 1 : (bytes / kChunkBytes + 4) / 4 * 4;
    rows = std::max<std::int64_t>((units + wanted - 1) / wanted, 1) * unit;
    count = static_cast<int>((all + rows - 1) / rows);
  }
  std::int64_t begin(std::int64_t chunk) const { return chunk * rows; }
  std::int64_t end(std::int64_t chunk) const { return std::min((chunk + 1) * rows, all); }

  std::int64_t all, rows;
  int count;
};

// The rows of w from `first` on; of a packed one from the beginning of a panel.
LinearView rows_from(const LinearView& w, std::int64_t first) {
  const auto move = [](const void* p, std::int64_t bytes) {
    return p == nullptr ? p : static_cast<const void*>(static_cast<const char*>(p) + bytes);
  };
  const std::int64_t size = bytes_of(w.dtype);
  LinearView rest = w;
  rest.weight = move(w.weight, packed(w) ? first / kPanelRows * panel_bytes(w) : first * w.in * size);
  rest.bias = move(w.bias, first * size);
  rest.out -= first;
  return rest;
}

// x as the kernels take it: beside the numbers, for packed weights, rounded ones, in room of the thread that leads.
class Input {
 public:
  Input(Isa isa, const LinearView& w, const float* x, std::int64_t m, std::vector<RoundedBlock>& room)
      : rows_(&row_kernels(isa)), packed_(&packed_kernels(isa)), x_(x), m_(m) {
    if (!packed(w)) return;
    room.resize(static_cast<std::size_t>(m * blocks_of(w.in)));
    rounded_ = room.data();
    for (std::int64_t r = 0; r < m; ++r) packed_->round(x + r * w.in, DType::fp32, w.in, room.data() + r * blocks_of(w.in));
  }
  Input(Isa isa, const LinearView& w, const float* x, std::int64_t m) : Input(isa, w, x, m, room()) {}

  /// y (+)= rows [begin, end) of w; of a packed one from the beginning of a panel.
  void multiply(const LinearView& w, std::int64_t begin, std::int64_t end, float* y, std::int64_t y_stride, bool accumulate) const {
    if (!packed(w)) return rows_->linear(w, begin, end, x_, m_, y, y_stride, accumulate);
    packed_->multiply({rounded_, m_, begin / kPanelRows, panels_of(end), {&w, y, y_stride, DType::fp32, Nonlinearity::none, accumulate}});
  }

  /// y = silu(rows of gate) * rows of up.
  void gated(const LinearView& gate, const LinearView& up, std::int64_t begin, std::int64_t end, float* y, std::int64_t y_stride) const {
    constexpr std::int64_t most = 64, inputs = 8;
    float ups[most * inputs];
    multiply(gate, begin, end, y, y_stride, false);
    for (std::int64_t r = begin; r < end; r += most) {
      const std::int64_t rows = std::min(most, end - r);
      for (std::int64_t first = 0; first < m_; first += inputs) {
        const Input some = from(first, std::min(inputs, m_ - first), up.in);
        some.multiply(rows_from(up, r), 0, rows, ups, most, false);
        for (std::int64_t j = 0; j < some.m_; ++j) rows_->silu_mul(y + (first + j) * y_stride + r, ups + j * most, rows);
      }
    }
  }

 private:
  static std::vector<RoundedBlock>& room() {
    thread_local std::vector<RoundedBlock> room;
    return room;
  }
  Input from(std::int64_t first, std::int64_t m, std::int64_t in) const {
    Input some = *this;
    some.x_ += first * in;
    some.m_ = m;
    if (rounded_ != nullptr) some.rounded_ += first * blocks_of(in);
    return some;
  }

  const RowKernels* rows_;
  const PackedKernels* packed_;
  const float* x_;
  std::int64_t m_;
  const RoundedBlock* rounded_ = nullptr;
};

}  // namespace

void linear(ThreadPool& pool, Isa isa, const LinearView& w, const float* x, std::int64_t m, float* y, bool accumulate) {
  const Input input(isa, w, x, m);
  const Chunks chunks(w, 1);
  pool.parallel_for(chunks.count, [&](int chunk) noexcept {
    input.multiply(w, chunks.begin(chunk), chunks.end(chunk), y, w.out, accumulate);
  });
}

void linears(ThreadPool& pool, Isa isa, const LinearTask (&tasks)[3], const float* x, std::int64_t m) {
  const Input input(isa, tasks[0].w, x, m);
  const Chunks chunks[3] = {{tasks[0].w, 1}, {tasks[1].w, 1}, {tasks[2].w, 1}};
  pool.parallel_for(chunks[0].count + chunks[1].count + chunks[2].count, [&](int chunk) noexcept {
    int i = 0;
    while (chunk >= chunks[i].count) chunk -= chunks[i++].count;
    input.multiply(tasks[i].w, chunks[i].begin(chunk), chunks[i].end(chunk), tasks[i].y, tasks[i].w.out, false);
  });
}

void gated_linear(ThreadPool& pool, Isa isa, const LinearView& gate, const LinearView& up, const float* x,
                  std::int64_t m, float* y) {
  const Input input(isa, gate, x, m);
  const Chunks chunks(gate, 2);
  pool.parallel_for(chunks.count, [&](int chunk) noexcept {
    input.gated(gate, up, chunks.begin(chunk), chunks.end(chunk), y, gate.out);
  });
}

void gated_linears(ThreadPool& pool, Isa isa, std::span<const GatedTask> tasks, const float* x) {
  if (tasks.empty()) return;
  const Input input(isa, tasks.front().gate, x, 1);
  const Chunks chunks(tasks.front().gate, 2);
  pool.parallel_for(chunks.count * static_cast<int>(tasks.size()), [&](int chunk) noexcept {
    const GatedTask& task = tasks[static_cast<std::size_t>(chunk / chunks.count)];
    const std::int64_t part = chunk % chunks.count;
    input.gated(task.gate, task.up, chunks.begin(part), chunks.end(part), task.y, task.gate.out);
  });
}

void sum_linears(ThreadPool& pool, Isa isa, std::span<const SumTask> tasks, float* y) {
  if (tasks.empty()) return;
  thread_local std::vector<std::vector<RoundedBlock>> rooms;
  rooms.resize(std::max(rooms.size(), tasks.size()));
  std::vector<Input> inputs;
  for (std::size_t i = 0; i < tasks.size(); ++i) inputs.emplace_back(isa, tasks[i].w, tasks[i].x, 1, rooms[i]);
  const Chunks chunks(tasks.front().w, static_cast<std::int64_t>(tasks.size()));
  pool.parallel_for(chunks.count, [&](int chunk) noexcept {
    for (std::size_t i = 0; i < tasks.size(); ++i) {
      inputs[i].multiply(tasks[i].w, chunks.begin(chunk), chunks.end(chunk), y, tasks[i].w.out, true);
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
  const Input input(isa, w, x, 1);
  const RowKernels& kernels = row_kernels(isa);
  const Chunks chunks(w, 1);
  scratch.resize(static_cast<std::size_t>(chunks.count));
  pool.parallel_for(chunks.count, [&](int chunk) noexcept {
    const std::int64_t begin = chunks.begin(chunk), end = chunks.end(chunk);
    input.multiply(w, begin, end, logits, w.out, false);
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
