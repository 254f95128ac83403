#pragma once

#include <lmm/error.hpp>

#include <exception>
#include <utility>

namespace lmm::models {

/// Settings that a model does not always need, such as those of videos: what is wrong with them is said when they are.
template <typename Settings>
class WhenNeeded {
 public:
  /// Settings as `read` returns them; its Error is kept.
  template <typename Read>
  static WhenNeeded from(Read&& read) {
    WhenNeeded out;
    try {
      out.settings_ = std::forward<Read>(read)();
    } catch (const Error&) {
      out.error_ = std::current_exception();
    }
    return out;
  }

  /// Throws the Error that reading them threw.
  const Settings& get() const {
    if (error_) std::rethrow_exception(error_);
    return settings_;
  }

 private:
  Settings settings_ = {};
  std::exception_ptr error_;
};

}  // namespace lmm::models
