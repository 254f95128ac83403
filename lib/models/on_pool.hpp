#pragma once

#include "lib/media/resample.hpp"
#include "lib/nn/kernels/thread_pool.hpp"
#include "lib/nn/placement.hpp"

#include <exception>
#include <functional>
#include <mutex>

namespace lmm::models {

/// How preprocessing is shared out over a model's pool; empty where it has none. What a task throws comes out of the whole, once
/// all are done.
inline media::ParallelFor on_pool(const nn::Placement& placement) {
  if (placement.pool == nullptr) return {};
  return [&pool = *placement.pool](std::int64_t count, const std::function<void(std::int64_t)>& task) {
    std::mutex mutex;
    std::exception_ptr first;
    pool.parallel_for(static_cast<int>(count), [&](int i) noexcept {
      try {
        task(i);
      } catch (...) {
        const std::lock_guard lock(mutex);
        if (first == nullptr) first = std::current_exception();
      }
    });
    if (first != nullptr) std::rethrow_exception(first);
  };
}

}  // namespace lmm::models
