#pragma once

#include "lib/media/picture.hpp"

#include <cstdint>
#include <functional>

namespace lmm::media {

/// Resampling filters, numbered as PIL.Image.Resampling (and `resample` in preprocessor_config.json).
enum class Resample : std::int32_t {
  nearest = 0,
  lanczos = 1,
  bilinear = 2,
  bicubic = 3,
  box = 4,
  hamming = 5,
  mks2013 = 6,
  mks2021 = 7,
};

/// Runs task(0) ... task(count - 1), in any order and on any threads, and returns when all are done.
using ParallelFor = std::function<void(std::int64_t count, const std::function<void(std::int64_t)>& task)>;

/// The inner loops to use. `automatic`: the fastest that the processor has. All give the same bytes.
enum class Kernel : std::int32_t { automatic = 0, portable = 1, sse4 = 2, avx2 = 3 };

/// True where the processor (and the build) has it.
bool has_kernel(Kernel kernel) noexcept;

/// Resized to (height, width), bit for bit as Pillow 13's Image.resize(size, filter) of an RGB picture, which is
/// src/libImaging/Resample.c: two passes of a convolution with 22-bit fixed-point coefficients, rounded to 8 bits
/// after each; the pass order is Pillow's too. Runs on the caller's thread unless `parallel_for` is given. Memory
/// beside the result: some rows. Throws Error: invalid_argument (size), out_of_memory.
Picture resize(const Picture& picture, std::int64_t width, std::int64_t height, Resample filter,
               const ParallelFor& parallel_for = {}, Kernel kernel = Kernel::automatic);

/// The same as torch 2.13's interpolate(antialias=True) of 8-bit RGB gives it, bit for bit, which the reference's processors
/// take that use torchvision: the weights in 16 bits, as exact as the largest of them allows
/// (aten/src/ATen/native/cpu/UpSampleKernel.cpp), always along the rows first. filter: bilinear, bicubic or lanczos.
/// Throws Error: as resize, invalid_argument (another filter).
Picture resize_as_torch(const Picture& picture, std::int64_t width, std::int64_t height, Resample filter,
                        const ParallelFor& parallel_for = {}, Kernel kernel = Kernel::automatic);

/// Whether resize_as_torch has it.
bool torch_has(Resample filter) noexcept;

}  // namespace lmm::media
