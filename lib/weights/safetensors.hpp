#pragma once

#include "lib/weights/tensor_view.hpp"

#include <filesystem>
#include <span>
#include <string_view>
#include <vector>

namespace lmm::weights {

/// Reads the header of a safetensors file held in memory; the views point into `bytes`, in the order of their data.
/// As strict as the reference (safetensors/src/tensor.rs): a header of at most 100 MB, tensors that fill the file
/// without holes or overlaps, sizes that match type and shape; stricter in that no name may stand twice.
/// Errors begin with `where`: bad_file; unsupported for an element type that lmm does not know.
std::vector<TensorView> parse_safetensors(std::span<const std::byte> bytes, std::string_view where);

/// The same for a file, which is mapped: no page of its data is touched, and the views keep the mapping alive.
/// Errors: not_found, io, and those of parse_safetensors.
std::vector<TensorView> open_safetensors(const std::filesystem::path& path);

}  // namespace lmm::weights
