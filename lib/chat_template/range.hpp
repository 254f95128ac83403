#pragma once

#include "lib/chat_template/value.hpp"

namespace lmm::chat_template {

/// Python's range.
class Range : public Object {
 public:
  Range(std::int64_t start, std::int64_t stop, std::int64_t step);   ///< Failure for a step of 0
  std::string type_name() const override { return "range"; }
  Value attribute(Evaluator& evaluator, std::string_view name) override;
  Value item(Evaluator& evaluator, const Value& key) override;
  IteratorPtr iterate(Evaluator& evaluator) override;
  bool reversible() const override { return true; }
  std::optional<std::int64_t> length(Evaluator&) override { return count_; }
  Text repr(Evaluator& evaluator) override;

  std::int64_t count() const noexcept { return count_; }
  std::int64_t at(std::int64_t index) const noexcept { return start_ + index * step_; }
  Value slice(std::int64_t first, std::int64_t last, std::int64_t step) const;   ///< of indices

 private:
  std::int64_t start_, stop_, step_;
  std::int64_t count_ = 0;
};

}  // namespace lmm::chat_template
