#include "lib/tokenizer/special_tokens.hpp"

#include "lib/core/error.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <optional>
#include <unordered_set>

namespace lmm::tokenizer {
namespace {

constexpr std::array<std::string_view, 7> kNames = {"bos_token", "eos_token", "unk_token", "sep_token",
                                                    "pad_token", "cls_token", "mask_token"};

/// A special token as a string, or with properties; the reference treats the two differently.
struct Value {
  AddedToken token;
  bool has_properties = false;

  bool operator==(const Value& other) const {
    return has_properties == other.has_properties &&
           (has_properties ? token == other.token : token.content == other.token.content);
  }
};

Value plain(std::string content) {
  Value value;
  value.token.content = std::move(content);
  value.token.special = true;
  value.token.normalized = false;
  return value;
}

Value parse_value(const Json& json, const std::string& where) {
  if (json.is_string()) return plain(json.get<std::string>());
  return {parse_added_token(json, where), true};
}

bool truthy(const Json* json) { return json != nullptr && !json->empty(); }

/// The steps of the reference in order; `init_` is its init_kwargs.
class Resolver {
 public:
  Resolver(const std::filesystem::path& folder, const Json& config, std::string where)
      : folder_(folder), init_(config), where_(std::move(where)) {}

  void run(bool has_tokenizer_json, const std::vector<std::pair<std::int64_t, AddedToken>>& json_tokens,
           const Json& padding, const ClassParts* parts, Blueprint& out) {
    if (has_tokenizer_json) {
      init_.erase("add_bos_token");
      init_.erase("add_eos_token");
    }
    rename_additional();
    collect_model_specific();
    if (init_.contains("added_tokens_decoder"))
      read_added_tokens_decoder();
    else
      read_legacy_files(has_tokenizer_json, json_tokens);
    apply_defaults(padding, parts);
    fill_named();
    add_tokens(parts, out);
    out.bos_and_eos_only = init_.contains("add_bos_token") || init_.contains("add_eos_token") ||
                           out.post_processor.is_null() || (parts != nullptr && parts->own_post_processor);
    const Fields init(init_, where_);
    out.add_bos = init.boolean("add_bos_token", false);
    out.add_eos = init.boolean("add_eos_token", false);
    out.split_special_tokens = init.boolean("split_special_tokens", false);
    out.clean_up = init.boolean("clean_up_tokenization_spaces", false) &&
                   (out.model.value("type", "") != "BPE" ||
                    init.boolean("clean_up_tokenization_spaces_for_bpe_even_though_it_will_corrupt_output", false));
    for (const auto& [name, value] : named_) out.named.emplace_back(name, value.token.content);
    for (const Value& value : extra_) out.extra.push_back(value.token.content);
  }

 private:
  const Json* find(std::string_view key) const {
    const auto it = init_.find(std::string(key));
    return it == init_.end() ? nullptr : &*it;
  }

  void rename_additional() {
    if (!init_.contains("additional_special_tokens") || truthy(find("extra_special_tokens"))) return;
    init_["extra_special_tokens"] = init_["additional_special_tokens"];
    init_.erase("additional_special_tokens");
  }

  static bool is_model_specific(const std::string& key) {
    return key.size() > 6 && key.compare(key.size() - 6, 6, "_token") == 0 &&
           std::find(kNames.begin(), kNames.end(), key) == kNames.end();
  }

  /// Named tokens of the model's own, e.g. "image_token", as keys or in a dict extra_special_tokens.
  void collect_model_specific() {
    for (const auto& [key, value] : init_.items()) {
      if (is_model_specific(key) && (value.is_string() || value.is_object())) specific_[key] = value;
    }
    for (const auto& [key, value] : specific_.items()) init_.erase(key);
    const Json* extra = find("extra_special_tokens");
    if (extra == nullptr || !extra->is_object()) return;
    specific_.update(*extra);
    init_.erase("extra_special_tokens");
  }

  void read_added_tokens_decoder() {
    const Fields decoder = Fields(init_, where_).object("added_tokens_decoder");
    for (const auto& [key, json] : decoder.json().items()) {
      std::int64_t id = -1;
      const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), id);
      if (error != std::errc() || end != key.data() + key.size() || id < 0 || id > INT32_MAX) {
        fail(ErrorCode::bad_file, "{}: the key \"{}\" is no id of 31 bits", decoder.where(), key);
      }
      remember(id, parse_added_token(json, decoder.where()));
    }
  }

  void read_legacy_files(bool has_tokenizer_json, const std::vector<std::pair<std::int64_t, AddedToken>>& json_tokens) {
    read_special_tokens_map();
    const std::filesystem::path file = folder_ / "added_tokens.json";
    if (std::filesystem::exists(file)) {
      std::unordered_set<std::string> special;
      for (const std::string_view name : kNames) {
        if (truthy(find(name))) special.insert(parse_value(*find(name), where_).token.content);
      }
      for (const Value& value : list(find("extra_special_tokens"), "extra_special_tokens"))
        special.insert(value.token.content);
      for (auto& [content, id] : parse_vocabulary(read_sorted_json_file(file), file.string())) {
        AddedToken token;
        token.special = special.contains(content);
        token.normalized = !token.special;
        token.content = std::move(content);
        if (id < 0)
          fail(ErrorCode::bad_file, "{}: id of \"{}\" is {}, expected at least 0", file.string(), token.content, id);
        remember(id, token);
      }
    }
    if (!has_tokenizer_json) return;
    for (const auto& [id, token] : json_tokens) remember(id, token);
  }

  void read_special_tokens_map() {
    const std::filesystem::path file = folder_ / "special_tokens_map.json";
    if (!std::filesystem::exists(file)) return;
    const Json map = read_json_file(file);
    if (!map.is_object()) fail(ErrorCode::bad_file, "{}: is no JSON object", file.string());
    for (const auto& [key, value] : map.items()) {
      if (value.is_object() && key != "extra_special_tokens") {
        Json token = value;
        token["special"] = true;
        init_[key] = std::move(token);
      } else if (key == "extra_special_tokens" && value.is_array()) {
        Json merged = truthy(find(key)) ? *find(key) : Json::array();
        for (const Json& token : value) {
          if (std::find(merged.begin(), merged.end(), token) == merged.end()) merged.push_back(token);
        }
        init_[key] = std::move(merged);
      } else {
        init_[key] = value;
      }
    }
    const Json* extra = find("extra_special_tokens");
    if (extra != nullptr && extra->is_object()) {
      specific_.update(*extra);
      init_.erase("extra_special_tokens");
    }
  }

  void remember(std::int64_t id, const AddedToken& token) {
    by_content_[token.content] = token;
    decoder_[id] = token;
  }

  void apply_defaults(const Json& padding, const ClassParts* parts) {
    if (parts != nullptr) {
      for (const auto& [name, value] : parts->defaults) {
        if (!init_.contains(name)) init_[name] = value;
      }
    }
    if (padding.is_object() && !init_.contains("pad_token")) {
      init_["pad_token"] = Fields(padding, where_ + ": padding").string("pad_token");
    }
    if (init_.contains("additional_special_tokens") && !init_.contains("extra_special_tokens")) {
      init_["extra_special_tokens"] = init_["additional_special_tokens"];
    }
  }

  std::vector<Value> list(const Json* json, std::string_view name) const {
    std::vector<Value> out;
    if (json == nullptr || json->is_null()) return out;
    if (!json->is_array()) fail(ErrorCode::bad_file, "{}: {} is no list", where_, name);
    for (const Json& item : *json) out.push_back(parse_value(item, where_));
    return out;
  }

  void fill_named() {
    for (const std::string_view name : kNames) {
      const Json* json = find(name);
      if (json == nullptr || json->is_null()) continue;
      Value value = parse_value(*json, fmt::format("{}: {}", where_, name));
      if (const auto it = by_content_.find(value.token.content); it != by_content_.end()) value = {it->second, true};
      named_.emplace_back(name, std::move(value));
    }
    for (const auto& [key, json] : init_.items()) {
      if (is_model_specific(key) && (json.is_string() || json.is_object()))
        named_.emplace_back(key, parse_value(json, where_));
    }
    for (const auto& [key, json] : specific_.items()) named_.emplace_back(key, parse_value(json, where_));
    extra_ = list(find("extra_special_tokens"), "extra_special_tokens");
  }

  void add_tokens(const ClassParts* parts, Blueprint& out) {
    std::unordered_set<std::string> known;
    for (const std::vector<AddedToken>& call : out.added) {
      for (const AddedToken& token : call) known.insert(token.content);
    }
    std::vector<Value> to_add;
    for (const auto& [id, token] : decoder_) {
      to_add.push_back({token, true});
      known.insert(token.content);
    }
    const auto consider = [&](const Value& value) {
      if (known.contains(value.token.content) || std::find(to_add.begin(), to_add.end(), value) != to_add.end()) return;
      to_add.push_back(value);
    };
    for (const auto& [name, value] : named_) consider(value);
    for (const Value& value : extra_) consider(value);
    std::vector<AddedToken> tokens;
    for (const Value& value : to_add) {
      tokens.push_back(value.token);
      tokens.back().special |= std::any_of(named_.begin(), named_.end(), [&](const auto& entry) {
        return entry.second.token.content == value.token.content;
      });
    }
    out.added.push_back(std::move(tokens));
    if (parts == nullptr || !(parts->adds_specials_again || parts->post_init)) return;
    std::vector<AddedToken> again;
    const auto repeat = [&](const Value& value) {
      Value copy = parts->post_init && value.has_properties ? value : plain(value.token.content);
      copy.token.special = true;
      again.push_back(std::move(copy.token));
    };
    for (const auto& [name, value] : named_) repeat(value);
    for (const Value& value : extra_) repeat(value);
    out.added.push_back(std::move(again));
  }

  std::filesystem::path folder_;
  Json init_;
  std::string where_;
  Json specific_ = Json::object();
  std::map<std::int64_t, AddedToken> decoder_;
  std::map<std::string, AddedToken> by_content_;
  std::vector<std::pair<std::string, Value>> named_;
  std::vector<Value> extra_;
};

}  // namespace

AddedToken parse_added_token(const Json& json, const std::string& where) {
  const Fields fields(json, where);
  AddedToken token;
  token.content = fields.string("content");
  token.single_word = fields.boolean("single_word", false);
  token.lstrip = fields.boolean("lstrip", false);
  token.rstrip = fields.boolean("rstrip", false);
  token.special = fields.boolean("special", false);
  token.normalized = fields.boolean("normalized", !token.special);
  return token;
}

void resolve_special_tokens(const std::filesystem::path& folder, const Json& config, bool has_tokenizer_json,
                            const std::vector<std::pair<std::int64_t, AddedToken>>& json_tokens, const Json& padding,
                            const ClassParts* parts, Blueprint& blueprint) {
  Resolver(folder, config, (folder / "tokenizer_config.json").string())
      .run(has_tokenizer_json, json_tokens, padding, parts, blueprint);
}

}  // namespace lmm::tokenizer
