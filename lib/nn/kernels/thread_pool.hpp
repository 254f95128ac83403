#pragma once

#include <atomic>
#include <cstdint>
#include <thread>
#include <type_traits>
#include <vector>

namespace lmm::nn::kernels {

/// A team of threads that shares out the chunks of short parallel regions (microseconds each).
///
/// Chunks are claimed one by one, so a thread that lost its processor to a neighbour takes fewer of them, and one that
/// is not running at all takes none and is not waited for. Threads wait for work by spinning briefly, then sleep.
///
/// One thread at a time leads a region. A call from within a region, or while another thread leads one, does all its
/// chunks itself, which is slow but right. After fork() the child has no workers: its calls do all chunks themselves.
class ThreadPool {
 public:
  /// `threads` in all, the caller of parallel_for among them; less than 1 counts as 1. Bounding it by what the process
  /// may use is the owner's part (bounded_threads). Where the system refuses a thread the team is smaller.
  explicit ThreadPool(int threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  /// Threads in the team, the caller included.
  int size() const noexcept { return static_cast<int>(workers_.size()) + 1; }

  /// Calls fn(chunk) once for each chunk of 0 .. chunks - 1, on any of the threads in any order, and returns when all
  /// are done. `fn` must be noexcept.
  template <typename Fn>
  void parallel_for(int chunks, Fn&& fn) noexcept {
    using Callable = std::remove_reference_t<Fn>;
    static_assert(std::is_nothrow_invocable_v<Callable&, int>, "a chunk must not throw: mark the lambda noexcept");
    run(
        chunks,
        [](const void* callable, int chunk) noexcept { (*static_cast<Callable*>(const_cast<void*>(callable)))(chunk); },
        &fn);
  }

 private:
  using Call = void (*)(const void* callable, int chunk) noexcept;

  void run(int chunks, Call call, const void* callable) noexcept;
  void work() noexcept;  // claims and does chunks until none is left
  void wait_done(std::uint32_t chunks) noexcept;
  void worker_main() noexcept;

  // The region at hand; written by the leader before it publishes `tickets_`, read by those who hold a chunk of it.
  Call call_ = nullptr;
  const void* callable_ = nullptr;
  std::uint32_t chunks_ = 0;

  // Region number in the upper half, chunks not yet claimed in the lower: claiming by compare-and-swap cannot mix up
  // two regions, so late threads need not check out of a region before the next begins.
  alignas(64) std::atomic<std::uint64_t> tickets_{0};
  alignas(64) std::atomic<std::uint32_t> done_{0};
  alignas(64) std::atomic<std::uint32_t> region_{0};  // what sleeping workers wait on
  std::atomic<bool> stop_{false};
  std::atomic<bool> led_{false};
  int owner_process_;
  std::vector<std::thread> workers_;
};

}  // namespace lmm::nn::kernels
