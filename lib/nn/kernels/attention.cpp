#include "lib/nn/kernels/attention.hpp"

#include "lib/nn/kernels/row_kernels.hpp"

#include <algorithm>

namespace lmm::nn::kernels {
namespace {

// Keys and values of a slice are about this many bytes, see kChunkBytes in linear.cpp.
constexpr std::int64_t kSliceBytes = 32 * 1024;

std::int64_t slice_length(const AttentionShape& shape, DType dtype) {
  const std::int64_t bytes = 2 * shape.head_dim * bytes_of(dtype);
  return std::clamp<std::int64_t>(kSliceBytes / std::max<std::int64_t>(bytes, 1) / 64 * 64, 64, 512);
}

char* row_of(void* data, const AttentionShape& shape, const LayerCache& cache, std::int64_t head,
             std::int64_t position) {
  const std::int64_t row = head * cache.capacity + position;
  return static_cast<char*>(data) + row * shape.head_dim * bytes_of(cache.dtype);
}

}  // namespace

void rope(Isa isa, float* x, std::int64_t heads, std::int64_t head_dim, const float* cos, const float* sin) noexcept {
  row_kernels(isa).rope(x, heads, head_dim, cos, sin);
}

void append(Isa isa, const AttentionShape& shape, const LayerCache& cache, std::int64_t position, const float* keys,
            const float* values) noexcept {
  const RowKernels& kernels = row_kernels(isa);
  for (std::int64_t h = 0; h < shape.kv_heads; ++h) {
    const std::int64_t from = h * shape.head_dim;
    kernels.store(keys + from, shape.head_dim, row_of(cache.keys, shape, cache, h, position), cache.dtype);
    kernels.store(values + from, shape.head_dim, row_of(cache.values, shape, cache, h, position), cache.dtype);
  }
}

void attention(ThreadPool& pool, Isa isa, const AttentionShape& shape, const LayerCache& cache, std::int64_t begin,
               std::int64_t end, const float* queries, float* out, std::vector<float>& scratch) {
  const RowKernels& kernels = row_kernels(isa);
  const std::int64_t group = shape.heads / shape.kv_heads;
  const std::int64_t length = slice_length(shape, cache.dtype);
  const std::int64_t slices = (end - begin + length - 1) / length;

  // Per key/value head and slice: sums (group, head_dim), largest (group), total (group).
  const std::int64_t stride = group * (shape.head_dim + 2);
  scratch.resize(static_cast<std::size_t>(shape.kv_heads * slices * stride));
  float* const results = scratch.data();

  pool.parallel_for(static_cast<int>(shape.kv_heads * slices), [&](int chunk) noexcept {
    const std::int64_t head = chunk / slices, slice = chunk % slices;
    const std::int64_t first = begin + slice * length;
    float* const sums = results + chunk * stride;
    float* const largest = sums + group * shape.head_dim;
    kernels.attend(
        {queries + head * group * shape.head_dim, group, shape.head_dim, row_of(cache.keys, shape, cache, head, 0),
         row_of(cache.values, shape, cache, head, 0), cache.dtype, first, std::min(first + length, end), shape.scale},
        sums, largest, largest + group);
  });
  for (std::int64_t h = 0; h < shape.heads; ++h) {
    const float* const sums = results + h / group * slices * stride;
    const float* const largest = sums + group * shape.head_dim + h % group;
    kernels.join(sums + h % group * shape.head_dim, stride, largest, largest + group, stride, slices, shape.head_dim,
                 out + h * shape.head_dim);
  }
}

}  // namespace lmm::nn::kernels
