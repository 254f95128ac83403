#include "lib/chat_template/methods.hpp"

#include <algorithm>
#include <array>

namespace lmm::chat_template {
namespace {

Value with_markup(Evaluator& evaluator, Text text, const Value& self) {
  text.markup = self.string()->markup;
  return evaluator.make(std::move(text));
}

template <Text (*function)(const Text&)>
Value mapped(Evaluator& evaluator, const Value& self, Arguments& arguments) {
  bind("str method", arguments, {}, 0);
  evaluator.step(self.string()->size() / 16);
  return evaluator.make(function(*self.string()));
}

template <bool left, bool right>
Value strip(Evaluator& evaluator, const Value& self, Arguments& arguments) {
  const Values values = bind("strip", arguments, {"chars"}, 0, 1);
  const bool all = values[0].is_missing() || values[0].is_none();
  const Text* characters = all ? nullptr : &to_string(values[0], "strip()");
  if (characters != nullptr) evaluator.step(characters->length());
  const auto [begin, end] = stripped(*self.string(), characters, left, right);
  return evaluator.make(self.string()->part(begin, end));
}

Value pieces(Evaluator& evaluator, const Text& text, const std::vector<Span>& spans) {
  Values items;
  items.reserve(spans.size());
  for (const Span& span : spans) items.push_back(evaluator.make(text.part(span.begin, span.end)));
  return evaluator.make_list(std::move(items));
}

template <bool right>
Value split_at(Evaluator& evaluator, const Value& self, Arguments& arguments) {
  const Values values = bind("split", arguments, {"sep", "maxsplit"}, 0);
  const bool space = values[0].is_missing() || values[0].is_none();
  const Text* separator = space ? nullptr : &to_string(values[0], "split()");
  const std::int64_t limit = values[1].is_missing() ? -1 : to_integer(values[1], "split()");
  evaluator.step(self.string()->size() / 4);
  return pieces(evaluator, *self.string(), right ? split_right(*self.string(), separator, limit) : split(*self.string(), separator, limit));
}

Value splitlines(Evaluator& evaluator, const Value& self, Arguments& arguments) {
  const Values values = bind("splitlines", arguments, {"keepends"}, 0);
  evaluator.step(self.string()->size() / 4);
  return pieces(evaluator, *self.string(), split_lines(*self.string(), !values[0].is_missing() && to_integer(values[0], "keepends") != 0));
}

/// Bytes of the code points [start, end) as slices count them; begin > end where start is past the end.
Span window(const Text& text, const Value& start, const Value& end) {
  const auto size = static_cast<std::int64_t>(text.length());
  const auto bound = [&](const Value& value, std::int64_t otherwise) {
    if (value.is_missing() || value.is_none()) return otherwise;
    const std::int64_t at = to_integer(value, "slice index");
    return std::max<std::int64_t>(at < 0 ? at + size : at, 0);
  };
  const std::int64_t first = bound(start, 0);
  const std::int64_t last = std::min(bound(end, size), size);
  if (first > size || first > last) return {1, 0};
  return {text.offset(static_cast<std::size_t>(first)), text.offset(static_cast<std::size_t>(last))};
}

std::int64_t found_at(Evaluator& evaluator, const Value& self, Arguments& arguments, bool from_right, const char* name) {
  const Values values = bind(name, arguments, {"sub", "start", "end"}, 1, 3);
  const Text& text = *self.string();
  const Text& piece = to_string(values[0], name);
  const Span span = window(text, values[1], values[2]);
  evaluator.step(text.size() / 16);
  if (span.begin > span.end) return -1;
  const std::string_view part = std::string_view(text.bytes()).substr(span.begin, span.end - span.begin);
  const std::size_t found = from_right ? part.rfind(piece.bytes()) : part.find(piece.bytes());
  return found == std::string_view::npos ? -1 : static_cast<std::int64_t>(text.code_points(0, span.begin + found));
}

template <bool from_right>
Value find(Evaluator& evaluator, const Value& self, Arguments& arguments) {
  return Value(found_at(evaluator, self, arguments, from_right, "find"));
}

template <bool from_right>
Value index(Evaluator& evaluator, const Value& self, Arguments& arguments) {
  const std::int64_t at = found_at(evaluator, self, arguments, from_right, "index");
  if (at < 0) raise("substring not found");
  return Value(at);
}

Value count(Evaluator& evaluator, const Value& self, Arguments& arguments) {
  const Values values = bind("count", arguments, {"sub", "start", "end"}, 1, 3);
  const Text& text = *self.string();
  const Text& piece = to_string(values[0], "count()");
  const Span span = window(text, values[1], values[2]);
  evaluator.step(text.size() / 16);
  if (span.begin > span.end) return Value(std::int64_t{0});
  if (piece.empty()) return Value(static_cast<std::int64_t>(text.code_points(span.begin, span.end)) + 1);
  const std::string_view part = std::string_view(text.bytes()).substr(span.begin, span.end - span.begin);
  std::int64_t found = 0;
  for (std::size_t at = part.find(piece.bytes()); at != std::string_view::npos; at = part.find(piece.bytes(), at + piece.size())) ++found;
  return Value(found);
}

template <bool at_end>
Value affix_test(Evaluator& evaluator, const Value& self, Arguments& arguments) {
  const Values values = bind(at_end ? "endswith" : "startswith", arguments, {"prefix", "start", "end"}, 1, 3);
  const Text& text = *self.string();
  const Span span = window(text, values[1], values[2]);
  const auto test = [&](const Value& affix) {
    const std::string& piece = to_string(affix, at_end ? "endswith()" : "startswith()").bytes();
    if (span.begin > span.end) return false;
    const std::string_view part = std::string_view(text.bytes()).substr(span.begin, span.end - span.begin);
    return at_end ? part.ends_with(piece) : part.starts_with(piece);
  };
  const List* list = values[0].sequence();
  if (list == nullptr || !list->tuple) return Value(test(values[0]));
  evaluator.step(list->items.size());
  return Value(std::any_of(list->items.begin(), list->items.end(), test));
}

template <bool at_end>
Value remove_affix(Evaluator& evaluator, const Value& self, Arguments& arguments) {
  const Values values = bind("removeprefix", arguments, {"affix"}, 1, 1);
  const Text& text = *self.string();
  const std::string& piece = to_string(values[0], at_end ? "removesuffix()" : "removeprefix()").bytes();
  const bool found = at_end ? text.bytes().ends_with(piece) : text.bytes().starts_with(piece);
  if (!found) return self;
  return evaluator.make(at_end ? text.part(0, text.size() - piece.size()) : text.part(piece.size(), text.size()));
}

Value replaced(Evaluator& evaluator, const Value& self, Arguments& arguments) {
  const Values values = bind("replace", arguments, {"old", "new", "count"}, 2, 3);
  const Text& with = to_string(values[1], "replace()");
  evaluator.step(self.string()->size() / 16);
  return evaluator.make(replace(*self.string(), to_string(values[0], "replace()"), self.string()->markup ? escape_html(with) : with,
                                values[2].is_missing() ? -1 : to_integer(values[2], "replace()")));
}

Value join(Evaluator& evaluator, const Value& self, Arguments& arguments) {
  const Values values = bind("join", arguments, {"iterable"}, 1, 1);
  const Text& separator = *self.string();
  Text text;
  std::size_t position = 0;
  const IteratorPtr iterator = iterate(evaluator, values[0]);
  for (Value item; iterator->next(evaluator, item); ++position) {
    if (item.string() == nullptr) raise("sequence item {}: expected str instance, {} found", position, item.type_name());
    if (position > 0) text.append(separator);
    text.append(separator.markup ? escape_html(*item.string()) : *item.string());
  }
  return with_markup(evaluator, std::move(text), self);
}

template <bool from_right>
Value partition(Evaluator& evaluator, const Value& self, Arguments& arguments) {
  const Values values = bind("partition", arguments, {"sep"}, 1, 1);
  const Text& text = *self.string();
  const Text& separator = to_string(values[0], "partition()");
  if (separator.empty()) raise("empty separator");
  evaluator.step(text.size() / 16);
  const std::size_t at = from_right ? text.bytes().rfind(separator.bytes()) : text.bytes().find(separator.bytes());
  if (at == std::string::npos) {
    const Value empty = Value::text("");
    return evaluator.make_list(from_right ? Values{empty, empty, self} : Values{self, empty, empty}, true);
  }
  const std::size_t end = at + separator.size();
  return evaluator.make_list({evaluator.make(text.part(0, at)), evaluator.make(text.part(at, end)), evaluator.make(text.part(end, text.size()))}, true);
}

enum class Side { left, right, both };

template <Side side>
Value justify(Evaluator& evaluator, const Value& self, Arguments& arguments) {
  const Values values = bind("center", arguments, {"width", "fillchar"}, 1, 2);
  const Text& text = *self.string();
  const std::int64_t width = to_integer(values[0], "width");
  const Text fill = values[1].is_missing() ? Text(" ") : to_string(values[1], "fillchar");
  if (fill.length() != 1) raise("The fill character must be exactly one character long");
  const std::int64_t padding = std::max<std::int64_t>(width - static_cast<std::int64_t>(text.length()), 0);
  const std::int64_t before = side == Side::left ? 0 : side == Side::right ? padding : padding / 2 + (padding & width & 1);
  Text result;
  result.append_fill(fill.bytes(), static_cast<std::size_t>(before));
  result.append(text);
  result.append_fill(fill.bytes(), static_cast<std::size_t>(padding - before));
  return with_markup(evaluator, std::move(result), self);
}

Value zfill(Evaluator& evaluator, const Value& self, Arguments& arguments) {
  const Values values = bind("zfill", arguments, {"width"}, 1, 1);
  const Text& text = *self.string();
  const std::int64_t padding = std::max<std::int64_t>(to_integer(values[0], "zfill()") - static_cast<std::int64_t>(text.length()), 0);
  const std::size_t sign = text.bytes().starts_with('-') || text.bytes().starts_with('+') ? 1 : 0;
  Text result = text.part(0, sign);
  result.append_fill("0", static_cast<std::size_t>(padding));
  result.append(text, sign, text.size());
  return evaluator.make(std::move(result));
}

Value format(Evaluator& evaluator, const Value& self, Arguments& arguments) {
  return with_markup(evaluator, str_format(evaluator, *self.string(), arguments), self);
}

Value format_map(Evaluator& evaluator, const Value& self, Arguments& arguments) {
  const Values values = bind("format_map", arguments, {"mapping"}, 1, 1);
  Arguments named;
  if (values[0].dict() == nullptr) raise("format_map() argument must be a dict, not {}", values[0].type_name());
  for (const auto& [key, value] : values[0].dict()->items) {
    if (key.string() != nullptr) named.named.emplace_back(key.string()->bytes(), value);
  }
  return with_markup(evaluator, str_format(evaluator, *self.string(), named), self);
}

Value refused(Evaluator&, const Value&, Arguments&) {
  raise("the methods casefold, encode, expandtabs, isidentifier, maketrans and translate of str are not supported");
}

struct Entry {
  std::string_view name;
  MethodFunction function;
};
constexpr std::array<Entry, 36> kMethods = {{
    {"strip", strip<true, true>},
    {"lstrip", strip<true, false>},
    {"rstrip", strip<false, true>},
    {"split", split_at<false>},
    {"rsplit", split_at<true>},
    {"splitlines", splitlines},
    {"startswith", affix_test<false>},
    {"endswith", affix_test<true>},
    {"removeprefix", remove_affix<false>},
    {"removesuffix", remove_affix<true>},
    {"replace", replaced},
    {"upper", mapped<upper>},
    {"lower", mapped<lower>},
    {"title", mapped<title>},
    {"capitalize", mapped<capitalize>},
    {"swapcase", mapped<swap_case>},
    {"find", find<false>},
    {"rfind", find<true>},
    {"index", index<false>},
    {"rindex", index<true>},
    {"count", count},
    {"join", join},
    {"partition", partition<false>},
    {"rpartition", partition<true>},
    {"ljust", justify<Side::left>},
    {"rjust", justify<Side::right>},
    {"center", justify<Side::both>},
    {"zfill", zfill},
    {"format", format},
    {"format_map", format_map},
    {"casefold", refused},
    {"encode", refused},
    {"expandtabs", refused},
    {"isidentifier", refused},
    {"maketrans", refused},
    {"translate", refused},
}};

}  // namespace

MethodFunction find_text_method(std::string_view name) {
  const auto* found = std::find_if(kMethods.begin(), kMethods.end(), [&](const Entry& entry) { return entry.name == name; });
  return found == kMethods.end() ? nullptr : found->function;
}

}  // namespace lmm::chat_template
