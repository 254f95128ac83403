#include "lib/chat_template/evaluator.hpp"

#include <algorithm>
#include <cmath>

namespace lmm::chat_template {
namespace {

/// json.dumps with the options that transformers' tojson takes.
class Dumper {
 public:
  Dumper(Evaluator& evaluator, const Values& options) : evaluator_(evaluator) {
    ensure_ascii_ = !options[1].is_missing() && truth(evaluator, options[1]);
    if (const Value& indent = options[2]; !indent.is_missing() && !indent.is_none()) {
      indented_ = true;
      if (const Text* text = indent.string()) {
        indent_ = text->bytes();
      } else {
        const std::int64_t width = std::max<std::int64_t>(to_integer(indent, "indent"), 0);
        if (width > 1000) raise("indent of {}, the limit is 1000", width);
        indent_ = std::string(static_cast<std::size_t>(width), ' ');
      }
      item_separator_ = Text(",");
    }
    if (!options[3].is_missing() && !options[3].is_none()) {
      const Values separators = to_values(evaluator, options[3]);
      if (separators.size() != 2) raise("separators must be a pair");
      item_separator_ = to_string(separators[0], "separators");
      key_separator_ = to_string(separators[1], "separators");
    }
    sort_keys_ = !options[4].is_missing() && truth(evaluator, options[4]);
  }

  Text dump(const Value& value) {
    append(value, 0);
    return std::move(out_);
  }

 private:
  void new_line(int level) {
    if (!indented_) return;
    out_.append("\n");
    out_.append_fill(indent_, static_cast<std::size_t>(level));
  }

  void append(const Value& value, int level) {
    evaluator_.step();
    const Evaluator::Nested nested(evaluator_);
    if (const Text* text = value.string()) {
      append_json(out_, *text, ensure_ascii_);
    } else if (const List* list = value.sequence()) {
      append_list(*list, level);
    } else if (const Dict* dict = value.dict()) {
      append_dict(*dict, level);
    } else {
      out_.append(scalar(value));
    }
  }

  static std::string scalar(const Value& value) {
    if (value.is_none()) return "null";
    if (value.is_bool()) return *value.integer() != 0 ? "true" : "false";
    if (value.is_int()) return fmt::format("{}", *value.integer());
    if (!value.is_float()) raise("Object of type {} is not JSON serializable", value.type_name());
    const double number = *value.number();
    if (std::isnan(number)) return "NaN";
    if (std::isinf(number)) return number < 0 ? "-Infinity" : "Infinity";
    return float_repr(number);
  }

  void append_list(const List& list, int level) {
    out_.append("[");
    for (std::size_t i = 0; i < list.items.size(); ++i) {
      if (i > 0) out_.append(item_separator_);
      new_line(level + 1);
      append(list.items[i], level + 1);
    }
    if (!list.items.empty()) new_line(level);
    out_.append("]");
  }

  void append_dict(const Dict& dict, int level) {
    std::vector<const std::pair<Value, Value>*> items;
    for (const auto& item : dict.items) items.push_back(&item);
    if (sort_keys_) {
      std::stable_sort(items.begin(), items.end(), [&](const auto* a, const auto* b) { return less(evaluator_, a->first, b->first); });
    }
    out_.append("{");
    for (std::size_t i = 0; i < items.size(); ++i) {
      if (i > 0) out_.append(item_separator_);
      new_line(level + 1);
      const Value& key = items[i]->first;
      if (key.string() == nullptr && !key.number() && !key.is_none()) {
        raise("keys must be str, int, float, bool or None, not {}", key.type_name());
      }
      append_json(out_, key.string() != nullptr ? *key.string() : Text(scalar(key)), ensure_ascii_);
      out_.append(key_separator_);
      append(items[i]->second, level + 1);
    }
    if (!items.empty()) new_line(level);
    out_.append("}");
  }

  Evaluator& evaluator_;
  Text out_;
  Text item_separator_{", "};
  Text key_separator_{": "};
  std::string indent_;
  bool indented_ = false;
  bool ensure_ascii_ = false;
  bool sort_keys_ = false;
};

}  // namespace

Text to_json(Evaluator& evaluator, const Value& value, Arguments& arguments) {
  const Values options = bind("tojson", arguments, {"x", "ensure_ascii", "indent", "separators", "sort_keys"}, 1);
  return Dumper(evaluator, options).dump(value);
}

}  // namespace lmm::chat_template
