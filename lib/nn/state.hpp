#pragma once

#include <cstdint>
#include <memory>

namespace lmm::nn {

/// What a model's layers keep of the tokens seen so far, such as a KV cache. Used by the worker thread; no torch type is
/// seen here.
class State {
 public:
  virtual ~State() = default;
  virtual std::int64_t length() const = 0;         ///< tokens held
  virtual void truncate(std::int64_t length) = 0;  ///< forgets all but the first `length` tokens
  virtual std::unique_ptr<State> clone() const = 0;
};

}  // namespace lmm::nn
