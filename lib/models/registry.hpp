#pragma once

#include "lib/models/checkpoint.hpp"
#include "lib/models/family.hpp"
#include "lib/nn/placement.hpp"

#include <memory>
#include <span>
#include <string_view>

namespace lmm::models {

/// One line a model_type.
struct FamilyEntry {
  std::string_view model_type;
  /// Reads configs only. Errors: bad_file, unsupported.
  FamilyInfo (*describe)(const Checkpoint& checkpoint);
  /// Builds the layers. Runs on the worker thread; progress in bytes of weights.
  std::unique_ptr<const Family> (*load)(const Checkpoint& checkpoint, const nn::Placement& placement, Run& run);
  std::string_view weights = {};  ///< what all names begin with, where the checkpoint holds other models' weights too
};

std::span<const FamilyEntry> families();

/// The entry for config.json's model_type. Error unsupported lists the known ones.
const FamilyEntry& family_of(const Checkpoint& checkpoint);

}  // namespace lmm::models
