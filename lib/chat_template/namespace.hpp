#pragma once

#include "lib/chat_template/value.hpp"

namespace lmm::chat_template {

/// namespace(...): the one thing whose attributes a template can set.
class Namespace : public Object {
 public:
  std::string type_name() const override { return "Namespace"; }
  Value attribute(Evaluator& evaluator, std::string_view name) override;
  Text repr(Evaluator& evaluator) override;
  void set(std::string_view name, Value value);   ///< Failure for names that begin with an underscore

  Dict attributes;
};

}  // namespace lmm::chat_template
