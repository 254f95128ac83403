#pragma once

#include <functional>
#include <memory>

namespace lmm::session {

/// Work in steps. The worker calls step() again and again, in turn with other tasks, until it returns false.
class Task {
 public:
  virtual ~Task() = default;
  virtual bool step() noexcept = 0;
};

/// The one thread that runs a model's arithmetic. Tasks take turns, so that several sessions advance together.
/// Thread-safe. Destroying it finishes no task: those still queued are dropped after their current step.
class Worker {
 public:
  /// `setup` runs first on the new thread, and what it returns is kept until the thread ends.
  explicit Worker(std::function<std::shared_ptr<void>()> setup);
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  /// Error unsupported in a process forked from the one that made the worker: the thread is not there.
  void submit(std::shared_ptr<Task> task);

 private:
  struct Shared;
  std::shared_ptr<Shared> shared_;
};

}  // namespace lmm::session
