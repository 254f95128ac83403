#pragma once

#include <ATen/core/Tensor.h>

namespace lmm::nn {

/// Where a model's tensors live and in which type they compute.
struct Placement {
  at::Device device = at::kCPU;
  at::ScalarType dtype = at::kFloat;
};

}  // namespace lmm::nn
