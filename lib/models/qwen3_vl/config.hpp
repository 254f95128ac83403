#pragma once

#include "lib/models/qwen2_vl/config.hpp"

namespace lmm::models::qwen3_vl {

/// config.json of `qwen3_vl` (transformers/models/qwen3_vl/configuration_qwen3_vl.py) or `qwen3_vl_moe`, but for the
/// tower. Errors: bad_file, unsupported.
qwen2_vl::Config parse(const Fields& fields);

}  // namespace lmm::models::qwen3_vl
