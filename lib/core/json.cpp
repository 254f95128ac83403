#include "lib/core/json.hpp"

#include "lib/core/error.hpp"
#include "lib/core/file.hpp"
#include "lib/core/utf8.hpp"

#include <locale.h>

#include <algorithm>
#include <cmath>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <vector>

namespace lmm {
namespace {

constexpr int kMaxDepth = 200;

/// Line and column, both from 1, of a byte offset.
std::pair<std::size_t, std::size_t> line_and_column(std::string_view text, std::size_t offset) {
  const std::string_view before = text.substr(0, std::min(offset, text.size()));
  const std::size_t lines = static_cast<std::size_t>(std::count(before.begin(), before.end(), '\n'));
  const std::size_t newline = before.rfind('\n');
  return {lines + 1, newline == std::string_view::npos ? before.size() + 1 : before.size() - newline};
}

bool fits_int64(const Json& value) {
  if (value.is_number_unsigned()) return value.get<std::uint64_t>() <= static_cast<std::uint64_t>(INT64_MAX);
  return value.is_number_integer();
}

std::string shown(const Json& value) {
  std::string text = value.dump(-1, ' ', true, Json::error_handler_t::replace);
  if (text.size() > 60) text = text.substr(0, 57) + "...";
  return text;
}

void check_depth(std::size_t depth, std::string_view where) {
  if (depth > kMaxDepth) fail(ErrorCode::bad_file, "{}: JSON nested deeper than {}", where, kMaxDepth);
}

/// The parser reads the decimal point of the host's locale, and of one of several bytes only the first.
class PlainNumbers {
 public:
  PlainNumbers() : before_(::uselocale(plain())) {}
  ~PlainNumbers() { ::uselocale(before_); }
  PlainNumbers(const PlainNumbers&) = delete;
  PlainNumbers& operator=(const PlainNumbers&) = delete;

 private:
  static locale_t plain() {
    static const locale_t locale = ::newlocale(LC_ALL_MASK, "C", nullptr);
    return locale;
  }
  locale_t before_;
};

/// What the parser tells while it reads, as Json or SortedJson. The library's own builders look through all keys of an object, or all
/// its values, again and again.
template <typename J>
class Builder {
 public:
  using Event = typename J::parse_event_t;
  using Visit = typename J::parser_callback_t;

  Builder(std::string_view where, const Visit& visit) : where_(where), visit_(visit) {}

  bool null() { return put(nullptr); }
  bool boolean(bool value) { return put(value); }
  bool number_integer(std::int64_t value) { return put(value); }
  bool number_unsigned(std::uint64_t value) { return put(value); }
  bool number_float(double value, const std::string&) { return put(value); }
  bool string(std::string& value) { return put(std::move(value)); }
  bool binary(typename J::binary_t&) { return false; }  // is no JSON

  bool start_object(std::size_t) { return open(Event::object_start, J::object()); }
  bool start_array(std::size_t) { return open(Event::array_start, J::array()); }
  bool end_object() { return close(Event::object_end); }
  bool end_array() { return close(Event::array_end); }

  bool key(std::string& name) {
    if (visit_) {
      J text = name;
      visit_(depth(), Event::key, text);
    }
    Level& level = levels_.back();
    auto& object = level.json->template get_ref<typename J::object_t&>();
    if constexpr (std::is_same_v<J, SortedJson>) {
      level.member = object.try_emplace(std::move(name)).first;
      next_ = &level.member->second;
    } else {
      auto& members = static_cast<std::vector<typename J::object_t::value_type>&>(object);
      const auto [found, is_new] = level.places.emplace(name, members.size());
      if (is_new) members.emplace_back(std::move(name), J());
      next_ = &members[found->second].second;
    }
    return true;  // of a key that stands twice the last value counts
  }

  template <typename Reason>
  bool parse_error(std::size_t, const std::string&, const Reason& reason) {
    throw reason;
  }

  J take() { return std::move(root_); }

 private:
  struct Level {
    J* json;  // which does not move while it is open: what holds it does not grow
    std::unordered_map<std::string, std::size_t> places = {};  // of Json, which keeps the order of the file
    typename J::object_t::iterator member = {};                // of SortedJson: the latest
  };

  int depth() const { return static_cast<int>(levels_.size()); }

  J& place() {
    if (levels_.empty()) return root_;
    J& around = *levels_.back().json;
    return around.is_array() ? around.emplace_back() : *next_;
  }

  template <typename Value>
  bool put(Value&& value) {
    J& here = place();
    here = std::forward<Value>(value);
    return whole(Event::value, here);
  }

  bool open(Event event, J empty) {
    check_depth(levels_.size(), where_);
    if (visit_) visit_(depth(), event, empty);
    J& here = place();
    here = std::move(empty);
    levels_.push_back({&here});
    return true;
  }

  bool close(Event event) {
    J& here = *levels_.back().json;
    levels_.pop_back();
    return whole(event, here);
  }

  /// A value is complete; it goes again where the visitor says so.
  bool whole(Event event, J& value) {
    if (!visit_ || visit_(depth(), event, value)) return true;
    if (levels_.empty()) {
      root_ = nullptr;
    } else if (Level& level = levels_.back(); level.json->is_array()) {
      level.json->template get_ref<typename J::array_t&>().pop_back();
    } else if constexpr (std::is_same_v<J, SortedJson>) {
      level.json->template get_ref<typename J::object_t&>().erase(level.member);
    }
    return true;
  }

  std::string_view where_;
  const Visit& visit_;
  J root_;
  std::vector<Level> levels_;
  J* next_ = nullptr;
};

/// Parses, with errors that say where.
template <typename J>
J read(std::string_view text, std::string_view where, const typename J::parser_callback_t& visit) {
  const PlainNumbers guard;
  if (text.substr(0, 3) == "\xEF\xBB\xBF") text.remove_prefix(3);
  if (const std::size_t nul = text.find('\0'); nul != std::string_view::npos) {  // where the parser would end
    const auto [line, column] = line_and_column(text, nul);
    fail(ErrorCode::bad_file, "{}: invalid JSON at line {}, column {}: a zero byte", where, line, column);
  }
  try {
    Builder<J> builder(where, visit);
    J::sax_parse(text.begin(), text.end(), &builder);
    return builder.take();
  } catch (const typename J::parse_error& error) {
    const auto [line, column] = line_and_column(text, error.byte == 0 ? 0 : error.byte - 1);
    std::string reason = error.what();
    // nlohmann's text: "[json.exception...] parse error at line 1, column 2: reason"
    const std::size_t colon = reason.find(": ");
    if (colon != std::string::npos) reason = reason.substr(colon + 2);
    std::replace(reason.begin(), reason.end(), '\n', ' ');
    if (reason.size() > 200) reason.resize(utf8::complete_prefix(std::string_view(reason).substr(0, 200)));
    reason = utf8::sanitize(reason);  // it repeats what was read last, which may be no UTF-8
    fail(ErrorCode::bad_file, "{}: invalid JSON at line {}, column {}: {}", where, line, column, reason);
  } catch (const typename J::out_of_range&) {  // the one other thing it throws, without saying where
    fail(ErrorCode::bad_file, "{}: invalid JSON: a number is too large for 64 bits", where);
  }
}

}  // namespace

Json parse_json(std::string_view text, std::string_view where) { return read<Json>(text, where, nullptr); }

SortedJson parse_sorted_json(std::string_view text, std::string_view where, const SortedJson::parser_callback_t& visit) {
  return read<SortedJson>(text, where, visit);
}

SortedJson read_sorted_json_file(const std::filesystem::path& path) {
  return parse_sorted_json(read_text_file(path), path.string());
}

Json read_json_file(const std::filesystem::path& path) { return parse_json(read_text_file(path), path.string()); }

Fields::Fields(const Json& object, std::string where) : object_(&object), where_(std::move(where)) {
  if (!object.is_object()) fail(ErrorCode::bad_file, "{}: is {}, expected a JSON object", where_, shown(object));
}

const Json* Fields::find(std::string_view name) const {
  const auto it = object_->find(std::string(name));
  return it == object_->end() || it->is_null() ? nullptr : &*it;
}

bool Fields::has(std::string_view name) const { return find(name) != nullptr; }

const Json& Fields::at(std::string_view name) const {
  const Json* value = find(name);
  if (value == nullptr) fail(ErrorCode::bad_file, "{}: {} is missing", where_, name);
  return *value;
}

Fields Fields::object(std::string_view name) const { return Fields(at(name), fmt::format("{}: {}", where_, name)); }

void Fields::wrong(std::string_view name, std::string_view expected) const {
  fail(ErrorCode::bad_file, "{}: {} is {}, expected {}", where_, name, shown(at(name)), expected);
}

std::int64_t Fields::integer(std::string_view name) const {
  const Json& value = at(name);
  if (fits_int64(value)) return value.get<std::int64_t>();
  if (value.is_number_integer()) wrong(name, "an integer of 64 bits");
  if (value.is_number_float()) {  // some configs spell 1.0
    const double number = value.get<double>();
    if (std::floor(number) == number && std::fabs(number) < 9e15) return static_cast<std::int64_t>(number);
  }
  wrong(name, "an integer");
}

std::int64_t Fields::integer(std::string_view name, std::int64_t otherwise) const {
  return has(name) ? integer(name) : otherwise;
}

std::int64_t Fields::integer_in(std::string_view name, std::int64_t low, std::int64_t high) const {
  const std::int64_t value = integer(name);
  if (value < low || value > high) wrong(name, fmt::format("{} to {}", low, high));
  return value;
}

std::int64_t Fields::integer_in(std::string_view name, std::int64_t low, std::int64_t high,
                                std::int64_t otherwise) const {
  return has(name) ? integer_in(name, low, high) : otherwise;
}

double Fields::number(std::string_view name) const {
  const Json& value = at(name);
  if (!value.is_number()) wrong(name, "a number");
  return value.get<double>();
}

double Fields::number(std::string_view name, double otherwise) const { return has(name) ? number(name) : otherwise; }

bool Fields::boolean(std::string_view name, bool otherwise) const {
  const Json* value = find(name);
  if (value == nullptr) return otherwise;
  if (!value->is_boolean()) wrong(name, "true or false");
  return value->get<bool>();
}

std::string Fields::string(std::string_view name) const {
  const Json& value = at(name);
  if (!value.is_string()) wrong(name, "a string");
  return value.get<std::string>();
}

std::string Fields::string(std::string_view name, std::string_view otherwise) const {
  return has(name) ? string(name) : std::string(otherwise);
}

std::vector<double> Fields::numbers(std::string_view name, const std::vector<double>& otherwise) const {
  const Json* value = find(name);
  if (value == nullptr) return otherwise;
  if (!value->is_array()) wrong(name, "a list of numbers");
  std::vector<double> out;
  for (const Json& item : *value) {
    if (!item.is_number()) wrong(name, "a list of numbers");
    out.push_back(item.get<double>());
  }
  return out;
}

std::vector<std::int64_t> Fields::integers(std::string_view name, const std::vector<std::int64_t>& otherwise) const {
  const Json* value = find(name);
  if (value == nullptr) return otherwise;
  if (fits_int64(*value)) return {value->get<std::int64_t>()};
  if (!value->is_array()) wrong(name, "an integer or a list of integers");
  std::vector<std::int64_t> out;
  for (const Json& item : *value) {
    if (!fits_int64(item)) wrong(name, "an integer or a list of integers");
    out.push_back(item.get<std::int64_t>());
  }
  return out;
}

}  // namespace lmm
