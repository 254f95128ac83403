#include "lib/chat_template/chat_template.hpp"

#include "lib/chat_template/evaluator.hpp"
#include "lib/chat_template/parser.hpp"
#include "lib/core/error.hpp"

#include <algorithm>
#include <array>

namespace lmm::chat_template {
namespace {

constexpr std::array<const char*, 3> kReasoning = {"reasoning_content", "thinking", "reasoning"};

/// {"type": "image_url", "image_url": {"url": U}} as OpenAI writes it becomes {"type": "image", "url": U}.
Json image_part(const Json& part) {
  const auto url = part.find("image_url");
  if (!part.is_object() || part.value("type", Json()) != "image_url" || url == part.end()) return part;
  Json image = Json::object();
  image["type"] = "image";
  image["url"] = url->is_object() ? url->value("url", Json("")) : *url;
  return image;
}

Json normalized_message(const Json& given, bool processor, const std::string& where) {
  if (!given.is_object()) {
    fail(ErrorCode::bad_template, "{}: a message is {}, expected an object with role and content", where, given.type_name());
  }
  Json message = Json::object();
  for (const auto& [key, value] : given.items()) {
    if (!value.is_null()) message[key] = value;
  }
  if (const auto content = message.find("content"); processor && content != message.end() && content->is_array()) {
    for (Json& part : *content) part = image_part(part);
  }
  for (const char* name : kReasoning) {
    const auto found = message.find(name);
    if (found == message.end()) continue;
    const Json reasoning = *found;
    if (message.contains("thinking")) {
      message["reasoning_content"] = reasoning;
    } else {
      Json aliased = Json::object();
      aliased["thinking"] = reasoning;
      for (const auto& [key, value] : message.items()) aliased[key] = value;
      aliased["reasoning_content"] = reasoning;
      message = std::move(aliased);
    }
    break;
  }
  return message;
}

/// What apply_chat_template does before it renders (tokenization_utils_base.py, processing_utils.py).
Json normalized(const Json& variables, bool processor, const std::string& where) {
  if (!variables.is_object()) fail(ErrorCode::bad_template, "{}: the variables are {}, expected an object", where, variables.type_name());
  Json result = variables;
  for (const char* name : {"tools", "documents"}) {
    if (!result.contains(name)) result[name] = nullptr;
  }
  if (!result.contains("add_generation_prompt")) result["add_generation_prompt"] = false;
  const auto messages = result.find("messages");
  if (messages == result.end() || !messages->is_array()) return result;
  for (Json& message : *messages) message = normalized_message(message, processor, where);
  return result;
}

bool has_video(const Json& variables) {
  const auto any_of = [](const Json& object, const char* name, const auto& fits) {
    const auto list = object.is_object() ? object.find(name) : object.end();
    return list != object.end() && list->is_array() && std::any_of(list->begin(), list->end(), fits);
  };
  return any_of(variables, "messages", [&](const Json& message) {
    return any_of(message, "content", [](const Json& part) { return part.is_object() && part.contains("type") && part["type"] == "video"; });
  });
}

}  // namespace

ChatTemplate ChatTemplate::parse(std::string source, std::string where) {
  ChatTemplate result;
  result.program_ = Parser(std::move(source), std::move(where)).parse();
  return result;
}

Rendered ChatTemplate::render(const Json& variables, const Limits& limits, const Clock& clock) const {
  const Program& usual = program_ != nullptr ? *program_ : *with_tools_;
  const Json given = normalized(variables, processor_, usual.where);
  const bool tools = !given["tools"].is_null();
  if (program_ == nullptr && !tools) {
    fail(ErrorCode::bad_template, "{}: the only template is named \"tool_use\", expected tools to be given", usual.where);
  }
  if (with_videos_ != nullptr && has_video(given)) return Evaluator(*with_videos_, limits, clock).render(given);
  return Evaluator(tools && with_tools_ != nullptr ? *with_tools_ : usual, limits, clock).render(given);
}

const std::string& ChatTemplate::source() const noexcept { return (program_ != nullptr ? program_ : with_tools_)->source; }

}  // namespace lmm::chat_template
