#include "lib/weights/weights.hpp"

#include "lib/core/checked.hpp"
#include "lib/core/error.hpp"
#include "lib/weights/nearest.hpp"
#include "lib/weights/safetensors.hpp"
#include "lib/weights/shard_index.hpp"

#include <algorithm>
#include <iterator>
#include <system_error>

namespace lmm::weights {
namespace {

constexpr const char* kSingle = "model.safetensors";
constexpr const char* kIndex = "model.safetensors.index.json";

/// What lies in the folder instead of safetensors, as the end of an error; empty where nothing known does.
std::string other_format(const std::filesystem::path& folder) {
  std::error_code error;
  std::vector<std::string> names;
  for (std::filesystem::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    names.push_back(it->path().filename().string());
  }
  std::sort(names.begin(), names.end());
  for (const std::string& name : names) {
    if (name.ends_with(".gguf")) return fmt::format("; {} is there, but GGUF is not supported", printable(name));
    if (name.starts_with("pytorch_model") && (name.ends_with(".bin") || name.ends_with(".bin.index.json"))) {
      return fmt::format("; {} is there, but pickled weights are not supported (convert them to safetensors)",
                         printable(name));
    }
  }
  return {};
}

bool less_name(const TensorView& a, const TensorView& b) noexcept { return a.name < b.name; }

}  // namespace

std::shared_ptr<const Weights> Weights::open(const std::filesystem::path& folder, std::string_view below) {
  std::shared_ptr<Weights> weights(new Weights);
  weights->folder_ = folder;
  std::error_code error;
  if (std::filesystem::exists(folder / kSingle, error)) {
    weights->add_file(folder / kSingle);
  } else if (std::filesystem::exists(folder / kIndex, error)) {
    weights->add_shards(folder / kIndex);
  } else {
    fail(ErrorCode::not_found, "{}: no weights: neither {} nor {}{}", folder.string(), kSingle, kIndex,
         other_format(folder));
  }
  weights->finish();
  weights->keep_below(below);
  return weights;
}

void Weights::add_file(const std::filesystem::path& path) {
  std::vector<TensorView> views = open_safetensors(path);
  files_.push_back(path);
  std::move(views.begin(), views.end(), std::back_inserter(tensors_));
}

void Weights::add_shards(const std::filesystem::path& index_path) {
  const ShardIndex index = read_shard_index(index_path);
  std::error_code error;
  for (const std::string& file : index.files) {
    if (std::filesystem::exists(folder_ / file, error)) continue;
    fail(ErrorCode::not_found, "{}: no such file, but {} names it", (folder_ / file).string(), index_path.string());
  }
  for (const std::string& file : index.files) add_file(folder_ / file);
  std::sort(tensors_.begin(), tensors_.end(), less_name);
  for (const auto& [name, file] : index.tensors) {
    const TensorView* view = find(name);
    const std::string& expected = index.files[file];
    if (view != nullptr && view->file->path().filename() == expected) continue;
    fail(ErrorCode::bad_file, "{}: weight_map says that {} is in {}, but it is {}", index_path.string(),
         printable(name), expected,
         view == nullptr ? std::string("in none of the files") : "in " + view->file->path().filename().string());
  }
}

/// Sorts by name, each once.
void Weights::finish() {
  std::sort(tensors_.begin(), tensors_.end(), less_name);
  const auto same_name = [](const TensorView& a, const TensorView& b) { return a.name == b.name; };
  const auto twice = std::adjacent_find(tensors_.begin(), tensors_.end(), same_name);
  if (twice != tensors_.end()) {
    fail(ErrorCode::bad_file, "{}: tensor {} is in {} and in {}, expected once", folder_.string(),
         printable(twice->name), twice->file->path().filename().string(),
         std::next(twice)->file->path().filename().string());
  }
}

void Weights::keep_below(std::string_view prefix) {
  if (!prefix.empty() && has_below(prefix)) {
    const std::string start = std::string(prefix) + '.';
    std::erase_if(tensors_, [&](const TensorView& view) { return !view.name.starts_with(start); });
    std::erase_if(files_, [&](const std::filesystem::path& file) {
      return std::none_of(tensors_.begin(), tensors_.end(),
                          [&](const TensorView& view) { return view.file->path() == file; });
    });
  }
  for (const TensorView& view : tensors_) {
    total_bytes_ = checked_add(total_bytes_, view.bytes, "size of all tensors");
    parameters_ = checked_add(parameters_, view.elements(), "elements of all tensors");
  }
  used_ = std::make_unique<std::atomic<bool>[]>(tensors_.size());
}

const TensorView* Weights::find(std::string_view name) const noexcept {
  const auto it = std::lower_bound(tensors_.begin(), tensors_.end(), name,
                                   [](const TensorView& view, std::string_view wanted) { return view.name < wanted; });
  return it != tensors_.end() && it->name == name ? &*it : nullptr;
}

std::vector<std::string_view> Weights::names() const {
  std::vector<std::string_view> out;
  out.reserve(tensors_.size());
  for (const TensorView& view : tensors_) out.push_back(view.name);
  return out;
}

Scope Weights::scope(std::string_view prefix) const { return {shared_from_this(), std::string(prefix)}; }

bool Weights::has_below(std::string_view prefix) const noexcept {
  if (prefix.empty()) return true;
  auto it = std::lower_bound(tensors_.begin(), tensors_.end(), prefix,
                             [](const TensorView& view, std::string_view wanted) { return view.name < wanted; });
  // Names such as "model-x" sort between "model" and "model.".
  for (; it != tensors_.end() && it->name.starts_with(prefix); ++it) {
    if (it->name.size() == prefix.size() || it->name[prefix.size()] == '.') return true;
  }
  return false;
}

std::string_view Weights::first_of(std::initializer_list<std::string_view> prefixes) const noexcept {
  for (const std::string_view prefix : prefixes) {
    if (has_below(prefix)) return prefix;
  }
  return prefixes.size() == 0 ? std::string_view() : *prefixes.begin();
}

std::vector<std::string_view> Weights::unused() const {
  std::vector<std::string_view> out;
  for (std::size_t i = 0; i < tensors_.size(); ++i) {
    if (!used_[i].load(std::memory_order_relaxed)) out.push_back(tensors_[i].name);
  }
  return out;
}

const TensorView& Weights::take(const TensorView& view) const noexcept {
  used_[static_cast<std::size_t>(&view - tensors_.data())].store(true, std::memory_order_relaxed);
  return view;
}

void Weights::missing(const std::string& name, const std::vector<std::int64_t>& shape) const {
  const std::vector<std::string_view> near = nearest(name, names());
  std::string hint;
  for (const std::string_view other : near) hint += (hint.empty() ? "; nearest are " : ", ") + printable(other);
  fail(ErrorCode::bad_file, "{}: tensor {} of shape {} is missing among {} tensors{}", folder_.string(),
       printable(name), shape_text(shape), tensors_.size(), hint);
}

std::string Scope::full_name(std::string_view name) const {
  if (prefix_.empty() || name.empty()) return prefix_ + std::string(name);
  return fmt::format("{}.{}", prefix_, name);
}

Scope Scope::first_of(std::initializer_list<std::string_view> names) const {
  for (const std::string_view name : names) {
    if (weights_->has_below(full_name(name))) return scope(name);
  }
  return names.size() == 0 ? *this : scope(*names.begin());
}

bool Scope::has(std::string_view name, const std::vector<std::int64_t>& shape) const {
  const TensorView* view = weights_->find(full_name(name));
  return view != nullptr && view->shape == shape;
}

const TensorView& Scope::tensor(std::string_view name, const std::vector<std::int64_t>& shape) const {
  const std::string full = full_name(name);
  const TensorView* view = weights_->find(full);
  if (view == nullptr) weights_->missing(full, shape);
  if (view->shape != shape) {
    fail(ErrorCode::bad_file, "{}: tensor {} has shape {}, expected {}", view->file->path().string(), printable(full),
         shape_text(view->shape), shape_text(shape));
  }
  return weights_->take(*view);
}

}  // namespace lmm::weights
