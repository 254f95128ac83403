#pragma once

#include "lib/chat_template/chat_template.hpp"
#include "lib/core/error.hpp"

#include <string>
#include <vector>

namespace lmm::chat_template {

/// The text that a template gives for {"messages": [], **variables}.
inline std::string text_of(const std::string& source, Json variables = Json::object(), const Limits& limits = {}) {
  if (!variables.contains("messages")) variables["messages"] = Json::array();
  return ChatTemplate::parse(source, "test").render(variables, limits).text;
}

/// The error of parsing or rendering, or nothing; the code must be bad_template.
inline std::string error_of(const std::string& source, Json variables = Json::object(), const Limits& limits = {}) {
  try {
    text_of(source, std::move(variables), limits);
  } catch (const Error& error) {
    return error.code() == ErrorCode::bad_template ? error.what() : std::string("wrong code: ") + error_name(error.code());
  }
  return {};
}

/// The output with what came from the host in [brackets].
inline std::string marked(const std::string& source, Json variables) {
  if (!variables.contains("messages")) variables["messages"] = Json::array();
  const Rendered rendered = ChatTemplate::parse(source, "test").render(variables);
  std::string text;
  std::size_t at = 0;
  for (const Span& span : rendered.user) {
    text += rendered.text.substr(at, span.begin - at) + "[" + rendered.text.substr(span.begin, span.end - span.begin) + "]";
    at = span.end;
  }
  return text + rendered.text.substr(at);
}

}  // namespace lmm::chat_template
