#include "lib/tokenizer/post_processor.hpp"

#include "lib/tokenizer/component.hpp"

#include <optional>
#include <utility>

namespace lmm::tokenizer {
namespace {

using Ids = std::vector<std::int32_t>;

std::int32_t known_id(const Json& json, const Fields& fields, std::string_view name, const KnownId& known) {
  if (!json.is_number_integer() || json.get<std::int64_t>() < 0 || json.get<std::int64_t>() > INT32_MAX) {
    fields.wrong(name, "ids of tokens");
  }
  const auto id = static_cast<std::int32_t>(json.get<std::int64_t>());
  if (!known(id)) fail(ErrorCode::bad_file, "{}: {} has the id {}, which is no token", fields.where(), name, id);
  return id;
}

/// ["[SEP]", 102]
std::int32_t token_pair(const Fields& fields, std::string_view name, const KnownId& known) {
  const Json& pair = fields.at(name);
  if (!pair.is_array() || pair.size() != 2) fields.wrong(name, "a token and its id");
  return known_id(pair[1], fields, name, known);
}

PostProcessor surround(Ids before, Ids after) {
  return [before = std::move(before), after = std::move(after)](Ids& ids, bool add_special_tokens) {
    if (!add_special_tokens) return;
    ids.insert(ids.begin(), before.begin(), before.end());
    ids.insert(ids.end(), after.begin(), after.end());
  };
}

PostProcessor template_processing(const Fields& fields, const KnownId& known) {
  const Json& single = fields.at("single");
  if (!single.is_array()) fields.wrong("single", "a list");
  std::vector<std::optional<Ids>> parts;  // nothing: the ids of the text
  for (const Json& item : single) {
    const Fields part(item, fields.where() + ": single");
    if (part.has("Sequence")) {
      if (part.object("Sequence").string("id") != "A") part.wrong("Sequence", "the sequence A");
      parts.emplace_back();
      continue;
    }
    const std::string name = part.object("SpecialToken").string("id");
    const Fields token = fields.object("special_tokens").object(name);
    const Json& ids = token.at("ids");
    if (!ids.is_array()) token.wrong("ids", "a list of ids");
    parts.emplace_back(Ids{});
    for (const Json& id : ids) parts.back()->push_back(known_id(id, token, "ids", known));
  }
  return [parts = std::move(parts)](Ids& ids, bool add_special_tokens) {
    Ids out;
    for (const std::optional<Ids>& part : parts) {
      if (!part)
        out.insert(out.end(), ids.begin(), ids.end());
      else if (add_special_tokens)
        out.insert(out.end(), part->begin(), part->end());
    }
    ids = std::move(out);
  };
}

}  // namespace

PostProcessor parse_post_processor(const Json& json, const std::string& where, const KnownId& known, int depth) {
  const Fields fields(json, where);
  const std::string type = fields.string("type");
  if (type == "Sequence") {
    std::vector<PostProcessor> parts;
    for_each_component(fields, "processors", depth, [&](const Json& part, const std::string& part_where) {
      parts.push_back(parse_post_processor(part, part_where, known, depth + 1));
    });
    return [parts = std::move(parts)](Ids& ids, bool add_special_tokens) {
      for (const PostProcessor& part : parts) part(ids, add_special_tokens);
    };
  }
  if (type == "TemplateProcessing") return template_processing(fields, known);
  if (type == "ByteLevel") return [](Ids&, bool) {};  // trims offsets only
  if (type == "BertProcessing" || type == "RobertaProcessing") {
    return surround({token_pair(fields, "cls", known)}, {token_pair(fields, "sep", known)});
  }
  unknown_component(fields, "post-processor");
}

}  // namespace lmm::tokenizer
