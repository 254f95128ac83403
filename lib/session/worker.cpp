#include "lib/session/worker.hpp"

#include "lib/core/error.hpp"

#include <pthread.h>
#include <unistd.h>

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

namespace lmm::session {

struct Worker::Shared {
  std::mutex mutex;
  std::condition_variable wake;
  std::deque<std::shared_ptr<Task>> tasks;
  bool stopping = false;
  pid_t process = ::getpid();
  std::thread thread;
};

namespace {

/// Takes the next task, or null when the worker stops.
template <typename Shared>
std::shared_ptr<Task> next_task(Shared& shared) {
  std::unique_lock lock(shared.mutex);
  shared.wake.wait(lock, [&] { return shared.stopping || !shared.tasks.empty(); });
  if (shared.stopping) return nullptr;
  std::shared_ptr<Task> task = std::move(shared.tasks.front());
  shared.tasks.pop_front();
  return task;
}

}  // namespace

Worker::Worker(std::function<std::shared_ptr<void>()> setup) : shared_(std::make_shared<Shared>()) {
  shared_->thread = std::thread([shared = shared_, setup = std::move(setup)] {
    ::pthread_setname_np(::pthread_self(), "lmm-worker");
    const std::shared_ptr<void> kept = setup();
    while (std::shared_ptr<Task> task = next_task(*shared)) {
      if (!task->step()) continue;  // the last owner of a model may be a task: it is released here, without the lock
      const std::lock_guard lock(shared->mutex);
      shared->tasks.push_back(std::move(task));
    }
  });
}

Worker::~Worker() {
  std::deque<std::shared_ptr<Task>> dropped;
  {
    const std::lock_guard lock(shared_->mutex);
    shared_->stopping = true;
    dropped.swap(shared_->tasks);
  }
  shared_->wake.notify_all();
  const bool own_thread = std::this_thread::get_id() == shared_->thread.get_id();
  if (own_thread || shared_->process != ::getpid()) {
    shared_->thread.detach();  // in a forked child there is no such thread to wait for
  } else {
    shared_->thread.join();
  }
}

void Worker::submit(std::shared_ptr<Task> task) {
  if (shared_->process != ::getpid()) {
    fail(ErrorCode::unsupported,
         "the model was loaded in process {} and is used in process {}: load it after fork, in the process that uses it",
         shared_->process, ::getpid());
  }
  {
    const std::lock_guard lock(shared_->mutex);
    shared_->tasks.push_back(std::move(task));
  }
  shared_->wake.notify_one();
}

}  // namespace lmm::session
