#include "lib/weights/safetensors.hpp"

#include "lib/core/checked.hpp"
#include "lib/core/error.hpp"
#include "lib/core/json.hpp"

#include <algorithm>
#include <set>
#include <string>
#include <tuple>
#include <utility>

namespace lmm::weights {
namespace {

constexpr std::uint64_t kLengthBytes = 8;
constexpr std::uint64_t kMaxHeader = 100'000'000;
constexpr std::size_t kMaxRank = 64;
constexpr std::string_view kMetadata = "__metadata__";
constexpr std::string_view kLfsPointer = "version https://git-lfs.github.com/spec/";

std::string_view text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::uint64_t little_endian(std::span<const std::byte> bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = bytes.size(); i-- > 0;) value = value << 8 | std::to_integer<std::uint64_t>(bytes[i]);
  return value;
}

struct Described {
  TensorView view;
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
};

/// Takes the entries of the header one by one as the parser comes by them, so that a header of many tensors never
/// stands in memory as a whole, and a name that stands twice is seen.
class HeaderReader {
 public:
  explicit HeaderReader(std::string_view where) : where_(where) {}

  std::vector<Described> read(std::string_view header) {
    using Event = SortedJson::parse_event_t;
    const auto visit = [this](int depth, Event event, SortedJson& value) {
      if (event == Event::key) key(depth, value.get_ref<const std::string&>());
      if (event == Event::object_start && depth == 1) fields_.clear();
      const bool whole = event == Event::object_end || event == Event::array_end || event == Event::value;
      const bool begins = event == Event::object_start || event == Event::array_start || event == Event::value;
      if (begins && depth >= 3 && ++parts_ > kMaxRank) wrong("a list", "more entries", "at most 64");
      if (whole && depth == 2) return is_read(value);
      if (!whole || depth != 1) return true;
      entry(value);
      return false;  // the parser forgets it
    };
    parse_sorted_json(header, where_, visit);
    return std::move(tensors_);
  }

 private:
  void key(int depth, const std::string& name) {
    if (depth == 1) {
      name_ = name;
      if (!names_.insert(name).second)
        fail(ErrorCode::bad_file, "{}: {} stands twice in the header", where_, printable(name));
    } else if (depth == 2) {
      field_ = name;
      parts_ = 0;
      if (!fields_.insert(name).second) {
        fail(ErrorCode::bad_file, "{}: {}: {} stands twice", where_, printable(name_), printable(name));
      }
    }
  }

  /// Whether a field is read; others, and metadata that is as it should be, are not kept.
  bool is_read(const SortedJson& value) const {
    if (name_ == kMetadata) return !value.is_string();
    return field_ == "dtype" || field_ == "shape" || field_ == "data_offsets";
  }

  void entry(const SortedJson& value) {
    if (name_ == kMetadata) return metadata(value);
    if (!value.is_object()) wrong("the entry", "not a JSON object", "one with dtype, shape and data_offsets");
    Described tensor;
    tensor.view.name = name_;
    tensor.view.dtype = dtype(value);
    std::uint64_t elements = 1;
    for (const std::uint64_t size : numbers(value, "shape")) {
      if (size > static_cast<std::uint64_t>(INT64_MAX)) wrong("shape", "a size beyond 63 bits", "less");
      elements = checked_mul(elements, size, fmt::format("{}: shape of {}", where_, printable(name_)));
      tensor.view.shape.push_back(static_cast<std::int64_t>(size));
    }
    tensor.view.bytes =
        checked_mul(elements, scalar_size(tensor.view.dtype), fmt::format("{}: size of {}", where_, printable(name_)));
    const std::vector<std::uint64_t> offsets = numbers(value, "data_offsets");
    if (offsets.size() != 2) wrong("data_offsets", fmt::format("{} numbers", offsets.size()), "2");
    tensor.begin = offsets[0];
    tensor.end = offsets[1];
    tensors_.push_back(std::move(tensor));
  }

  void metadata(const SortedJson& value) const {
    const auto is_text = [](const SortedJson& item) { return item.is_string(); };
    const bool fits = value.is_null() || (value.is_object() && std::all_of(value.begin(), value.end(), is_text));
    if (!fits) wrong("the entry", "something else", "a JSON object of strings");
  }

  ScalarType dtype(const SortedJson& value) const {
    const auto it = value.find("dtype");
    if (it == value.end() || !it->is_string()) wrong("dtype", "missing or not a string", "a name such as F32 or BF16");
    const std::string& name = it->get_ref<const std::string&>();
    if (const std::optional<ScalarType> type = scalar_type_of(name)) return *type;
    fail(ErrorCode::unsupported,
         "{}: {}: dtype is \"{}\", expected one of BOOL, U8 to U64, I8 to I64, F8_*, F16, BF16, F32, F64, C64", where_,
         printable(name_), printable(name));
  }

  std::vector<std::uint64_t> numbers(const SortedJson& value, const char* field) const {
    const auto it = value.find(field);
    if (it == value.end() || !it->is_array()) wrong(field, "missing or not a list", "a list of whole numbers");
    std::vector<std::uint64_t> out;
    for (const SortedJson& item : *it) {
      if (!item.is_number_unsigned()) wrong(field, "not only whole numbers", "a list of whole numbers");
      out.push_back(item.get<std::uint64_t>());
    }
    return out;
  }

  [[noreturn]] void wrong(std::string_view field, std::string_view actual, std::string_view expected) const {
    fail(ErrorCode::bad_file, "{}: {}: {} is {}, expected {}", where_, printable(name_), field, actual, expected);
  }

  std::string_view where_;
  std::string name_;
  std::set<std::string> names_;
  std::set<std::string> fields_;
  std::string field_;
  std::size_t parts_ = 0;  // of a field that is a list, or of what lies within it
  std::vector<Described> tensors_;
};

std::string_view header_of(std::span<const std::byte> bytes, std::string_view where) {
  if (text_of(bytes).starts_with(kLfsPointer)) {
    fail(ErrorCode::bad_file,
         "{}: is a Git LFS pointer of {} bytes, expected the weights themselves (git lfs pull fetches them)", where,
         bytes.size());
  }
  if (bytes.size() < kLengthBytes) {
    fail(ErrorCode::bad_file, "{}: {} bytes, a safetensors file has at least {}", where, bytes.size(), kLengthBytes);
  }
  const std::uint64_t length = little_endian(bytes.first(kLengthBytes));
  if (length > kMaxHeader) {
    fail(ErrorCode::bad_file, "{}: header of {} bytes, expected at most {}; no safetensors file?", where, length,
         kMaxHeader);
  }
  if (length > bytes.size() - kLengthBytes) {
    fail(ErrorCode::bad_file, "{}: truncated: {} bytes, the header alone ends at {}", where, bytes.size(),
         length + kLengthBytes);
  }
  const std::string_view header = text_of(bytes.subspan(kLengthBytes, length));
  if (!header.starts_with('{'))
    fail(ErrorCode::bad_file, "{}: the header does not begin with {{; no safetensors file?", where);
  return header;
}

/// Where the data ends, counted from the end of the header.
std::uint64_t check_layout(const std::vector<Described>& tensors, std::string_view where) {
  std::uint64_t position = 0;
  for (const Described& tensor : tensors) {
    const std::string name = printable(tensor.view.name);
    if (tensor.end < tensor.begin) {
      fail(ErrorCode::bad_file, "{}: {}: data_offsets are [{}, {}], the end before the beginning", where, name,
           tensor.begin, tensor.end);
    }
    if (tensor.begin != position) {
      fail(ErrorCode::bad_file, "{}: {}: data begins at {}, expected {} where the tensor before it ends ({})", where,
           name, tensor.begin, position, tensor.begin < position ? "overlap" : "hole");
    }
    if (tensor.end - tensor.begin != tensor.view.bytes) {
      fail(ErrorCode::bad_file, "{}: {}: data of {} bytes, expected {} for {} of shape {}", where, name,
           tensor.end - tensor.begin, tensor.view.bytes, scalar_type_name(tensor.view.dtype),
           shape_text(tensor.view.shape));
    }
    position = tensor.end;
  }
  return position;
}

}  // namespace

std::vector<TensorView> parse_safetensors(std::span<const std::byte> bytes, std::string_view where) {
  const std::string_view header = header_of(bytes, where);
  std::vector<Described> tensors = HeaderReader(where).read(header);
  std::sort(tensors.begin(), tensors.end(), [](const Described& a, const Described& b) {
    return std::tie(a.begin, a.end, a.view.name) < std::tie(b.begin, b.end, b.view.name);
  });
  const std::uint64_t end = check_layout(tensors, where);
  const std::uint64_t data = kLengthBytes + header.size();
  const std::uint64_t expected = checked_add(data, end, where);
  if (expected != bytes.size()) {
    fail(ErrorCode::bad_file, "{}: {}: {} bytes, expected {}", where,
         bytes.size() < expected ? "truncated" : "bytes after the last tensor", bytes.size(), expected);
  }
  std::vector<TensorView> views;
  views.reserve(tensors.size());
  for (Described& tensor : tensors) {
    tensor.view.data = bytes.data() + data + tensor.begin;
    views.push_back(std::move(tensor.view));
  }
  return views;
}

std::vector<TensorView> open_safetensors(const std::filesystem::path& path) {
  const std::shared_ptr<const MappedFile> file = MappedFile::open(path);
  std::vector<TensorView> views = parse_safetensors(file->bytes(), path.string());
  for (TensorView& view : views) view.file = file;
  return views;
}

}  // namespace lmm::weights
