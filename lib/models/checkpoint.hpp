#pragma once

#include "lib/core/json.hpp"
#include "lib/weights/weights.hpp"

#include <filesystem>
#include <memory>
#include <string>

namespace lmm::models {

/// A checkpoint folder as downloaded: its config.json and its weights, mapped but not read.
struct Checkpoint {
  std::filesystem::path folder;
  Json config;
  std::shared_ptr<const weights::Weights> weights;

  /// Fields of config.json, for errors that name the file.
  Fields fields() const { return Fields(config, (folder / "config.json").string()); }
};

}  // namespace lmm::models
