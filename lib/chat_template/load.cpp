#include "lib/chat_template/ast.hpp"
#include "lib/chat_template/builtin.hpp"
#include "lib/chat_template/chat_template.hpp"
#include "lib/core/error.hpp"
#include "lib/core/file.hpp"

#include <algorithm>
#include <map>

namespace lmm::chat_template {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kMaxTemplateBytes = 16u << 20;

struct Source {
  std::string text;
  std::string where;
};
using Sources = std::map<std::string, Source>;   ///< by name; the usual one is "default"

bool is_file(const fs::path& path) {
  std::error_code error;
  return fs::is_regular_file(path, error);
}

Source read(const fs::path& path) { return {read_text_file(path, kMaxTemplateBytes), path.string()}; }

/// additional_chat_templates/*.jinja
Sources named_files(const fs::path& folder) {
  Sources sources;
  std::error_code error;
  for (fs::directory_iterator it(folder / "additional_chat_templates", error), end; !error && it != end; it.increment(error)) {
    if (it->path().extension() == ".jinja" && is_file(it->path())) sources[it->path().stem().string()] = read(it->path());
  }
  return sources;
}

/// "chat_template" of a JSON file: a string, a list of {"name", "template"}, or an object by name.
Sources from_json_file(const fs::path& path) {
  Sources sources;
  if (!is_file(path)) return sources;
  const Json json = read_json_file(path);
  const Fields fields(json, path.string());
  const Json* given = fields.find("chat_template");
  if (given == nullptr) return sources;
  const auto add = [&](const std::string& name, const Json& text) {
    if (!text.is_string()) fields.wrong("chat_template", "a string, or strings by name");
    sources[name] = {text.get<std::string>(), path.string()};
  };
  if (given->is_array()) {
    for (const Json& entry : *given) {
      const Fields named(entry, path.string() + ": chat_template");
      add(named.string("name"), named.at("template"));
    }
  } else if (given->is_object()) {
    for (const auto& [name, text] : given->items()) add(name, text);
  } else {
    add("default", *given);
  }
  return sources;
}

/// As ProcessorMixin.get_processor_dict.
Sources processor_sources(const fs::path& folder) {
  Sources configured = from_json_file(folder / "processor_config.json");
  Sources sources = named_files(folder);
  if (is_file(folder / "chat_template.json")) {
    if (!sources.empty()) {
      fail(ErrorCode::bad_file, "{}: chat_template.json stands beside additional_chat_templates, expected one of them", folder.string());
    }
    sources = from_json_file(folder / "chat_template.json");
  } else if (is_file(folder / "chat_template.jinja")) {
    sources["default"] = read(folder / "chat_template.jinja");
  }
  return configured.empty() ? sources : configured;
}

/// As PreTrainedTokenizerBase._from_pretrained.
Sources tokenizer_sources(const fs::path& folder) {
  Sources sources = named_files(folder);
  if (is_file(folder / "chat_template.jinja")) sources["default"] = read(folder / "chat_template.jinja");
  return sources.empty() ? from_json_file(folder / "tokenizer_config.json") : sources;
}

bool has_processor(const fs::path& folder) {
  return is_file(folder / "processor_config.json") || is_file(folder / "preprocessor_config.json") ||
         is_file(folder / "chat_template.json");
}

/// One that lmm brings along, named after the folder's model type in errors.
Sources built_in(const fs::path& folder, std::string_view (*find)(std::string_view)) {
  const fs::path path = folder / "config.json";
  if (!is_file(path)) return {};
  const Json config = read_json_file(path);
  const std::string type = Fields(config, path.string()).string("model_type", "");
  const std::string_view text = find(type);
  if (text.empty()) return {};
  return {{"default", {std::string(text), fmt::format("{}: lmm's chat template for {}", folder.string(), type)}}};
}

}  // namespace

std::optional<ChatTemplate> ChatTemplate::load(const fs::path& folder) {
  const bool processor = has_processor(folder);
  Sources sources;
  if (is_file(folder / "tekken.json")) sources = built_in(folder, mistral_default);  // the reference looks at no other
  if (processor && sources.empty()) sources = processor_sources(folder);
  if (processor && sources.empty()) sources = built_in(folder, processor_default);
  const bool from_processor = !sources.empty();
  if (sources.empty()) sources = tokenizer_sources(folder);
  if (sources.empty()) sources = built_in(folder, mistral_default);
  if (sources.empty()) return std::nullopt;
  const auto usual = sources.find("default");
  const auto with_tools = from_processor ? sources.end() : sources.find("tool_use");  // a tokenizer's, not a processor's
  if (usual == sources.end() && with_tools == sources.end()) {
    std::string names;
    for (const auto& [name, source] : sources) names += (names.empty() ? "" : ", ") + name;
    fail(ErrorCode::bad_file, "{}: chat templates {}, expected one named \"default\"", folder.string(), names);
  }
  ChatTemplate result;
  if (usual != sources.end()) result.program_ = parse(std::move(usual->second.text), std::move(usual->second.where)).program_;
  if (with_tools != sources.end()) {
    result.with_tools_ = parse(std::move(with_tools->second.text), std::move(with_tools->second.where)).program_;
  }
  if (processor) sources = built_in(folder, video_default);
  if (const auto own = sources.find("default"); processor && own != sources.end()) {
    result.with_videos_ = parse(std::move(own->second.text), std::move(own->second.where)).program_;
  }
  result.processor_ = processor;
  return result;
}

}  // namespace lmm::chat_template
