#pragma once

#include <lmm/lmm.hpp>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace command {

/// Keeps its keys in the order in which they are written.
using Json = nlohmann::ordered_json;

Json to_json(const lmm::Reply& reply);
Json to_json(const lmm::ModelInfo& info);

/// {"ids": [...], "pieces": [...]}
Json to_json(const std::vector<lmm::Token>& tokens);

/// The text in quotes on one line, as JSON spells it.
std::string quoted(const std::string& text);

/// Prints it on one line of standard output. Bytes that are no UTF-8 become U+FFFD.
void put_json(const Json& json);

}  // namespace command
