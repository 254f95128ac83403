#include "lib/chat_template/filters.hpp"
#include "lib/chat_template/unicode.hpp"

#include <algorithm>
#include <array>

namespace lmm::chat_template {
namespace {

/// The value as a string, safe HTML staying that.
Text soft(Evaluator& evaluator, const Value& value) { return to_text(evaluator, value); }

Text plain(Evaluator& evaluator, const Value& value) {
  Text text = to_text(evaluator, value);
  text.markup = false;
  return text;
}

template <Text (*function)(const Text&)>
Value mapped(Evaluator& evaluator, Arguments& arguments) {
  return evaluator.make(function(soft(evaluator, bind("filter", arguments, {"s"}, 1)[0])));
}

Value filter_string(Evaluator& evaluator, Arguments& arguments) {
  return evaluator.make(soft(evaluator, bind("string", arguments, {"s"}, 1)[0]));
}

Value filter_safe(Evaluator& evaluator, Arguments& arguments) {
  Text text = soft(evaluator, bind("safe", arguments, {"value"}, 1)[0]);
  text.markup = true;
  return evaluator.make(std::move(text));
}

Value filter_escape(Evaluator& evaluator, Arguments& arguments) {
  return evaluator.make(escape_html(soft(evaluator, bind("escape", arguments, {"s"}, 1)[0])));
}

Value filter_force_escape(Evaluator& evaluator, Arguments& arguments) {
  return evaluator.make(escape_html(plain(evaluator, bind("forceescape", arguments, {"value"}, 1)[0])));
}

Value filter_trim(Evaluator& evaluator, Arguments& arguments) {
  const Values values = bind("trim", arguments, {"value", "chars"}, 1);
  const Text text = soft(evaluator, values[0]);
  const bool all = values[1].is_missing() || values[1].is_none();
  const auto [begin, end] = stripped(text, all ? nullptr : &to_string(values[1], "trim"), true, true);
  return evaluator.make(text.part(begin, end));
}

Value filter_replace(Evaluator& evaluator, Arguments& arguments) {
  const Values values = bind("replace", arguments, {"s", "old", "new", "count"}, 3);
  const bool all = values[3].is_missing() || values[3].is_none();
  const Text text = plain(evaluator, values[0]);
  evaluator.step(text.size() / 16);
  return evaluator.make(replace(text, plain(evaluator, values[1]), plain(evaluator, values[2]), all ? -1 : to_integer(values[3], "replace")));
}

Value filter_center(Evaluator& evaluator, Arguments& arguments) {
  const Values values = bind("center", arguments, {"value", "width"}, 1);
  const Text text = soft(evaluator, values[0]);
  const std::int64_t width = values[1].is_missing() ? 80 : to_integer(values[1], "center");
  const std::int64_t padding = std::max<std::int64_t>(width - static_cast<std::int64_t>(text.length()), 0);
  const std::int64_t before = padding / 2 + (padding & width & 1);
  Text result;
  result.append_fill(" ", static_cast<std::size_t>(before));
  result.append(text);
  result.append_fill(" ", static_cast<std::size_t>(padding - before));
  return evaluator.make(std::move(result));
}

bool separates_words(char32_t c) { return c == '-' || c == '(' || c == '{' || c == '[' || c == '<' || unicode::is_space(c); }

/// Words begin behind space, hyphens and opening brackets.
Value filter_title(Evaluator& evaluator, Arguments& arguments) {
  const Text text = soft(evaluator, bind("title", arguments, {"s"}, 1)[0]);
  Text result;
  Text word;
  const auto flush = [&] {
    if (word.empty()) return;
    std::size_t first = 0;
    utf8::next(word.bytes(), first);
    result.append(upper(word.part(0, first)));
    result.append(lower(word.part(first, word.size())));
    word = Text();
  };
  text.each([&](char32_t c, std::string_view bytes, bool input) {
    if (separates_words(c)) {
      flush();
      result.append(bytes, input);
    } else {
      word.append(bytes, input);
    }
  });
  flush();
  return evaluator.make(std::move(result));
}

Value filter_wordcount(Evaluator& evaluator, Arguments& arguments) {
  const Text text = soft(evaluator, bind("wordcount", arguments, {"s"}, 1)[0]);
  std::int64_t count = 0;
  bool within = false;
  text.each([&](char32_t c, std::string_view, bool) {
    const bool word = unicode::is_alnum(c) || c == '_';
    if (word && !within) ++count;
    within = word;
  });
  return Value(count);
}

Value filter_indent(Evaluator& evaluator, Arguments& arguments) {
  const Values values = bind("indent", arguments, {"s", "width", "first", "blank"}, 1);
  Text indention;
  if (values[1].string() != nullptr) {
    indention = *values[1].string();
  } else {
    const std::int64_t width = values[1].is_missing() ? 4 : to_integer(values[1], "indent");
    indention.append_fill(" ", static_cast<std::size_t>(std::max<std::int64_t>(width, 0)));
  }
  Text text = to_string(values[0], "indent");
  text.append("\n");  // as jinja2, so that the last line is one also when it is empty
  const bool blank = truth(evaluator, values[3]);
  Text result;
  bool first_line = true;
  for (const Span& line : split_lines(text, false)) {
    if (!first_line) result.append("\n");
    if (first_line ? truth(evaluator, values[2]) : blank || line.end > line.begin) result.append(indention);
    result.append(text, line.begin, line.end);
    first_line = false;
  }
  result.markup = text.markup;
  return evaluator.make(std::move(result));
}

Value filter_truncate(Evaluator& evaluator, Arguments& arguments) {
  const Values values = bind("truncate", arguments, {"s", "length", "killwords", "end", "leeway"}, 1);
  const std::int64_t length = values[1].is_missing() ? 255 : to_integer(values[1], "truncate");
  const Text end = values[3].is_missing() ? Text("...") : to_string(values[3], "truncate");
  const bool default_leeway = values[4].is_missing() || values[4].is_none();
  const std::int64_t leeway = default_leeway ? 5 : to_integer(values[4], "truncate");
  const auto end_length = static_cast<std::int64_t>(end.length());
  if (length < end_length) raise("expected length >= {}, got {}", end_length, length);
  if (leeway < 0) raise("expected leeway >= 0, got {}", leeway);
  if (values[0].is_undefined()) return values[0];
  const Text& text = to_string(values[0], "truncate");
  if (static_cast<std::int64_t>(text.length()) - leeway <= length) return values[0];
  Text result = text.part(0, text.offset(static_cast<std::size_t>(length - end_length)));
  if (!truth(evaluator, values[2])) {
    const std::size_t space = result.bytes().rfind(' ');
    if (space != std::string::npos) result = result.part(0, space);
  }
  result.append(end);
  return evaluator.make(std::move(result));
}

Value filter_format(Evaluator& evaluator, Arguments& arguments) {
  if (arguments.positional.size() > 1 && !arguments.named.empty()) {
    raise("can't handle positional and keyword arguments at the same time");
  }
  const Text format = soft(evaluator, arguments.positional.at(0));
  Dict named;
  for (const auto& [name, value] : arguments.named) named.set(Value::text(name), value);
  const Values rest(arguments.positional.begin() + 1, arguments.positional.end());
  const Value value = named.items.empty() ? evaluator.make_list(rest, true) : evaluator.make_dict(std::move(named));
  return binary(evaluator, Arithmetic::modulo, evaluator.make(format), value);
}

void append_quoted(Text& out, const Text& text, bool query) {
  text.each([&](char32_t c, std::string_view bytes, bool input) {
    const bool plain_char = c < 0x80 && (unicode::is_alnum(c) || c == '_' || c == '.' || c == '-' || c == '~' || (c == '/' && !query));
    if (plain_char) {
      out.append(bytes, input);
    } else if (query && c == ' ') {
      out.append("+", input);
    } else {
      for (const char byte : bytes) out.append(fmt::format("%{:02X}", static_cast<unsigned char>(byte)), input);
    }
  });
}

Value filter_urlencode(Evaluator& evaluator, Arguments& arguments) {
  const Value value = bind("urlencode", arguments, {"value"}, 1)[0];
  Text out;
  if (value.string() != nullptr || !iterable(value, evaluator)) {
    append_quoted(out, to_text(evaluator, value), false);
    return evaluator.make(std::move(out));
  }
  Values pairs;
  if (const Dict* dict = value.dict()) {
    for (const auto& [key, item] : dict->items) pairs.push_back(evaluator.make_list({key, item}, true));
  } else {
    pairs = to_values(evaluator, value);
  }
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    const Values pair = to_values(evaluator, pairs[i]);
    if (pair.size() != 2) raise("urlencode: expected pairs");
    if (i > 0) out.append("&");
    append_quoted(out, to_text(evaluator, pair[0]), true);
    out.append("=");
    append_quoted(out, to_text(evaluator, pair[1]), true);
  }
  return evaluator.make(std::move(out));
}

Value filter_tojson(Evaluator& evaluator, Arguments& arguments) {
  return evaluator.make(to_json(evaluator, arguments.positional.at(0), arguments));
}

constexpr std::array<FilterEntry, 18> kFilters = {{
    {"string", filter_string},
    {"safe", filter_safe},
    {"e", filter_escape},
    {"escape", filter_escape},
    {"forceescape", filter_force_escape},
    {"upper", mapped<upper>},
    {"lower", mapped<lower>},
    {"capitalize", mapped<capitalize>},
    {"title", filter_title},
    {"trim", filter_trim},
    {"replace", filter_replace},
    {"center", filter_center},
    {"wordcount", filter_wordcount},
    {"indent", filter_indent},
    {"truncate", filter_truncate},
    {"format", filter_format},
    {"urlencode", filter_urlencode},
    {"tojson", filter_tojson},
}};

}  // namespace

Builtin find_text_filter(std::string_view name) {
  const auto* found = std::find_if(kFilters.begin(), kFilters.end(), [&](const FilterEntry& entry) { return entry.name == name; });
  return found == kFilters.end() ? nullptr : found->filter;
}

}  // namespace lmm::chat_template
