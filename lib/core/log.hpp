#pragma once

#include "lib/core/no_waiting.hpp"

#include <fmt/format.h>

#include <lmm/options.hpp>

#include <mutex>
#include <string>
#include <string_view>
#include <utility>

namespace lmm {

/// Lines for the host about one model. Costs nothing where nobody listens; no failure of a line reaches the caller.
/// Usable from any thread: the sink is called by one at a time.
class Log {
 public:
  /// Before any other thread uses it.
  void send_to(OnLog sink) { sink_ = std::move(sink); }

  template <typename... Args>
  void line(LogLevel level, fmt::format_string<Args...> format, Args&&... args) const noexcept {
    if (!sink_) return;
    try {
      const std::string text = fmt::format(format, std::forward<Args>(args)...);
      const NoWaiting guard;
      const std::lock_guard lock(mutex_);
      sink_(level, text);
    } catch (...) {  // the host's own, or no memory: the work goes on
    }
  }

 private:
  OnLog sink_;
  mutable std::mutex mutex_;
};

}  // namespace lmm
