#pragma once

#include "lib/core/error.hpp"
#include "lib/core/json.hpp"

#include <algorithm>
#include <initializer_list>
#include <string>
#include <string_view>

/// What the config.json and tokenizer_config.json of several families have in common.
namespace lmm::models {

inline const Json kNoFields = Json::object();

/// A part of config.json with a model_type of its own, without any field where it is absent. `types`: what the model_type
/// may be; the first is what it is where it is not said. Error unsupported for another one.
inline Fields nested_config(const Fields& fields, const char* name, std::initializer_list<std::string_view> types) {
  if (!fields.has(name)) return Fields(kNoFields, fmt::format("{}: {}", fields.where(), name));
  const Fields object = fields.object(name);
  const std::string type = object.string("model_type", *types.begin());
  if (std::find(types.begin(), types.end(), type) == types.end()) {
    fail(ErrorCode::unsupported, "{}: model_type is \"{}\", only \"{}\" is supported", object.where(), type, *types.begin());
  }
  return object;
}

/// The text of a special token: a string, or an object that holds it; empty where there is none.
inline std::string token_text(const Fields& fields, const char* name) {
  const Json* value = fields.find(name);
  if (value == nullptr) return {};
  return value->is_object() ? fields.object(name).string("content") : fields.string(name);
}

}  // namespace lmm::models
