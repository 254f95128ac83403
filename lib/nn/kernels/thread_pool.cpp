#include "lib/nn/kernels/thread_pool.hpp"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cfenv>
#include <cstdio>
#include <system_error>

namespace lmm::nn::kernels {
namespace {

// A pause is 10-50 ns. Workers outlast what a leader does alone between two regions; the leader sleeps sooner, because
// a worker that it waits for long has lost its processor, and may get the leader's.
constexpr int kWorkerSpins = 1000;
constexpr int kLeaderSpins = 300;

void pause_briefly() noexcept {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("isb");
#endif
}

/// Blocks, for threads started in its scope, the signals that a process is sent: they are the host's own threads' to
/// handle. Faults of the thread itself are not blocked.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t blocked;
    sigfillset(&blocked);
    for (const int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT}) sigdelset(&blocked, fault);
    pthread_sigmask(SIG_SETMASK, &blocked, &before_);
  }
  ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  sigset_t before_;
};

}  // namespace

ThreadPool::ThreadPool(int threads) : owner_process_(getpid()) {
  const int workers = std::max(threads, 1) - 1;
  workers_.reserve(static_cast<std::size_t>(workers));
  const SignalsBlocked blocked;
  for (int i = 1; i <= workers; ++i) {
    try {
      workers_.emplace_back([this] { worker_main(); });
    } catch (const std::system_error&) {
      break;
    }
    char name[16];
    std::snprintf(name, sizeof name, "lmm-kernel-%d", i % 1000);
    pthread_setname_np(workers_.back().native_handle(), name);
  }
}

ThreadPool::~ThreadPool() {
  const bool forked = getpid() != owner_process_;
  stop_.store(true, std::memory_order_relaxed);
  region_.fetch_add(1, std::memory_order_release);
  region_.notify_all();
  for (std::thread& worker : workers_) {
    forked ? worker.detach() : worker.join();  // in a child of fork() there is nobody to join
  }
}

void ThreadPool::run(int chunks, Call call, const void* callable) noexcept {
  if (chunks <= 1 || workers_.empty() || led_.exchange(true, std::memory_order_acquire)) {
    for (int chunk = 0; chunk < chunks; ++chunk) call(callable, chunk);
    return;
  }
  call_ = call;
  callable_ = callable;
  chunks_ = static_cast<std::uint32_t>(chunks);
  done_.store(0, std::memory_order_relaxed);
  const std::uint32_t region = region_.load(std::memory_order_relaxed) + 1;
  tickets_.store(static_cast<std::uint64_t>(region) << 32 | chunks_, std::memory_order_release);
  region_.store(region, std::memory_order_release);
  region_.notify_all();
  work();
  wait_done(static_cast<std::uint32_t>(chunks));
  led_.store(false, std::memory_order_release);
}

void ThreadPool::work() noexcept {
  std::uint64_t tickets = tickets_.load(std::memory_order_relaxed);
  while (static_cast<std::uint32_t>(tickets) != 0) {
    if (!tickets_.compare_exchange_weak(tickets, tickets - 1, std::memory_order_acquire, std::memory_order_relaxed)) {
      continue;
    }
    const std::uint32_t chunks = chunks_;  // the region cannot end, nor these change, before this chunk is done
    call_(callable_, static_cast<int>(chunks - static_cast<std::uint32_t>(tickets)));
    if (done_.fetch_add(1, std::memory_order_acq_rel) + 1 == chunks) done_.notify_all();
    tickets = tickets_.load(std::memory_order_relaxed);
  }
}

void ThreadPool::wait_done(std::uint32_t chunks) noexcept {
  for (int i = 0; i < kLeaderSpins; ++i) {
    if (done_.load(std::memory_order_acquire) == chunks) return;
    pause_briefly();
  }
  for (;;) {
    const std::uint32_t done = done_.load(std::memory_order_acquire);
    if (done == chunks) return;
    done_.wait(done, std::memory_order_acquire);
  }
}

void ThreadPool::worker_main() noexcept {
  std::fesetenv(FE_DFL_ENV);  // not what the host's thread, which made this one, may have set
  std::uint32_t seen = 0;
  while (!stop_.load(std::memory_order_relaxed)) {
    for (int i = 0; i < kWorkerSpins && region_.load(std::memory_order_acquire) == seen; ++i) pause_briefly();
    region_.wait(seen, std::memory_order_acquire);
    seen = region_.load(std::memory_order_acquire);
    work();
  }
}

}  // namespace lmm::nn::kernels
