#pragma once

#include "lib/nn/placement.hpp"

#include <lmm/options.hpp>

#include <memory>
#include <string>

namespace lmm::nn {

/// Makes the calling thread ready for inference: no autograd, `threads` OpenMP threads for what it starts, and nothing
/// changed for other threads of the process. Keep what it returns until the thread ends. Until then liblmm.so stays in
/// memory whatever the host closes, and libtorch until the process ends.
std::shared_ptr<void> enter_inference(int threads);

/// Device by its name ("cpu", "cuda", "cuda:1"). Errors: invalid_argument (unknown name), no_device.
at::Device find_device(const std::string& name);

/// Compute type of a checkpoint that stores `stored`: bf16 stays bf16, all else becomes fp32, unless asked otherwise.
at::ScalarType compute_type(DType asked, DType stored, const at::Device& device);

/// Runs fn and turns what torch and the standard library throw into lmm::Error, without their stack traces.
[[noreturn]] void rethrow_as_error();

}  // namespace lmm::nn
