#include "lib/session/worker.hpp"

#include "lib/core/error.hpp"

#include <pthread.h>

#include <algorithm>
#include <utility>

namespace lmm::session {

void TaskQueue::push(std::shared_ptr<Task> task) {
  if (process_ != ::getpid()) {
    fail(ErrorCode::unsupported,
         "the model was loaded in process {} and is used in process {}: load it after fork, in the process that uses it",
         process_, ::getpid());
  }
  Tasks one;
  one.push_back(std::move(task));
  {
    const std::lock_guard lock(mutex_);
    tasks_.splice(tasks_.end(), one);
  }
  changed_.notify_one();
}

void TaskQueue::wake() noexcept {
  if (process_ != ::getpid()) return;  // the lock may have been held when the process forked
  { const std::lock_guard lock(mutex_); }  // the worker is either before its look at the tasks, or waits
  changed_.notify_one();
}

TaskQueue::Tasks TaskQueue::take_ready(bool within) {
  Tasks taken;
  const auto found = std::find_if(tasks_.begin(), tasks_.end(), [&](const auto& task) { return task->ready(within); });
  if (found != tasks_.end()) taken.splice(taken.end(), tasks_, found);
  return taken;
}

void TaskQueue::run_one(Tasks task) {
  if (!task.front()->step()) return;  // the last owner of a model may be a task: it is released here, without the lock
  const std::lock_guard lock(mutex_);
  tasks_.splice(tasks_.end(), task);
}

void TaskQueue::run() {
  for (;;) {
    Tasks task;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [&] { return stopping_ || !(task = take_ready(false)).empty(); });
      if (stopping_) return;
    }
    run_one(std::move(task));
  }
}

void TaskQueue::wait_until(const std::function<bool()>& open) {
  if (std::exchange(waiting_within_, true)) return;
  for (;;) {
    Tasks task;
    {
      std::unique_lock lock(mutex_);
      bool done = false;
      changed_.wait(lock, [&] { return (done = stopping_ || open()) || !(task = take_ready(true)).empty(); });
      if (done) break;
    }
    run_one(std::move(task));
  }
  waiting_within_ = false;
}

TaskQueue::Tasks TaskQueue::stop() {
  Tasks dropped;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    dropped.swap(tasks_);
  }
  changed_.notify_all();
  return dropped;
}

Worker::Worker(std::function<std::shared_ptr<void>()> setup) : queue_(std::make_shared<TaskQueue>()) {
  thread_ = std::thread([queue = queue_, setup = std::move(setup)] {
    ::pthread_setname_np(::pthread_self(), "lmm-worker");
    const std::shared_ptr<void> kept = setup();
    queue->run();
  });
}

Worker::~Worker() {
  // In a forked child there is no such thread, and its lock may be held for ever.
  const bool here = queue_->process_ == ::getpid();
  TaskQueue::Tasks dropped;
  if (here) dropped = queue_->stop();
  if (here && std::this_thread::get_id() != thread_.get_id()) {
    thread_.join();
  } else {
    thread_.detach();
  }
}

}  // namespace lmm::session
