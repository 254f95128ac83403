#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace lmm::weights {

/// model.safetensors.index.json: which file of its folder holds which tensor.
struct ShardIndex {
  std::vector<std::string> files;                            ///< names without folder, sorted, each once
  std::vector<std::pair<std::string, std::size_t>> tensors;  ///< name, index into files; sorted by name
};

/// Errors: not_found, io, bad_file (JSON, a name twice, a file name that leads out of the folder).
ShardIndex read_shard_index(const std::filesystem::path& path);

}  // namespace lmm::weights
