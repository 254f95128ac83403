#pragma once

#include "lib/core/error.hpp"
#include "lib/core/no_waiting.hpp"
#include "lib/core/time_grant.hpp"

#include <lmm/options.hpp>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <exception>
#include <functional>
#include <string>
#include <string_view>

namespace lmm {

/// True where `text` matches `glob`: `*` any characters, `?` one, everything else itself.
bool glob_match(std::string_view glob, std::string_view text);

/// What a function of the host threw on the worker thread: handed to the host as it is, not as an Error.
struct HostException {
  std::exception_ptr thrown;
};

/// What a long computation carries along: cancellation, granted time, progress and taps. Used by the worker thread;
/// `cancel()` and the progress getters may be called from any thread.
class Run {
 public:
  Run() = default;
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;

  void cancel() noexcept { cancelled_.store(true, std::memory_order_relaxed); }
  bool cancelled() const noexcept { return cancelled_.load(std::memory_order_relaxed); }

  /// Throws Error `cancelled` once cancel() was called, and waits while no time is granted. Called at least once a layer.
  void checkpoint() {
    if (!grant.forever() && wait_) {
      grant.end_unit();
      if (!grant.open()) wait_();
      grant.begin_unit();
    }
    if (cancelled()) throw Error(ErrorCode::cancelled, "cancelled by the caller");
  }

  TimeGrant grant;

  /// What checkpoint() calls where no time is granted: returns when there is some, or at once where it can't wait.
  void wait_by(std::function<void()> wait) { wait_ = std::move(wait); }

  /// Starts a stage (static storage) of `total` steps.
  void begin(const char* stage, std::int64_t total) noexcept {
    done_.store(0, std::memory_order_relaxed);
    total_.store(total, std::memory_order_relaxed);
    stage_.store(stage, std::memory_order_release);
  }
  void advance(std::int64_t steps) noexcept { done_.fetch_add(steps, std::memory_order_relaxed); }
  Progress progress() const noexcept {
    const char* stage = stage_.load(std::memory_order_acquire);
    const std::int64_t total = total_.load(std::memory_order_relaxed);
    // Read while a stage begins, the two may be of different ones.
    return {stage, std::min(done_.load(std::memory_order_relaxed), total), total};
  }

  /// Observes intermediates whose name matches a glob; set before the run begins.
  void observe(std::string glob, OnTap sink) {
    glob_ = std::move(glob);
    sink_ = std::move(sink);
  }
  bool observed() const noexcept { return static_cast<bool>(sink_); }
  bool wants(std::string_view name) const { return observed() && glob_match(glob_, name); }
  void emit(const Tap& tap) const {
    const NoWaiting guard;
    bool goes_on = false;
    try {
      goes_on = sink_(tap);
    } catch (...) {
      throw HostException{std::current_exception()};
    }
    if (!goes_on) throw Error(ErrorCode::cancelled, "cancelled by on_tap");
  }

 private:
  std::atomic<bool> cancelled_{false};
  std::atomic<const char*> stage_{""};
  std::atomic<std::int64_t> done_{0};
  std::atomic<std::int64_t> total_{0};
  std::function<void()> wait_;
  std::string glob_;
  OnTap sink_;
};

}  // namespace lmm
