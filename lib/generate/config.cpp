#include "lib/generate/config.hpp"

#include "lib/core/error.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <map>
#include <string_view>
#include <unordered_set>

namespace lmm::generate {
namespace {

constexpr std::int64_t kMaxId = std::numeric_limits<std::int32_t>::max();

/// Everything that parse() looks at; what from_model_config() takes out of a config.json.
constexpr auto kFields = std::to_array<std::string_view>({
    "max_length",
    "max_new_tokens",
    "min_length",
    "min_new_tokens",
    "max_time",
    "stop_strings",
    "do_sample",
    "num_beams",
    "use_mtp",
    "cache_implementation",
    "temperature",
    "top_k",
    "top_p",
    "min_p",
    "top_h",
    "typical_p",
    "epsilon_cutoff",
    "eta_cutoff",
    "repetition_penalty",
    "encoder_repetition_penalty",
    "no_repeat_ngram_size",
    "bad_words_ids",
    "renormalize_logits",
    "forced_bos_token_id",
    "forced_eos_token_id",
    "remove_invalid_values",
    "exponential_decay_length_penalty",
    "suppress_tokens",
    "begin_suppress_tokens",
    "sequence_bias",
    "token_healing",
    "guidance_scale",
    "watermarking_config",
    "num_return_sequences",
    "pad_token_id",
    "bos_token_id",
    "eos_token_id",
    "encoder_no_repeat_ngram_size",
    "is_assistant",
    "prompt_lookup_num_tokens",
    "assistant_early_exit",
    "penalty_alpha",
    "dola_layers",
    "num_beam_groups",
    "constraints",
    "force_words_ids",
});

[[noreturn]] void refuse(const Fields& fields, std::string_view name, std::string_view what) {
  std::string value = fields.at(name).dump(-1, ' ', true, Json::error_handler_t::replace);
  if (value.size() > 40) value = value.substr(0, 37) + "...";
  fail(ErrorCode::unsupported, "{}: {} is {}; lmm does not implement {}", fields.where(), name, value, what);
}

void refuse_unsupported(const Fields& fields) {
  const auto above = [&](std::string_view name, double limit) { return fields.number(name, limit) > limit; };
  const auto is_true = [&](std::string_view name) { return fields.boolean(name, false); };
  if (above("num_beams", 1)) refuse(fields, "num_beams", "beam search");
  if (above("num_beam_groups", 1)) refuse(fields, "num_beam_groups", "group beam search");
  if (above("num_return_sequences", 1)) refuse(fields, "num_return_sequences", "several sequences a prompt");
  if (above("penalty_alpha", 0)) refuse(fields, "penalty_alpha", "contrastive search");
  if (fields.has("dola_layers")) refuse(fields, "dola_layers", "DoLa decoding");
  if (fields.has("constraints")) refuse(fields, "constraints", "constrained beam search");
  if (fields.has("force_words_ids")) refuse(fields, "force_words_ids", "constrained beam search");
  if (fields.number("guidance_scale", 1) != 1) refuse(fields, "guidance_scale", "classifier-free guidance");
  if (fields.has("watermarking_config")) refuse(fields, "watermarking_config", "watermarking");
  if (is_true("token_healing")) refuse(fields, "token_healing", "token healing");
  if (fields.has("max_time")) refuse(fields, "max_time", "a time limit for replies (cancel them instead)");
  if (is_true("use_mtp")) refuse(fields, "use_mtp", "multi-token prediction");
  if (is_true("is_assistant")) refuse(fields, "is_assistant", "assisted decoding");
  if (fields.has("prompt_lookup_num_tokens")) refuse(fields, "prompt_lookup_num_tokens", "prompt lookup decoding");
  if (fields.has("assistant_early_exit")) refuse(fields, "assistant_early_exit", "assisted decoding");
  if (fields.string("cache_implementation", "") == "quantized") {
    refuse(fields, "cache_implementation", "a quantized cache");
  }
  // Arguments of generate() that the reference refuses to find in the file (GenerationConfig.validate).
  for (const std::string_view name :
       {"logits_processor", "stopping_criteria", "prefix_allowed_tokens_fn", "synced_gpus", "assistant_model",
        "streamer", "negative_prompt_ids", "negative_prompt_attention_mask"}) {
    if (fields.has(name)) fields.wrong(name, "nothing: it is no field of a generation config");
  }
}

std::optional<double> number(const Fields& fields, std::string_view name) {
  if (!fields.has(name)) return std::nullopt;
  return fields.number(name);
}

std::optional<std::int64_t> integer(const Fields& fields, std::string_view name, std::int64_t least) {
  if (!fields.has(name)) return std::nullopt;
  return fields.integer_in(name, least, std::numeric_limits<std::int64_t>::max());
}

TokenIds token_ids(const Json& list, const Fields& fields, std::string_view name, std::string_view expected) {
  if (!list.is_array()) fields.wrong(name, expected);
  TokenIds ids;
  for (const Json& item : list) {
    if (!item.is_number_integer()) fields.wrong(name, expected);
    const std::int64_t id = item.get<std::int64_t>();
    if (id < 0 || id > kMaxId) fields.wrong(name, expected);
    ids.push_back(static_cast<std::int32_t>(id));
  }
  return ids;
}

/// One id or a list of them, each once, in order; negative ones dropped where they merely never match.
TokenIds id_or_list(const Fields& fields, std::string_view name, bool drop_negative) {
  TokenIds ids;
  std::unordered_set<std::int32_t> seen;
  for (const std::int64_t id : fields.integers(name, {})) {
    if (id < 0 && drop_negative) continue;
    if (id < 0 || id > kMaxId) fields.wrong(name, "a token id or a list of token ids");
    const auto token = static_cast<std::int32_t>(id);
    if (seen.insert(token).second) ids.push_back(token);
  }
  return ids;
}

std::optional<std::int32_t> one_id(const Fields& fields, std::string_view name, bool drop_negative) {
  if (!fields.has(name)) return std::nullopt;
  if (drop_negative && fields.integer(name) < 0) return std::nullopt;
  return static_cast<std::int32_t>(fields.integer_in(name, 0, kMaxId));
}

/// NoBadWordsLogitsProcessor: a list of lists; it takes an empty word for none.
std::vector<TokenIds> parse_bad_words(const Fields& fields) {
  constexpr std::string_view name = "bad_words_ids";
  constexpr std::string_view expected = "a non-empty list of lists of token ids";
  std::vector<TokenIds> words;
  if (!fields.has(name)) return words;
  const Json& json = fields.at(name);
  if (!json.is_array() || json.empty()) fields.wrong(name, expected);
  for (const Json& word : json) {
    words.push_back(token_ids(word, fields, name, expected));
    if (words.back().empty()) words.pop_back();
  }
  return words;
}

/// SequenceBiasLogitsProcessor: [[[ids], bias], ...]; a sequence given twice counts once, with its last bias.
std::vector<SequenceBias> parse_sequence_bias(const Fields& fields) {
  constexpr std::string_view name = "sequence_bias";
  constexpr std::string_view expected = "a non-empty list of [[token ids], bias]";
  std::vector<SequenceBias> biases;
  std::map<TokenIds, std::size_t> places;
  if (!fields.has(name)) return biases;
  const Json& json = fields.at(name);
  if (!json.is_array() || json.empty()) fields.wrong(name, expected);
  for (const Json& pair : json) {
    if (!pair.is_array() || pair.size() != 2 || !pair[1].is_number()) fields.wrong(name, expected);
    SequenceBias bias{token_ids(pair[0], fields, name, expected), pair[1].get<double>()};
    if (bias.ids.empty()) fields.wrong(name, expected);
    const auto [place, fresh] = places.emplace(bias.ids, biases.size());
    if (fresh) {
      biases.push_back(std::move(bias));
    } else {
      biases[place->second].bias = bias.bias;
    }
  }
  return biases;
}

std::vector<std::string> parse_stop_strings(const Fields& fields) {
  constexpr std::string_view name = "stop_strings";
  std::vector<std::string> stops;
  if (!fields.has(name)) return stops;
  const Json& json = fields.at(name);
  if (json.is_string()) {
    stops.push_back(json.get<std::string>());
  } else {
    if (!json.is_array()) fields.wrong(name, "a string or a list of strings");
    for (const Json& stop : json) {
      if (!stop.is_string()) fields.wrong(name, "a string or a list of strings");
      stops.push_back(stop.get<std::string>());
    }
  }
  for (const std::string& stop : stops) {
    if (stop.empty()) fields.wrong(name, "strings that are not empty");
  }
  return stops;
}

std::optional<std::pair<std::int64_t, double>> parse_decay(const Fields& fields) {
  constexpr std::string_view name = "exponential_decay_length_penalty";
  if (!fields.has(name)) return std::nullopt;
  const Json& json = fields.at(name);
  if (!json.is_array() || json.size() != 2 || !json[0].is_number_integer() || !json[1].is_number()) {
    fields.wrong(name, "[start index, factor]");
  }
  const std::int64_t start = json[0].get<std::int64_t>();
  if (start < 0 || start > kMaxId) fields.wrong(name, "[start index, factor]");
  return std::pair(start, json[1].get<double>());
}

/// GenerationConfig.validate 2.7: a token that is forced must not be suppressed as well.
void check_forced(const Fields& fields, const TokenIds& forced, const TokenIds& suppressed, std::string_view name) {
  const std::unordered_set<std::int32_t> set(suppressed.begin(), suppressed.end());
  const auto is_suppressed = [&](std::int32_t id) { return set.contains(id); };
  if (!forced.empty() && std::all_of(forced.begin(), forced.end(), is_suppressed)) {
    fields.wrong(name, "a token that is not in suppress_tokens too");
  }
}

}  // namespace

GenerationConfig GenerationConfig::parse(const Json& json, std::string where) {
  const Fields fields(json, where);
  refuse_unsupported(fields);
  GenerationConfig config;
  config.where = std::move(where);
  config.max_length = integer(fields, "max_length", 1);
  config.max_new_tokens = integer(fields, "max_new_tokens", 1);
  config.min_length = integer(fields, "min_length", 0);
  config.min_new_tokens = integer(fields, "min_new_tokens", 0);
  config.stop_strings = parse_stop_strings(fields);
  config.do_sample = fields.boolean("do_sample", false);
  config.temperature = number(fields, "temperature");
  config.top_k = integer(fields, "top_k", std::numeric_limits<std::int64_t>::min());
  config.top_p = number(fields, "top_p");
  config.min_p = number(fields, "min_p");
  config.top_h = number(fields, "top_h");
  config.typical_p = number(fields, "typical_p");
  config.epsilon_cutoff = number(fields, "epsilon_cutoff");
  config.eta_cutoff = number(fields, "eta_cutoff");
  config.repetition_penalty = number(fields, "repetition_penalty");
  config.encoder_repetition_penalty = number(fields, "encoder_repetition_penalty");
  config.no_repeat_ngram_size = integer(fields, "no_repeat_ngram_size", std::numeric_limits<std::int64_t>::min());
  config.encoder_no_repeat_ngram_size =
      integer(fields, "encoder_no_repeat_ngram_size", std::numeric_limits<std::int64_t>::min());
  config.bad_words_ids = parse_bad_words(fields);
  config.sequence_bias = parse_sequence_bias(fields);
  config.renormalize_logits = fields.boolean("renormalize_logits", false);
  config.remove_invalid_values = fields.boolean("remove_invalid_values", false);
  config.forced_bos_token_id = one_id(fields, "forced_bos_token_id", false);
  config.forced_eos_token_id = id_or_list(fields, "forced_eos_token_id", false);
  config.exponential_decay_length_penalty = parse_decay(fields);
  config.suppress_tokens = id_or_list(fields, "suppress_tokens", true);
  config.begin_suppress_tokens = id_or_list(fields, "begin_suppress_tokens", true);
  config.bos_token_id = one_id(fields, "bos_token_id", true);
  config.pad_token_id = one_id(fields, "pad_token_id", true);
  config.eos_token_id = id_or_list(fields, "eos_token_id", true);

  if (config.forced_bos_token_id) {
    check_forced(fields, {*config.forced_bos_token_id}, config.suppress_tokens, "forced_bos_token_id");
  }
  check_forced(fields, config.forced_eos_token_id, config.suppress_tokens, "forced_eos_token_id");
  return config;
}

GenerationConfig GenerationConfig::from_model_config(const Json& config, std::string where) {
  const Fields outer(config, where);
  Json merged = Json::object();
  const auto take = [&](const Fields& fields) {
    for (const std::string_view name : kFields) {
      const Json* value = fields.find(name);
      if (value == nullptr || merged.contains(std::string(name))) continue;
      if (name == "max_length" && *value == 20) continue;
      merged[std::string(name)] = *value;
    }
  };
  take(outer);
  for (const std::string_view name : {"decoder", "generator", "text_config"}) {
    const Json* inner = outer.find(name);
    if (inner == nullptr || !inner->is_object() || inner->empty()) continue;
    take(Fields(*inner, where));
    break;
  }
  return parse(merged, std::move(where));
}

GenerationConfig GenerationConfig::load(const std::filesystem::path& folder) {
  std::error_code ignored;
  const std::filesystem::path model = folder / "config.json";
  const Json config = std::filesystem::exists(model, ignored) ? read_json_file(model) : Json::object();
  // Of several models in one the thinker answers, with what its own config says (Qwen2_5OmniForConditionalGeneration).
  const auto thinker = config.is_object() ? config.find("thinker_config") : config.end();
  if (thinker != config.end() && thinker->is_object()) {
    return from_model_config(*thinker, model.string() + ": thinker_config");
  }
  const std::filesystem::path own = folder / "generation_config.json";
  if (std::filesystem::exists(own, ignored)) return parse(read_json_file(own), own.string());
  return from_model_config(config, model.string());
}

}  // namespace lmm::generate
