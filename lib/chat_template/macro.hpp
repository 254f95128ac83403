#pragma once

#include "lib/chat_template/ast.hpp"

namespace lmm::chat_template {

/// A macro that sees the variables of the current scope.
Value make_macro(Evaluator& evaluator, const MacroDefinition& definition);

}  // namespace lmm::chat_template
