#pragma once

#include <condition_variable>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <thread>

#include <unistd.h>

namespace lmm::session {

/// Work in steps. The worker calls step() again and again, in turn with other tasks, until it returns false.
class Task {
 public:
  virtual ~Task() = default;

  /// Whether its turn may begin; where this is true, step() follows at once. `within`: another task waits in the middle
  /// of its own step meanwhile, and this one must not wait in turn. Called with the queue locked.
  virtual bool ready(bool /*within*/) noexcept { return true; }
  virtual bool step() noexcept = 0;
};

/// Tasks and their turns; shared by a worker and by those who may have to wake it. Thread-safe.
class TaskQueue {
 public:
  /// Error unsupported in a process forked from the one that made the queue: the worker is not there.
  void push(std::shared_ptr<Task> task);

  /// Tells the worker that a task's ready(), or what wait_until() waits for, may have changed.
  void wake() noexcept;

  /// Worker thread: waits in the middle of a task's step until `open`, while other tasks take their turns. `open` is
  /// called with the queue locked. Returns at once from a task that has its turn within another's wait, and when the
  /// worker stops.
  void wait_until(const std::function<bool()>& open);

 private:
  friend class Worker;
  using Tasks = std::list<std::shared_ptr<Task>>;  // a turn needs no memory: it moves a node out and back

  Tasks take_ready(bool within);  // one or none; with the queue locked
  void run_one(Tasks task);
  void run();
  Tasks stop();

  std::mutex mutex_;
  std::condition_variable changed_;
  Tasks tasks_;
  bool stopping_ = false;
  const int process_ = ::getpid();
  bool waiting_within_ = false;  ///< worker thread only
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

  const std::shared_ptr<TaskQueue>& queue() const noexcept { return queue_; }

 private:
  std::shared_ptr<TaskQueue> queue_;
  std::thread thread_;
};

}  // namespace lmm::session
