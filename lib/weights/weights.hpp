#pragma once

#include "lib/weights/convert.hpp"
#include "lib/weights/tensor_view.hpp"

#include <atomic>
#include <filesystem>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace lmm::weights {

class Scope;

/// All tensors of a checkpoint folder: model.safetensors, or the files that model.safetensors.index.json names.
/// Opening maps the files and reads their headers; no page of data is touched. Immutable, usable from many threads.
class Weights : public std::enable_shared_from_this<Weights> {
 public:
  /// `below`: keeps what lies below this prefix alone, and no mapping of files without such, if anything does: of a
  /// checkpoint of several models the one that is run.
  /// Errors: not_found (says what was looked for, and which unsupported format lies there instead); bad_file
  /// (malformed file or index, a tensor twice or not where the index says); unsupported (element type); io.
  static std::shared_ptr<const Weights> open(const std::filesystem::path& folder, std::string_view below = {});

  /// The tensor of that name, or nullptr. Does not count as a use.
  const TensorView* find(std::string_view name) const noexcept;

  std::span<const TensorView> tensors() const noexcept { return tensors_; }  ///< sorted by name
  std::vector<std::string_view> names() const;                               ///< sorted
  const std::vector<std::filesystem::path>& files() const noexcept { return files_; }
  std::uint64_t total_bytes() const noexcept { return total_bytes_; }  ///< of all tensors as stored
  std::uint64_t parameters() const noexcept { return parameters_; }    ///< stored elements

  /// Tensors below a prefix, e.g. "model.layers.3"; "" for all.
  Scope scope(std::string_view prefix) const;

  /// The first of these prefixes that a tensor of the checkpoint lies below, for weights that were spelled differently
  /// over time ("model.text_model", "text_model"); the first where none fits, so that errors name the usual spelling.
  /// "" fits always.
  std::string_view first_of(std::initializer_list<std::string_view> prefixes) const noexcept;

  /// Names that no Scope has given out so far, sorted: what the checkpoint holds and the model did not take.
  std::vector<std::string_view> unused() const;

 private:
  friend class Scope;
  Weights() = default;
  void add_file(const std::filesystem::path& path);
  void add_shards(const std::filesystem::path& index_path);
  void keep_below(std::string_view prefix);
  void finish();
  bool has_below(std::string_view prefix) const noexcept;
  const TensorView& take(const TensorView& view) const noexcept;
  [[noreturn]] void missing(const std::string& name, const std::vector<std::int64_t>& shape) const;

  std::filesystem::path folder_;
  std::vector<std::filesystem::path> files_;
  std::vector<TensorView> tensors_;
  std::unique_ptr<std::atomic<bool>[]> used_;  ///< one a tensor
  std::uint64_t total_bytes_ = 0;
  std::uint64_t parameters_ = 0;
};

/// Tensors below a prefix; a layer is constructed from one. Cheap to copy, keeps the weights alive.
class Scope {
 public:
  Scope(std::shared_ptr<const Weights> weights, std::string prefix)
      : weights_(std::move(weights)), prefix_(std::move(prefix)) {}

  Scope scope(std::string_view name) const { return {weights_, full_name(name)}; }

  /// Weights::first_of below this prefix.
  Scope first_of(std::initializer_list<std::string_view> names) const;

  bool has(std::string_view name) const { return weights_->find(full_name(name)) != nullptr; }

  /// True where there is a tensor of that name and exactly this shape.
  bool has(std::string_view name, const std::vector<std::int64_t>& shape) const;

  /// The tensor, and marks it as used. Error bad_file with its full name where it is missing (proposes the nearest
  /// names) or of another shape. The reference lives as long as the weights.
  const TensorView& tensor(std::string_view name, const std::vector<std::int64_t>& shape) const;

  const std::string& prefix() const noexcept { return prefix_; }

 private:
  std::string full_name(std::string_view name) const;

  std::shared_ptr<const Weights> weights_;
  std::string prefix_;
};

}  // namespace lmm::weights
