#include "lib/chat_template/evaluator.hpp"

#include <algorithm>

namespace lmm::chat_template {
namespace {

/// string.Formatter with the sandbox's rules for attributes.
class Formatter {
 public:
  Formatter(Evaluator& evaluator, const Arguments& arguments, bool escapes)
      : evaluator_(evaluator), arguments_(arguments), escapes_(escapes) {}

  Text format(const Text& text, int depth) {
    if (depth > 2) raise("Max string recursion exceeded");
    const std::string& bytes = text.bytes();
    Text out;
    std::size_t at = 0;
    while (at < bytes.size()) {
      const std::size_t brace = bytes.find_first_of("{}", at);
      out.append(text, at, std::min(brace, bytes.size()));
      if (brace == std::string::npos) break;
      if (brace + 1 < bytes.size() && bytes[brace + 1] == bytes[brace]) {
        out.append(text, brace, brace + 1);
        at = brace + 2;
        continue;
      }
      if (bytes[brace] == '}') raise("Single '}}' encountered in format string");
      if (brace + 1 == bytes.size()) raise("Single '{{' encountered in format string");
      const std::size_t end = closing(bytes, brace);
      out.append(field(text.part(brace + 1, end), depth));
      evaluator_.step(1 + out.size() / 1024);
      at = end + 1;
    }
    return out;
  }

 private:
  static std::size_t closing(const std::string& bytes, std::size_t brace) {
    int level = 0;
    bool in_index = false;
    for (std::size_t at = brace; at < bytes.size(); ++at) {
      if (level == 1 && bytes[at] == '[') in_index = true;
      if (bytes[at] == ']') in_index = false;
      if (in_index) continue;
      if (bytes[at] == '{') ++level;
      if (bytes[at] == '}' && --level == 0) return at;
    }
    raise("expected '}}' before end of string");
  }

  /// name[!conversion][:specification]
  Text field(const Text& text, int depth) {
    const std::string& bytes = text.bytes();
    std::size_t name_end = 0;
    for (bool in_index = false; name_end < bytes.size(); ++name_end) {
      const char c = bytes[name_end];
      if (c == '[') in_index = true;
      if (c == ']') in_index = false;
      if (!in_index && (c == '!' || c == ':')) break;
      if (!in_index && c == '{') raise("unexpected '{{' in field name");
    }
    Value value = resolve(std::string_view(bytes).substr(0, name_end));
    std::size_t at = name_end;
    if (at < bytes.size() && bytes[at] == '!') {
      const char conversion = at + 1 < bytes.size() ? bytes[at + 1] : 0;
      if (conversion != 's' && conversion != 'r') raise("unknown or unsupported conversion '!{}' in format string", conversion == 0 ? ' ' : conversion);
      value = conversion == 'r' ? evaluator_.make(repr(evaluator_, value)) : evaluator_.make(to_text(evaluator_, value));
      at += 2;
      if (at < bytes.size() && bytes[at] != ':') raise("expected ':' after conversion specifier");
    }
    Text specification;
    if (at < bytes.size()) specification = format(text.part(at + 1, text.size()), depth + 1);
    const bool markup = value.string() != nullptr && value.string()->markup;
    Text result = format_value(evaluator_, value, specification.bytes());
    return escapes_ && !markup ? escape_html(result) : result;
  }

  Value resolve(std::string_view name) {
    const std::size_t first_end = std::min(name.find_first_of(".["), name.size());
    Value value = first(name.substr(0, first_end), name.empty());
    std::size_t at = first_end;
    while (at < name.size()) {
      if (name[at] == '.') {
        const std::size_t end = std::min(name.find_first_of(".[", at + 1), name.size());
        if (end == at + 1) raise("Empty attribute in format string");
        value = evaluator_.get_attribute(value, name.substr(at + 1, end - at - 1));
        at = end;
      } else if (name[at] == '[') {
        const std::size_t end = name.find(']', at);
        if (end == std::string_view::npos) raise("Missing ']' in format string");
        const std::string_view key = name.substr(at + 1, end - at - 1);
        if (key.empty()) raise("Empty attribute in format string");
        value = evaluator_.get_item(value, is_number(key) ? Value(number(key)) : Value::text(key));
        at = end + 1;
      } else {
        raise("Only '.' or '[' may follow ']' in format field specifier");
      }
    }
    return value;
  }

  static bool is_number(std::string_view text) {
    return !text.empty() && text.size() < 18 && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
  }
  static std::int64_t number(std::string_view text) { return std::stoll(std::string(text)); }

  Value first(std::string_view name, bool automatic) {
    if (automatic || is_number(name)) {
      if (automatic ? numbered_ : counted_) raise("cannot switch between manual and automatic field numbering");
      (automatic ? counted_ : numbered_) = true;
      const std::size_t index = automatic ? next_++ : static_cast<std::size_t>(number(name));
      if (index >= arguments_.positional.size()) raise("Replacement index {} out of range for positional args tuple", index);
      return arguments_.positional[index];
    }
    for (const auto& [other, value] : arguments_.named) {
      if (other == name) return value;
    }
    raise("'{}' is not among the arguments of format()", name);
  }

  Evaluator& evaluator_;
  const Arguments& arguments_;
  bool escapes_;   ///< the format is safe HTML
  std::size_t next_ = 0;
  bool counted_ = false;
  bool numbered_ = false;
};

}  // namespace

Text str_format(Evaluator& evaluator, const Text& format, const Arguments& arguments) {
  return Formatter(evaluator, arguments, format.markup).format(format, 1);
}

}  // namespace lmm::chat_template
