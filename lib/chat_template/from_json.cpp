#include "lib/chat_template/evaluator.hpp"

#include <algorithm>
#include <limits>

/// The host's variables as values, with every string marked as input but the special tokens and what names a role or
/// a kind: the first are the template's own vocabulary, the others are words that templates compare or print as such.
namespace lmm::chat_template {
namespace {

constexpr int kMaxDepth = 220;

/// What a JSON value is within the messages.
enum class Kind { other, messages, message, parts, part, trusted };

Kind kind_of_item(Kind list) {
  switch (list) {
    case Kind::messages: return Kind::message;
    case Kind::parts: return Kind::part;
    case Kind::trusted: return Kind::trusted;
    default: return Kind::other;
  }
}

bool is_word(const std::string& text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
}

Kind kind_of_field(Kind object, const std::string& key, const Json& value) {
  if (object == Kind::trusted) return Kind::trusted;
  if (object == Kind::message && (key == "content" || key == "tool_calls") && value.is_array()) return Kind::parts;
  const bool names_kind = (object == Kind::message && key == "role") || (object == Kind::part && key == "type");
  return names_kind && value.is_string() && is_word(value.get_ref<const std::string&>()) ? Kind::trusted : Kind::other;
}

Value convert(const Json& json, Kind kind, int depth) {
  if (depth > kMaxDepth) raise("a variable nested deeper than the limit of {} levels", kMaxDepth);
  switch (json.type()) {
    case Json::value_t::boolean: return Value(json.get<bool>());
    case Json::value_t::number_integer: return Value(json.get<std::int64_t>());
    case Json::value_t::number_unsigned: {
      const auto number = json.get<std::uint64_t>();
      if (number > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
        raise("the integer {} of a variable does not fit into 64 bits", number);
      }
      return Value(static_cast<std::int64_t>(number));
    }
    case Json::value_t::number_float: return Value(json.get<double>());
    case Json::value_t::string:
      return Value(Text(utf8::sanitize(json.get_ref<const std::string&>()), kind != Kind::trusted));
    case Json::value_t::array: {
      auto list = std::make_shared<List>();
      list->items.reserve(json.size());
      for (const Json& item : json) {
        list->items.push_back(convert(item, kind_of_item(kind), depth + 1));
        list->depth = std::max(list->depth, list->items.back().depth() + 1);
      }
      return Value(std::shared_ptr<const List>(std::move(list)));
    }
    case Json::value_t::object: {
      auto dict = std::make_shared<Dict>();
      for (const auto& [key, value] : json.items()) {
        dict->set(Value(Text(utf8::sanitize(key), kind != Kind::trusted)), convert(value, kind_of_field(kind, key, value), depth + 1));
      }
      return Value(std::shared_ptr<const Dict>(std::move(dict)));
    }
    default: return Value(None{});
  }
}

}  // namespace

Value from_json(std::string_view name, const Json& json) {
  const bool token = name.ends_with("_token") || name.ends_with("_tokens");
  return convert(json, token ? Kind::trusted : name == "messages" ? Kind::messages : Kind::other, 0);
}

}  // namespace lmm::chat_template
