#pragma once

#include <lmm/options.hpp>

#include <ATen/core/Tensor.h>

#include <memory>

namespace lmm::weights {
class PackedCache;
}

namespace lmm::nn {
namespace kernels {
class ThreadPool;
}

/// Where a model's tensors live and in which type they compute.
struct Placement {
  at::Device device = at::kCPU;
  at::ScalarType dtype = at::kFloat;
  std::shared_ptr<kernels::ThreadPool> pool = nullptr;  ///< threads of lmm's own CPU kernels; null: none are used
  WeightType weights = WeightType::full;                ///< of packable scopes; packed ones need the pool
  WeightType tower_weights = WeightType::full;          ///< of packable scopes of vision and audio towers
  std::shared_ptr<weights::PackedCache> cache = nullptr;  ///< where packed ones are looked for; null: they are made
};

}  // namespace lmm::nn
