#pragma once

#include "lib/chat_template/evaluator.hpp"

namespace lmm::chat_template {

using MethodFunction = Value (*)(Evaluator&, const Value& self, Arguments&);

MethodFunction find_text_method(std::string_view name);   ///< null where str has none of that name
bool is_text_test(std::string_view name);                 ///< isdigit and the like
Value text_test(Evaluator& evaluator, std::string_view name, const Text& text);

}  // namespace lmm::chat_template
