#include "lib/models/whisper/config.hpp"

#include "lib/core/error.hpp"

#include <array>
#include <set>
#include <utility>

namespace lmm::models::whisper {
namespace {

/// An id, or a list of one.
std::optional<std::int32_t> token_id(const Fields& fields, const char* name, std::int64_t vocab_size) {
  if (!fields.has(name)) return std::nullopt;
  const std::vector<std::int64_t> ids = fields.integers(name, {});
  if (ids.size() != 1 || ids[0] < 0 || ids[0] >= vocab_size) {
    fields.wrong(name, fmt::format("one token id of 0 to {}", vocab_size - 1));
  }
  return static_cast<std::int32_t>(ids[0]);
}

/// Ids that are masked. One beyond the vocabulary masks nothing, and negative ones, as [-1] for none, neither.
std::vector<std::int32_t> token_ids(const Fields& fields, const char* name, std::int64_t vocab_size) {
  std::vector<std::int32_t> out;
  const Json* list = fields.find(name);
  if (list == nullptr) return out;
  if (!list->is_array()) fields.wrong(name, "a list of token ids");
  for (const std::int64_t id : fields.integers(name, {})) {
    if (id >= 0 && id < vocab_size) out.push_back(static_cast<std::int32_t>(id));
  }
  return out;
}

/// An object of names and token ids; of languages "<|en|>" gives "en".
std::map<std::string, std::int32_t> named_tokens(const Fields& fields, const char* name, std::int64_t vocab_size) {
  std::map<std::string, std::int32_t> out;
  const Json* object = fields.find(name);
  if (object == nullptr) return out;
  if (!object->is_object()) fields.wrong(name, "an object of token ids");
  const Fields ids(*object, fmt::format("{}: {}", fields.where(), name));
  for (const auto& [key, value] : object->items()) {
    const bool marked = key.size() > 4 && key.starts_with("<|") && key.ends_with("|>");
    out[marked ? key.substr(2, key.size() - 4) : key] =
        static_cast<std::int32_t>(ids.integer_in(key, 0, vocab_size - 1));
  }
  return out;
}

std::vector<AlignmentHead> alignment_heads_of(const Fields& fields, const Config& shape) {
  std::vector<AlignmentHead> out;
  const Json* list = fields.find("alignment_heads");
  if (list == nullptr) return out;
  const auto is_pair = [&](const Json& item) {
    return item.is_array() && item.size() == 2 && item[0].is_number_integer() && item[1].is_number_integer() &&
           item[0].get<std::int64_t>() >= 0 && item[0].get<std::int64_t>() < shape.layers &&
           item[1].get<std::int64_t>() >= 0 && item[1].get<std::int64_t>() < shape.heads;
  };
  const std::string expected =
      fmt::format("a list of pairs [layer, head] of {} layers and {} heads, each once", shape.layers, shape.heads);
  if (!list->is_array()) fields.wrong("alignment_heads", expected);
  std::set<std::pair<std::int64_t, std::int64_t>> known;  // what is kept for each of them is large
  for (const Json& item : *list) {
    if (!is_pair(item) || !known.emplace(item[0], item[1]).second) fields.wrong("alignment_heads", expected);
    out.push_back({item[0].get<std::int64_t>(), item[1].get<std::int64_t>()});
  }
  return out;
}

/// forced_decoder_ids: pairs [place, id], where null stands for what is to be heard, from place 1 on without a gap.
std::vector<std::optional<std::int32_t>> forced_tokens(const Fields& fields, std::int64_t vocab_size) {
  std::vector<std::optional<std::int32_t>> out;
  const Json* list = fields.find("forced_decoder_ids");
  if (list == nullptr) return out;
  if (!list->is_array() || list->size() > 64) fields.wrong("forced_decoder_ids", "a list of pairs [place, token id]");
  for (const Json& item : *list) {
    const bool pair = item.is_array() && item.size() == 2 && item[0].is_number_integer() &&
                      item[0].get<std::int64_t>() == static_cast<std::int64_t>(out.size()) + 1;
    const bool id = pair && item[1].is_number_integer() && item[1].get<std::int64_t>() >= 0 &&
                    item[1].get<std::int64_t>() < vocab_size;
    if (!pair || !(id || (item[1].is_null() && out.empty()))) {
      fields.wrong("forced_decoder_ids", "pairs [place, token id] from place 1 on, the first id perhaps null");
    }
    out.push_back(id ? std::optional(item[1].get<std::int32_t>()) : std::nullopt);
  }
  return out;
}

GenerationRules::EarlyStopping early_stopping_of(const Fields& fields) {
  const Json* value = fields.find("early_stopping");
  if (value == nullptr) return GenerationRules::EarlyStopping::no;
  if (value->is_string() && *value == "never") return GenerationRules::EarlyStopping::never;
  if (!value->is_boolean()) fields.wrong("early_stopping", "true, false or \"never\"");
  return value->get<bool>() ? GenerationRules::EarlyStopping::yes : GenerationRules::EarlyStopping::no;
}

/// Refuses fields of GenerationConfig that would change a transcript and are not implemented.
void refuse_unknown_rules(const Fields& fields) {
  const std::array<std::pair<const char*, Json>, 15> neutral = {{
      {"num_beams", 1},
      {"num_return_sequences", 1},
      {"repetition_penalty", 1.0},
      {"no_repeat_ngram_size", 0},
      {"encoder_no_repeat_ngram_size", 0},
      {"encoder_repetition_penalty", 1.0},
      {"bad_words_ids", Json::array()},
      {"sequence_bias", Json::array()},
      {"min_length", 0},
      {"min_new_tokens", 0},
      {"forced_bos_token_id", nullptr},
      {"forced_eos_token_id", nullptr},
      {"remove_invalid_values", false},
      {"exponential_decay_length_penalty", nullptr},
      {"renormalize_logits", false},
  }};
  for (const auto& [name, value] : neutral) {
    const Json* given = fields.find(name);
    if (given == nullptr || *given == value) continue;
    fail(ErrorCode::unsupported, "{}: {} is {}, which is not supported for whisper", fields.where(), name,
         given->dump(-1, ' ', false, Json::error_handler_t::replace).substr(0, 80));
  }
}

}  // namespace

Config Config::parse(const Fields& fields) {
  constexpr std::int64_t kMax = 1 << 24;
  Config config;
  config.vocab_size = fields.integer_in("vocab_size", 1, kMax, 51865);
  config.hidden_size = fields.integer_in(fields.has("hidden_size") ? "hidden_size" : "d_model", 1, kMax, 384);
  config.intermediate_size = fields.integer_in("decoder_ffn_dim", 1, kMax, 1536);
  config.layers = fields.integer_in("decoder_layers", 1, 4096, 4);
  config.heads = fields.integer_in("decoder_attention_heads", 1, 65536, 6);
  config.positions = fields.integer_in("max_target_positions", 4, 1 << 20, 448);
  config.median_filter_width = fields.integer_in("median_filter_width", 1, 101, 7);
  if (config.median_filter_width % 2 == 0) fields.wrong("median_filter_width", "an odd number");
  config.activation = fields.string("activation_function", "gelu");
  config.tie_word_embeddings = fields.boolean("tie_word_embeddings", true);
  if (config.hidden_size % config.heads != 0) {
    fail(ErrorCode::bad_file, "{}: d_model {} is not a multiple of decoder_attention_heads {}", fields.where(),
         config.hidden_size, config.heads);
  }
  return config;
}

GenerationRules GenerationRules::load(const std::filesystem::path& folder, const Json& config, const Config& shape) {
  const std::filesystem::path path = folder / "generation_config.json";
  if (std::filesystem::exists(path)) return parse(read_json_file(path), path.string(), config, shape);
  return parse(config, (folder / "config.json").string(), config, shape);
}

GenerationRules GenerationRules::parse(const Json& generation, std::string where, const Json& config,
                                       const Config& shape) {
  const Fields fields(generation, where);
  const Fields older(config, "config.json");
  refuse_unknown_rules(fields);
  GenerationRules rules;
  rules.where = std::move(where);
  const std::int64_t vocab = shape.vocab_size;
  const auto id = [&](const char* name, std::int32_t otherwise) {
    if (const auto given = token_id(fields, name, vocab)) return *given;
    return token_id(older, name, vocab).value_or(otherwise);
  };
  rules.end = id("eos_token_id", 50256);
  rules.start = id("decoder_start_token_id", 50257);
  for (const std::int32_t token : {rules.end, rules.start}) {
    if (token >= vocab) fail(ErrorCode::bad_file, "{}: token {} is not among {}", rules.where, token, vocab);
  }
  rules.no_timestamps = token_id(fields, "no_timestamps_token_id", vocab);
  rules.suppress = token_ids(fields, "suppress_tokens", vocab);
  rules.begin_suppress = token_ids(fields, "begin_suppress_tokens", vocab);
  rules.previous = token_id(fields, "prev_sot_token_id", vocab);
  rules.previous_is_named = rules.previous.has_value();
  // Files of before that field: the last but one of the masked tokens (_prepare_decoder_input_ids).
  if (!rules.previous && rules.suppress.size() >= 2) rules.previous = rules.suppress[rules.suppress.size() - 2];
  if (fields.has("max_initial_timestamp_index")) {
    rules.max_initial_timestamp = fields.integer_in("max_initial_timestamp_index", 0, 1 << 24);
  }
  rules.languages = named_tokens(fields, "lang_to_id", vocab);
  rules.tasks = named_tokens(fields, "task_to_id", vocab);
  rules.multilingual = fields.boolean("is_multilingual", !rules.languages.empty());
  rules.forced = forced_tokens(fields.has("forced_decoder_ids") ? fields : older, vocab);
  rules.alignment_heads = alignment_heads_of(fields, shape);
  const std::int64_t otherwise = older.integer_in("max_length", 1, INT64_C(1) << 31, shape.positions);
  rules.max_length = fields.integer_in("max_length", 1, INT64_C(1) << 31, otherwise);
  rules.top_k = fields.integer_in("top_k", 0, INT64_C(1) << 31, 50);
  rules.length_penalty = fields.number("length_penalty", 1.0);
  rules.early_stopping = early_stopping_of(fields);
  return rules;
}

}  // namespace lmm::models::whisper
