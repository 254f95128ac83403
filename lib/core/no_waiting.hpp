#pragma once

#include "lib/core/error.hpp"

namespace lmm {

/// Whether this thread is within a callback in which calls that wait for a worker would wait for themselves.
inline thread_local int no_waiting = 0;

struct NoWaiting {
  NoWaiting() { ++no_waiting; }
  ~NoWaiting() { --no_waiting; }
  NoWaiting(const NoWaiting&) = delete;
  NoWaiting& operator=(const NoWaiting&) = delete;
};

/// Error busy within such a callback.
inline void check_may_wait(const char* call) {
  if (no_waiting > 0) {
    fail(ErrorCode::busy, "{} waits for a model's worker, so it cannot be called by on_tap or on_log", call);
  }
}

}  // namespace lmm
