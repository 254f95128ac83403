#pragma once

#include <fmt/format.h>

#include <lmm/error.hpp>

#include <utility>

namespace lmm {

/// Throws lmm::Error with a formatted one-line message.
template <typename... Args>
[[noreturn]] void fail(ErrorCode code, fmt::format_string<Args...> format, Args&&... args) {
  throw Error(code, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace lmm
