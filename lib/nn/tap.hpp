#pragma once

#include "lib/core/run.hpp"

#include <ATen/ATen.h>

#include <string>
#include <string_view>

namespace lmm::nn {

/// Shows an intermediate under `scope` + `suffix` to whoever observes the run; free when nobody does.
inline void tap(const Run& run, std::string_view scope, std::string_view suffix, const at::Tensor& tensor) {
  if (!run.observed()) [[likely]] return;
  std::string name(scope);
  name += suffix;
  if (!run.wants(name)) return;
  const at::Tensor values = tensor.detach().to(at::kCPU, at::kFloat).contiguous();
  run.emit({name, values.sizes().vec(), values.const_data_ptr<float>()});
}

}  // namespace lmm::nn
