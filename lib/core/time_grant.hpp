#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <limits>

namespace lmm {

/// When a long computation may run. Without end unless the host asks for less: paused, or only until some moment.
/// The worker asks before each unit of work (a layer, a token) and learns how long a unit takes, so that it stops before
/// the moment rather than after it. The host's calls are for any thread; begin_unit() and end_unit() for the worker.
class TimeGrant {
 public:
  using Clock = std::chrono::steady_clock;

  void set_forever() noexcept { until_.store(kForever, std::memory_order_release); }
  void set_none() noexcept { until_.store(kNever, std::memory_order_release); }

  /// Until `moment`; the first unit that begins before it runs however long it takes, so that work goes on.
  void set_until(Clock::time_point moment) noexcept {
    fresh_.store(true, std::memory_order_relaxed);
    until_.store(nanoseconds(moment), std::memory_order_release);
  }

  bool forever() const noexcept { return until_.load(std::memory_order_acquire) == kForever; }

  /// Whether a unit of work may begin now.
  bool open() const noexcept {
    const std::int64_t until = until_.load(std::memory_order_acquire);
    if (until == kForever || until == kNever) return until == kForever;
    const std::int64_t unit = fresh_.load(std::memory_order_relaxed) ? 0 : unit_.load(std::memory_order_relaxed);
    return nanoseconds(Clock::now()) < until - unit;
  }

  void begin_unit() noexcept {
    fresh_.store(false, std::memory_order_relaxed);
    began_ = nanoseconds(Clock::now());
  }

  void end_unit() noexcept {
    const std::int64_t took = nanoseconds(Clock::now()) - began_;
    const std::int64_t before = unit_.load(std::memory_order_relaxed);
    unit_.store(std::max(took, before - before / 8), std::memory_order_relaxed);  // a long one is remembered for a while
  }

 private:
  static constexpr std::int64_t kForever = std::numeric_limits<std::int64_t>::max();
  static constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::min();

  static std::int64_t nanoseconds(Clock::time_point moment) noexcept {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(moment.time_since_epoch()).count();
  }

  std::atomic<std::int64_t> until_{kForever};
  std::atomic<bool> fresh_{false};
  std::atomic<std::int64_t> unit_{0};  ///< nanoseconds that a unit is expected to take
  std::int64_t began_ = 0;
};

}  // namespace lmm
