#include "lib/chat_template/evaluator.hpp"
#include "lib/chat_template/value.hpp"

namespace lmm::chat_template {
namespace {

void append_repr(Evaluator& evaluator, Text& out, const Value& value);

void append_list(Evaluator& evaluator, Text& out, const List& list) {
  out.append(list.tuple ? "(" : "[");
  for (std::size_t i = 0; i < list.items.size(); ++i) {
    if (i > 0) out.append(", ");
    append_repr(evaluator, out, list.items[i]);
  }
  if (list.tuple && list.items.size() == 1) out.append(",");
  out.append(list.tuple ? ")" : "]");
}

void append_dict(Evaluator& evaluator, Text& out, const Dict& dict) {
  out.append("{");
  bool first = true;
  for (const auto& [key, value] : dict.items) {
    if (!first) out.append(", ");
    first = false;
    append_repr(evaluator, out, key);
    out.append(": ");
    append_repr(evaluator, out, value);
  }
  out.append("}");
}

void append_plain(Evaluator& evaluator, Text& out, const Value& value) {
  if (value.is_none()) {
    out.append("None");
  } else if (value.is_bool()) {
    out.append(*value.integer() != 0 ? "True" : "False");
  } else if (value.is_int()) {
    out.append(fmt::format("{}", *value.integer()));
  } else if (value.is_float()) {
    out.append(float_repr(*value.number()));
  } else if (const List* list = value.sequence()) {
    append_list(evaluator, out, *list);
  } else if (const Dict* dict = value.dict()) {
    append_dict(evaluator, out, *dict);
  } else if (Object* object = value.object()) {
    out.append(object->repr(evaluator));
  }
}

void append_repr(Evaluator& evaluator, Text& out, const Value& value) {
  evaluator.step();
  const Evaluator::Nested nested(evaluator);
  if (const Text* text = value.string()) {
    if (text->markup) out.append("Markup(");
    out.append(repr(*text));
    if (text->markup) out.append(")");
  } else if (value.is_undefined()) {
    out.append("Undefined");
  } else {
    append_plain(evaluator, out, value);
  }
}

}  // namespace

Text to_text(Evaluator& evaluator, const Value& value) {
  if (const Text* text = value.string()) return *text;
  Text out;
  append_plain(evaluator, out, value);
  return out;
}

Text repr(Evaluator& evaluator, const Value& value) {
  Text out;
  append_repr(evaluator, out, value);
  return out;
}

}  // namespace lmm::chat_template
