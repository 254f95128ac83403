#include "lib/generate/settings.hpp"

#include "lib/core/error.hpp"
#include "lib/core/utf8.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <exception>
#include <limits>
#include <random>
#include <set>

namespace lmm::generate {
namespace {

constexpr std::int64_t kMaxTokens = std::numeric_limits<std::int32_t>::max();

/// A value with the place it was taken from, for errors.
template <typename T>
struct Chosen {
  T value;
  std::string name;  ///< "top_p", or "generation_config.json: top_p"
  ErrorCode code;

  void require(bool fits, std::string_view expected) const {
    if (!fits) fail(code, "{} is {}, expected {}", name, value, expected);
  }
};

template <typename T>
Chosen<T> choose(const std::optional<T>& option, std::string_view option_name, const std::optional<T>& from_config,
                 std::string_view config_name, const GenerationConfig& config, T otherwise) {
  if (option) return {*option, std::string(option_name), ErrorCode::invalid_argument};
  return {from_config.value_or(otherwise), fmt::format("{}: {}", config.where, config_name), ErrorCode::bad_file};
}

template <typename T>
void check_option(const std::optional<T>& option, std::string_view name, T low, T high, std::string_view expected) {
  if (option && !(*option >= low && *option <= high)) {
    fail(ErrorCode::invalid_argument, "{} is {}, expected {}", name, *option, expected);
  }
}

/// More than 0, at most `high`; also where the caller's thread takes denormal numbers for 0.
void check_positive(const std::optional<double>& option, std::string_view name, double high, std::string_view expected) {
  if (option && !(*option > 0 && *option <= high)) {
    fail(ErrorCode::invalid_argument, "{} is {}, expected {}", name, *option, expected);
  }
}

bool resolve_sample(const GenerateOptions& options, const GenerationConfig& config) {
  const std::optional<double>& temperature = options.temperature;
  if (options.sample && temperature && *options.sample != (*temperature > 0)) {
    fail(ErrorCode::invalid_argument, "temperature is {}, expected {} with sample = {}", *temperature,
         *options.sample ? "more than 0" : "0 or none", *options.sample);
  }
  const bool sample = options.sample ? *options.sample : temperature ? *temperature > 0 : config.do_sample;
  if (sample || temperature) return sample;
  const auto refuse = [](std::string_view name, double value) {
    fail(ErrorCode::invalid_argument, "{} is {}, expected none for a greedy reply: a temperature above 0, or sample, makes it sample", name, value);
  };
  if (options.top_k.value_or(0) != 0) refuse("top_k", static_cast<double>(*options.top_k));
  if (options.top_p.value_or(1) < 1) refuse("top_p", *options.top_p);
  if (options.min_p.value_or(0) > 0) refuse("min_p", *options.min_p);
  if (options.typical_p.value_or(1) < 1) refuse("typical_p", *options.typical_p);
  return sample;
}

void resolve_lengths(Settings& settings, const GenerateOptions& options, const GenerationConfig& config,
                     std::int64_t prompt_length) {
  if (options.max_tokens) {
    settings.max_new_tokens = *options.max_tokens;
  } else if (config.max_new_tokens) {
    settings.max_new_tokens = std::min(*config.max_new_tokens, kMaxTokens);
  } else if (config.max_length) {
    if (*config.max_length <= prompt_length) {
      fail(ErrorCode::invalid_argument,
           "{}: max_length is {}, expected more than the {} tokens of the prompt (set max_tokens)", config.where,
           *config.max_length, prompt_length);
    }
    settings.max_new_tokens = std::min(*config.max_length - prompt_length, kMaxTokens);
  }
  // The reference lets min_new_tokens take the place of min_length.
  if (options.min_tokens) {
    settings.min_new_tokens = *options.min_tokens;
    if (*options.min_tokens > settings.max_new_tokens) {
      fail(ErrorCode::invalid_argument, "min_tokens is {}, expected at most max_tokens, which is {}",
           *options.min_tokens, settings.max_new_tokens);
    }
  } else if (config.min_new_tokens) {
    settings.min_new_tokens = *config.min_new_tokens;
  } else {
    settings.min_length = config.min_length.value_or(0);
  }
}

/// The values of the processors that transformers calls warpers; checked only where they are used, as there.
void resolve_sampling(Settings& settings, const GenerateOptions& options, const GenerationConfig& config) {
  const auto of = [&](const std::optional<double>& option, std::string_view name,
                      const std::optional<double>& from_config,
                      double otherwise) { return choose(option, name, from_config, name, config, otherwise); };
  const auto temperature = of(options.temperature, "temperature", config.temperature, 1);
  temperature.require(temperature.value > 0 && std::isfinite(temperature.value), "more than 0");
  settings.temperature = temperature.value;

  const auto top_k = choose(options.top_k, "top_k", config.top_k, "top_k", config, std::int64_t{50});
  top_k.require(top_k.value >= 0, "0 or more");
  settings.top_k = top_k.value;

  const auto top_p = of(options.top_p, "top_p", config.top_p, 1);
  top_p.require(top_p.value >= 0, "0 to 1");  // above 1 the reference leaves it out
  settings.top_p = std::min(top_p.value, 1.0);

  const auto min_p = of(options.min_p, "min_p", config.min_p, 0);
  min_p.require(min_p.value >= 0 && min_p.value <= 1, "0 to 1");
  settings.min_p = min_p.value;

  const auto typical_p = of(options.typical_p, "typical_p", config.typical_p, 1);
  typical_p.require(typical_p.value > 0, "more than 0 and at most 1");
  settings.typical_p = std::min(typical_p.value, 1.0);

  if (config.top_h) {
    const auto top_h = of(std::nullopt, "top_h", config.top_h, 0);
    top_h.require(top_h.value > 0 && top_h.value <= 1, "more than 0 and at most 1");
    settings.top_h = top_h.value;
  }
  // Outside (0, 1) the reference leaves these two out.
  const auto cutoff = [](const std::optional<double>& value) {
    return value && *value > 0 && *value < 1 ? *value : 0.0;
  };
  settings.epsilon_cutoff = cutoff(config.epsilon_cutoff);
  settings.eta_cutoff = cutoff(config.eta_cutoff);
}

void resolve_penalties(Settings& settings, const GenerateOptions& options, const GenerationConfig& config) {
  const auto repetition = choose(options.repetition_penalty, "repetition_penalty", config.repetition_penalty,
                                 "repetition_penalty", config, 1.0);
  repetition.require(repetition.value > 0 && std::isfinite(repetition.value), "more than 0");
  settings.repetition_penalty = repetition.value;

  const auto encoder =
      choose<double>(std::nullopt, "", config.encoder_repetition_penalty, "encoder_repetition_penalty", config, 1.0);
  encoder.require(encoder.value > 0 && std::isfinite(encoder.value), "more than 0");
  settings.encoder_repetition_penalty = encoder.value;

  settings.no_repeat_ngram = std::clamp<std::int64_t>(
      options.no_repeat_ngram ? *options.no_repeat_ngram : config.no_repeat_ngram_size.value_or(0), 0, kMaxTokens);
  settings.encoder_no_repeat_ngram =
      std::clamp<std::int64_t>(config.encoder_no_repeat_ngram_size.value_or(0), 0, kMaxTokens);
  settings.presence_penalty = options.presence_penalty.value_or(0);
  settings.frequency_penalty = options.frequency_penalty.value_or(0);
}

void resolve_bad_words(Settings& settings, const GenerateOptions& options, const GenerationConfig& config,
                       const Encode& encode) {
  settings.bad_words = config.bad_words_ids;
  for (std::size_t i = 0; i < options.bad_words.size(); ++i) {
    const std::string& word = options.bad_words[i];
    if (word.empty()) fail(ErrorCode::invalid_argument, "bad_words[{}] is empty, expected a text", i);
    if (!utf8::valid(word)) fail(ErrorCode::invalid_argument, "bad_words[{}] is not UTF-8, expected a text", i);
    for (TokenIds ids : {encode(word), encode(" " + word)}) {
      if (ids.empty()) fail(ErrorCode::invalid_argument, "bad_words[{}] has no tokens, expected a text that has", i);
      settings.bad_words.push_back(std::move(ids));
    }
  }
  std::set<TokenIds> seen;
  for (const std::int32_t id : settings.eos) seen.insert({id});
  std::erase_if(settings.bad_words, [&](const TokenIds& ids) { return !seen.insert(ids).second; });
}

/// Tokens that the reference looks up by index must exist; those that it only compares (eos, suppress) may be any.
void check_vocabulary(const Settings& settings, const GenerationConfig& config, std::int64_t vocab_size) {
  const auto check = [&](std::int32_t id, std::string_view name) {
    if (id >= vocab_size) {
      fail(ErrorCode::bad_file, "{}: {} holds token {}, expected 0 to {}", config.where, name, id, vocab_size - 1);
    }
  };
  for (const TokenIds& ids : config.bad_words_ids) {
    for (const std::int32_t id : ids) check(id, "bad_words_ids");
  }
  for (const SequenceBias& bias : settings.sequence_bias) {
    for (const std::int32_t id : bias.ids) check(id, "sequence_bias");
  }
  if (settings.forced_bos) check(*settings.forced_bos, "forced_bos_token_id");
  for (const std::int32_t id : settings.forced_eos) check(id, "forced_eos_token_id");
  for (const auto& [id, bias] : settings.logit_bias) {
    if (id < 0 || id >= vocab_size) {
      fail(ErrorCode::invalid_argument, "logit_bias names token {}, expected 0 to {}", id, vocab_size - 1);
    }
  }
}

std::uint64_t fresh_seed() {
  try {
    std::random_device device;
    return (std::uint64_t{device()} << 32) | device();
  } catch (const std::exception&) {  // no source of entropy: the clock will do
    return static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
  }
}

}  // namespace

void check_ranges(const GenerateOptions& options) {
  constexpr double huge = std::numeric_limits<double>::max();
  check_option<std::int64_t>(options.max_tokens, "max_tokens", 1, kMaxTokens, "1 to 2147483647");
  check_option<std::int64_t>(options.min_tokens, "min_tokens", 0, kMaxTokens, "0 to 2147483647");
  check_option(options.temperature, "temperature", 0.0, huge, "0 or more");
  check_option<std::int64_t>(options.top_k, "top_k", 0, std::numeric_limits<std::int64_t>::max(), "0 or more");
  check_option(options.top_p, "top_p", 0.0, 1.0, "0 to 1");
  check_option(options.min_p, "min_p", 0.0, 1.0, "0 to 1");
  check_positive(options.typical_p, "typical_p", 1.0, "more than 0 and at most 1");
  check_positive(options.repetition_penalty, "repetition_penalty", huge, "more than 0");
  check_option(options.presence_penalty, "presence_penalty", -2.0, 2.0, "-2 to 2");
  check_option(options.frequency_penalty, "frequency_penalty", -2.0, 2.0, "-2 to 2");
  check_option<std::int64_t>(options.no_repeat_ngram, "no_repeat_ngram", 0, kMaxTokens, "0 to 2147483647");
  for (const auto& [token, bias] : options.logit_bias) {
    if (!(bias <= std::numeric_limits<float>::max())) {  // -infinity forbids it
      fail(ErrorCode::invalid_argument, "logit_bias of token {} is {}, expected a number of at most 3.4e38", token, bias);
    }
  }
  for (std::size_t i = 0; i < options.stop.size(); ++i) {
    if (options.stop[i].empty()) fail(ErrorCode::invalid_argument, "stop[{}] is empty, expected a text", i);
    if (!utf8::valid(options.stop[i])) fail(ErrorCode::invalid_argument, "stop[{}] is not UTF-8, expected a text", i);
  }
}

bool Settings::ends(std::int32_t token) const noexcept {
  return !ignore_eos && std::find(eos.begin(), eos.end(), token) != eos.end();
}

Settings resolve(const GenerateOptions& options, const GenerationConfig& config, std::int64_t vocab_size,
                 std::int64_t prompt_length, const Encode& encode) {
  check_ranges(options);
  Settings settings;
  settings.sample = resolve_sample(options, config);
  resolve_lengths(settings, options, config, prompt_length);
  if (settings.sample) resolve_sampling(settings, options, config);
  resolve_penalties(settings, options, config);
  settings.eos = config.eos_token_id;
  settings.ignore_eos = options.ignore_eos;
  settings.stop = options.stop;
  settings.stop.insert(settings.stop.end(), config.stop_strings.begin(), config.stop_strings.end());
  settings.seed = options.seed ? *options.seed : fresh_seed();

  settings.sequence_bias = config.sequence_bias;
  resolve_bad_words(settings, options, config, encode);
  settings.forced_bos = config.forced_bos_token_id;
  settings.forced_eos = config.forced_eos_token_id;
  settings.remove_invalid_values = config.remove_invalid_values;
  settings.exponential_decay_length_penalty = config.exponential_decay_length_penalty;
  if (settings.exponential_decay_length_penalty && settings.eos.empty()) {
    fail(ErrorCode::bad_file, "{}: exponential_decay_length_penalty is set without eos_token_id, expected both",
         config.where);
  }
  settings.suppress_tokens = config.suppress_tokens;
  settings.begin_suppress_tokens = config.begin_suppress_tokens;
  for (const auto& [token, bias] : options.logit_bias)
    settings.logit_bias.emplace_back(token, static_cast<float>(bias));
  settings.renormalize_logits = config.renormalize_logits;
  check_vocabulary(settings, config, vocab_size);
  return settings;
}

}  // namespace lmm::generate
