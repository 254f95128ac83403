#pragma once

#include "lib/chat_template/ast.hpp"
#include "lib/chat_template/evaluator.hpp"

namespace lmm::chat_template {

/// Runs a loop over `over`; gives how its `else` body ended. depth is the level of a recursive loop, from 0.
Flow run_loop(Evaluator& evaluator, const For& node, const Value& over, std::int64_t depth);

/// The same in `scope`, giving what it printed; the body may call `loop`.
Text run_recursive(Evaluator& evaluator, const For& node, const Value& over, const std::shared_ptr<Scope>& scope,
                   std::int64_t depth);

}  // namespace lmm::chat_template
