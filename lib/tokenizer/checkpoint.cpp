#include "lib/tokenizer/checkpoint.hpp"

#include "lib/core/error.hpp"
#include "lib/core/file.hpp"
#include "lib/tokenizer/auto_class.hpp"
#include "lib/tokenizer/special_tokens.hpp"
#include "lib/tokenizer/tekken.hpp"

namespace lmm::tokenizer {
namespace {

namespace fs = std::filesystem;

Json read_optional(const fs::path& file) {
  if (!fs::exists(file)) return Json::object();
  Json json = read_json_file(file);
  if (!json.is_object()) fail(ErrorCode::bad_file, "{}: is no JSON object", file.string());
  return json;
}

const SortedJson& member(const SortedJson& object, const char* name) {
  static const SortedJson null;
  const auto it = object.find(name);
  return it == object.end() ? null : *it;
}

/// The sections of tokenizer.json.
struct TokenizerFile {
  SortedJson json;
  bool byte_level = false;  // whether "ByteLevel" stands anywhere in it
};

TokenizerFile read_tokenizer_file(const fs::path& file) {
  const std::string text = read_text_file(file);
  TokenizerFile out{parse_sorted_json(text, file.string()), text.find("\"ByteLevel\"") != std::string::npos};
  if (!out.json.is_object()) fail(ErrorCode::bad_file, "{}: is no JSON object", file.string());
  const SortedJson& version = member(out.json, "version");
  if (!version.is_null() && version != "1.0") {
    fail(ErrorCode::unsupported, "{}: version {} is not supported, only \"1.0\"", file.string(),
         version.dump().substr(0, 40));
  }
  return out;
}

/// The model section: options without its two big tables, and these.
void read_model(const SortedJson& model, const std::string& where, Blueprint& out) {
  if (!model.is_object()) fail(ErrorCode::bad_file, "{}: is missing", where);
  out.model = Json::object();
  for (const auto& [key, value] : model.items()) {
    if (key != "vocab" && key != "merges") out.model[key] = Json(value);
  }
  // Files of old releases leave the type out; merges tell BPE.
  if (!out.model.contains("type") && model.contains("merges")) out.model["type"] = "BPE";
  const std::string type = Fields(out.model, where).string("type");
  if (type != "BPE" && type != "WordLevel") {
    fail(ErrorCode::unsupported, "{}: the model \"{}\" is not supported, only BPE and WordLevel", where, type);
  }
  out.vocabulary = parse_vocabulary(member(model, "vocab"), where);
  if (type == "BPE") out.merges = parse_merges(member(model, "merges"), where);
}

std::vector<std::pair<std::int64_t, AddedToken>> read_added_tokens(const SortedJson& json, const std::string& where) {
  std::vector<std::pair<std::int64_t, AddedToken>> out;
  if (json.is_null()) return out;
  if (!json.is_array()) fail(ErrorCode::bad_file, "{}: is no list", where);
  for (std::size_t i = 0; i < json.size(); ++i) {
    const Json token = json[i];
    const std::string token_where = fmt::format("{}[{}]", where, i);
    out.emplace_back(Fields(token, token_where).integer_in("id", 0, INT32_MAX), parse_added_token(token, token_where));
  }
  return out;
}

/// Lays the class's own pipeline over what tokenizer.json says.
void apply_class(const ClassParts& parts, Blueprint& out) {
  out.model = parts.model;
  out.normalizer = parts.normalizer;
  out.pre_tokenizer = parts.pre_tokenizer;
  out.decoder = parts.decoder;
  out.added.clear();
}

void read_vocab_files(const fs::path& folder, Blueprint& out) {
  const fs::path vocab = folder / "vocab.json";
  const fs::path merges = folder / "merges.txt";
  out.file = vocab.string();
  out.vocabulary = parse_vocabulary(read_sorted_json_file(vocab), vocab.string());
  out.merges = parse_merges_text(read_text_file(merges), merges.string());
}

[[noreturn]] void no_tokenizer(const fs::path& folder, const std::string& name) {
  for (const char* file : {"tokenizer.model", "spiece.model", "tiktoken.model", "vocab.txt"}) {
    if (fs::exists(folder / file)) {
      fail(ErrorCode::unsupported,
           "{}: this kind of vocabulary is not supported, only tokenizer.json, tekken.json or vocab.json with "
           "merges.txt",
           (folder / file).string());
    }
  }
  if (fs::exists(folder / "vocab.json")) {
    fail(ErrorCode::unsupported,
         "{}: the tokenizer class {} is not built from vocab.json, expected tokenizer.json beside it", folder.string(),
         name);
  }
  fail(ErrorCode::not_found, "{}: has no tokenizer.json, nor vocab.json and merges.txt", folder.string());
}

}  // namespace

Blueprint read_checkpoint(const fs::path& folder) {
  if (!fs::is_directory(folder)) fail(ErrorCode::not_found, "{}: is no folder", folder.string());
  const fs::path file = folder / "tokenizer.json";
  const fs::path config_file = folder / "tokenizer_config.json";
  const Json config = read_optional(config_file);
  const Fields fields(config, config_file.string());
  const Json model_config = read_optional(folder / "config.json");
  const Fields model_fields(model_config, (folder / "config.json").string());
  const fs::path tekken = folder / "tekken.json";
  const bool first = !fs::exists(file) || reads_tekken_first(model_fields.string("model_type", ""));
  if (first && fs::exists(tekken)) return read_tekken(tekken);  // alone: the reference looks at no other file then
  if (fields.boolean("fix_mistral_regex", false)) {
    fail(ErrorCode::unsupported, "{}: fix_mistral_regex is not supported", config_file.string());
  }
  const bool has_file = fs::exists(file);
  TokenizerFile source;
  if (has_file) source = read_tokenizer_file(file);
  const std::string name = auto_class(model_fields.string("model_type", ""), model_fields.string("tokenizer_class", ""),
                                      fields.string("tokenizer_class", ""), source.byte_level);
  std::optional<ClassParts> parts;
  if (name != "TokenizersBackend") parts = class_parts(name, fields);

  Blueprint out;
  out.file = file.string();
  std::vector<std::pair<std::int64_t, AddedToken>> json_tokens;
  Json padding;
  if (has_file) {
    read_model(member(source.json, "model"), file.string() + ": model", out);
    json_tokens = read_added_tokens(member(source.json, "added_tokens"), file.string() + ": added_tokens");
    out.added.emplace_back();
    for (const auto& [id, token] : json_tokens) out.added.back().push_back(token);
    out.normalizer = member(source.json, "normalizer");
    out.pre_tokenizer = member(source.json, "pre_tokenizer");
    out.post_processor = member(source.json, "post_processor");
    out.decoder = member(source.json, "decoder");
    padding = member(source.json, "padding");
    if (parts && Fields(out.model, file.string()).string("type") != "BPE") {
      fail(ErrorCode::unsupported, "{}: the tokenizer class {} needs the model BPE", file.string(), name);
    }
  } else if (parts && parts->vocab_files && fs::exists(folder / "vocab.json")) {
    read_vocab_files(folder, out);
  } else {
    no_tokenizer(folder, name);
  }
  if (parts) apply_class(*parts, out);
  resolve_special_tokens(folder, config, has_file, json_tokens, padding, parts ? &*parts : nullptr, out);
  return out;
}

}  // namespace lmm::tokenizer
