// Drives lib/generate for test_sampling.py: one JSON request a line on standard input, one JSON answer a line on
// standard output. Logits travel as the hexadecimal bytes of little-endian fp32, so that nothing is lost on the way.
//
//   {"config": generation_config.json, "options": {...}, "vocab": n, "prompt": [...], "logits": [hex, ...]}
//     → {"processed": [hex, ...], "tokens": [...]}: for each step what is chosen from, and the token chosen; up to the
//     step that fails, if any, whose "error" stands beside them
//   the same with "draws": n, "by": "seed" or "step" → {"counts": [...]}: how often each token is drawn from the first
//     logits with seeds 0 to n - 1, or in n steps with one seed
//   {"config": ..., "resolve": true, ...} → {"settings": {...}}
// An lmm::Error becomes {"error": code, "message": text}.

#include "lib/core/error.hpp"
#include "lib/core/json.hpp"
#include "lib/generate/sampler.hpp"

#include <iostream>
#include <string>

namespace {

using lmm::Json;
using namespace lmm::generate;

std::vector<float> from_hex(const std::string& hex) {
  const auto digit = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
  std::vector<float> out(hex.size() / 8);
  auto* bytes = reinterpret_cast<unsigned char*>(out.data());
  for (std::size_t i = 0; i < out.size() * 4; ++i) {
    bytes[i] = static_cast<unsigned char>(digit(hex[2 * i]) * 16 + digit(hex[2 * i + 1]));
  }
  return out;
}

std::string to_hex(std::span<const float> values) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  const auto* bytes = reinterpret_cast<const unsigned char*>(values.data());
  for (std::size_t i = 0; i < values.size_bytes(); ++i) {
    out += kDigits[bytes[i] >> 4];
    out += kDigits[bytes[i] & 15];
  }
  return out;
}

template <typename T>
void set(const Json& json, const char* name, std::optional<T>& out) {
  if (json.contains(name)) out = json.at(name).get<T>();
}

lmm::GenerateOptions options_of(const Json& json) {
  lmm::GenerateOptions options;
  set(json, "max_tokens", options.max_tokens);
  set(json, "min_tokens", options.min_tokens);
  set(json, "sample", options.sample);
  set(json, "temperature", options.temperature);
  set(json, "top_k", options.top_k);
  set(json, "top_p", options.top_p);
  set(json, "min_p", options.min_p);
  set(json, "typical_p", options.typical_p);
  set(json, "repetition_penalty", options.repetition_penalty);
  set(json, "presence_penalty", options.presence_penalty);
  set(json, "frequency_penalty", options.frequency_penalty);
  set(json, "no_repeat_ngram", options.no_repeat_ngram);
  set(json, "seed", options.seed);
  if (json.contains("bad_words")) options.bad_words = json.at("bad_words").get<std::vector<std::string>>();
  if (json.contains("logit_bias")) {
    for (const Json& pair : json.at("logit_bias"))
      options.logit_bias[pair[0].get<std::int32_t>()] = pair[1].get<double>();
  }
  return options;
}

/// A tokenizer of one token a byte.
std::vector<std::int32_t> encode(std::string_view text) {
  std::vector<std::int32_t> ids;
  for (const char c : text) ids.push_back(static_cast<unsigned char>(c));
  return ids;
}

Json settings_json(const Settings& s) {
  return {{"max_new_tokens", s.max_new_tokens},
          {"min_new_tokens", s.min_new_tokens},
          {"min_length", s.min_length},
          {"eos", s.eos},
          {"sample", s.sample},
          {"temperature", s.temperature},
          {"top_k", s.top_k},
          {"top_p", s.top_p},
          {"min_p", s.min_p},
          {"top_h", s.top_h},
          {"typical_p", s.typical_p},
          {"epsilon_cutoff", s.epsilon_cutoff},
          {"eta_cutoff", s.eta_cutoff},
          {"repetition_penalty", s.repetition_penalty},
          {"no_repeat_ngram", s.no_repeat_ngram},
          {"suppress_tokens", s.suppress_tokens}};
}

Json answer(const Json& request) {
  const Json config_json = request.value("config", Json::object());
  const bool from_model = request.value("from_model_config", false);
  const GenerationConfig config = from_model ? GenerationConfig::from_model_config(config_json, "config.json")
                                             : GenerationConfig::parse(config_json, "generation_config.json");
  lmm::GenerateOptions options = options_of(request.value("options", Json::object()));
  const auto vocab = request.at("vocab").get<std::int64_t>();
  const auto prompt = request.at("prompt").get<std::vector<std::int32_t>>();
  const auto prompt_length = static_cast<std::int64_t>(prompt.size());
  if (request.contains("resolve"))
    return {{"settings", settings_json(resolve(options, config, vocab, prompt_length, encode))}};

  Sampler sampler(resolve(options, config, vocab, prompt_length, encode), vocab, prompt);
  if (request.contains("draws")) {
    const std::vector<float> logits = from_hex(request.at("logits")[0].get<std::string>());
    const bool by_seed = request.at("by") == "seed";
    std::vector<std::int64_t> counts(logits.size());
    for (std::uint64_t i = 0; i < request.at("draws").get<std::uint64_t>(); ++i) {
      options.seed = i;
      if (by_seed) sampler = Sampler(resolve(options, config, vocab, prompt_length, encode), vocab, prompt);
      std::vector<float> scratch = logits;
      ++counts[static_cast<std::size_t>(sampler.next(scratch))];
    }
    return {{"counts", counts}};
  }
  Json processed = Json::array();
  Json tokens = Json::array();
  Json out = Json::object();
  try {
    for (const Json& hex : request.at("logits")) {
      const std::vector<float> logits = from_hex(hex.get<std::string>());
      std::vector<float> scratch = logits;
      sampler.process(scratch);
      processed.push_back(to_hex(scratch));
      scratch = logits;
      tokens.push_back(sampler.next(scratch));
    }
  } catch (const lmm::Error& error) {
    out = {{"error", lmm::error_name(error.code())}, {"message", error.what()}};
  }
  out["processed"] = processed;
  out["tokens"] = tokens;
  return out;
}

}  // namespace

int main() {
  std::ios::sync_with_stdio(false);
  for (std::string line; std::getline(std::cin, line);) {
    Json out;
    try {
      out = answer(lmm::parse_json(line, "request"));
    } catch (const lmm::Error& error) {
      out = {{"error", lmm::error_name(error.code())}, {"message", error.what()}};
    }
    std::cout << out.dump() << "\n" << std::flush;
  }
}
