#include "lib/models/whisper/settings.hpp"

#include "lib/core/error.hpp"
#include "lib/core/utf8.hpp"
#include "lib/models/whisper/languages.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <random>
#include <string_view>
#include <utility>

namespace lmm::models::whisper {
namespace {

/// Options that steer answers and mean nothing for a transcript.
void refuse_answer_options(const GenerateOptions& options) {
  const std::array<std::pair<const char*, bool>, 15> given = {{
      {"sample", options.sample.has_value()},
      {"temperature", options.temperature.has_value()},
      {"top_k", options.top_k.has_value()},
      {"top_p", options.top_p.has_value()},
      {"min_p", options.min_p.has_value()},
      {"typical_p", options.typical_p.has_value()},
      {"repetition_penalty", options.repetition_penalty.has_value()},
      {"presence_penalty", options.presence_penalty.has_value()},
      {"frequency_penalty", options.frequency_penalty.has_value()},
      {"no_repeat_ngram", options.no_repeat_ngram.has_value()},
      {"min_tokens", options.min_tokens.has_value()},
      {"bad_words", !options.bad_words.empty()},
      {"logit_bias", !options.logit_bias.empty()},
      {"stop", !options.stop.empty()},
      {"ignore_eos", options.ignore_eos},
  }};
  for (const auto& [name, is_given] : given) {
    if (!is_given) continue;
    fail(ErrorCode::unsupported, "{}: a model that writes down speech does not take it, but the options of speech", name);
  }
}

double threshold(std::optional<double> given, double otherwise, const char* name) {
  if (given && std::isnan(*given)) fail(ErrorCode::invalid_argument, "speech.{} is not a number", name);
  return given.value_or(otherwise);
}

void read_numbers(Settings& settings, const GenerateOptions& options) {
  const SpeechOptions& speech = options.speech;
  if (speech.beams < 1 || speech.beams > 32) {
    fail(ErrorCode::invalid_argument, "speech.beams is {}, expected 1 to 32", speech.beams);
  }
  settings.beams = speech.beams;
  settings.temperatures = speech.temperatures;
  if (settings.temperatures.empty()) settings.temperatures = {0.0, 0.2, 0.4, 0.6, 0.8, 1.0};
  if (settings.temperatures.size() > 100) {
    fail(ErrorCode::invalid_argument, "speech.temperatures are {}, expected at most 100", settings.temperatures.size());
  }
  for (const double one : settings.temperatures) {
    if (!(one >= 0.0 && one <= 1.0)) fail(ErrorCode::invalid_argument, "speech.temperatures hold {}, expected 0 to 1", one);
  }
  settings.compression_ratio_threshold = threshold(speech.compression_ratio_threshold, 1.35, "compression_ratio_threshold");
  settings.log_probability_threshold = threshold(speech.log_probability_threshold, -1.0, "log_probability_threshold");
  settings.no_speech_threshold = threshold(speech.no_speech_threshold, 0.6, "no_speech_threshold");
  if (options.max_tokens && *options.max_tokens < 1) {
    fail(ErrorCode::invalid_argument, "max_tokens is {}, expected at least 1", *options.max_tokens);
  }
  settings.max_new_tokens = options.max_tokens;
  settings.condition_on_previous = speech.condition_on_previous;
  settings.seed = options.seed ? *options.seed : std::random_device()();
}

/// The language's token, and its code in `settings`.
std::int32_t language_token(Settings& settings, const std::string& language, const GenerationRules& rules) {
  const auto code = language_code(language);
  const auto found = code ? rules.languages.find(*code) : rules.languages.end();
  if (found == rules.languages.end()) {
    std::vector<std::string_view> known;
    for (const auto& [name, id] : rules.languages) known.push_back(name);
    fail(ErrorCode::invalid_argument, "speech.language is \"{}\", this model knows {}", language, fmt::join(known, ", "));
  }
  settings.language = found->first;
  return found->second;
}

/// _retrieve_init_tokens of generation_whisper.py, with the task always said: "transcribe" where nothing else is.
void read_initial_tokens(Settings& settings, const SpeechOptions& speech, const GenerationRules& rules) {
  std::vector<std::optional<std::int32_t>>& initial = settings.initial;
  initial = {rules.start};
  if (!rules.multilingual) {
    const auto code = language_code(speech.language);
    if (speech.translate) fail(ErrorCode::unsupported, "speech.translate: this model knows English only");
    if (!speech.language.empty() && code != "en") {
      fail(ErrorCode::invalid_argument, "speech.language is \"{}\", this model knows English only", speech.language);
    }
  }
  if (speech.language.empty() && !speech.translate) {
    initial.insert(initial.end(), rules.forced.begin(), rules.forced.end());
  }
  if (rules.multilingual) {
    if (rules.languages.empty() && !speech.language.empty()) {
      fail(ErrorCode::unsupported, "speech.language: {} has no lang_to_id", rules.where);
    }
    const bool open = initial.size() == 1 || !initial[1];
    if (!rules.languages.empty() && (open || !speech.language.empty())) {
      if (initial.size() == 1) initial.emplace_back();
      if (!speech.language.empty()) initial[1] = language_token(settings, speech.language, rules);
    }
    const auto is_task = [&](std::optional<std::int32_t> token) {
      return std::any_of(rules.tasks.begin(), rules.tasks.end(), [&](const auto& task) { return task.second == token; });
    };
    const auto task = rules.tasks.find(speech.translate ? "translate" : "transcribe");
    if (task == rules.tasks.end() && speech.translate) {
      fail(ErrorCode::unsupported, "speech.translate: {} has no task_to_id for it", rules.where);
    }
    if (task != rules.tasks.end() && std::none_of(initial.begin(), initial.end(), is_task)) {
      initial.emplace_back(task->second);
    }
  }
  if (initial.size() > 1 && initial.back() == rules.no_timestamps && initial.back()) initial.pop_back();
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\n\r\f\v";
  const std::size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

/// WhisperTokenizer.get_prompt_ids; what spells a special token is text.
void read_prompt(Settings& settings, const SpeechOptions& speech, const GenerationRules& rules, const Config& config,
                 const tokenizer::Tokenizer& tokenizer) {
  const std::string_view text = trimmed(speech.prompt);
  if (text.empty()) return;
  const auto token = tokenizer.id_of("<|startofprev|>");
  if (!token && !rules.previous) fail(ErrorCode::unsupported, "speech.prompt: the tokenizer has no <|startofprev|>");
  settings.prompt = {token ? *token : *rules.previous};
  const std::vector<std::int32_t> ids =
      tokenizer.encode(" " + std::string(text), {.add_special_tokens = false, .parse_special = false});
  settings.prompt.insert(settings.prompt.end(), ids.begin(), ids.end());
  for (const std::int32_t id : settings.prompt) {
    if (id >= config.vocab_size) fail(ErrorCode::bad_file, "the tokenizer gives token {}, the model has {}", id, config.vocab_size);
  }
  const auto most = config.positions - static_cast<std::int64_t>(settings.initial.size()) - 2;
  if (static_cast<std::int64_t>(settings.prompt.size()) > most) {
    fail(ErrorCode::invalid_argument, "speech.prompt is {} tokens long, expected at most {}", ids.size(), most - 1);
  }
}

}  // namespace

Settings Settings::resolve(const GenerateOptions& options, const GenerationRules& rules, const Config& config,
                           const tokenizer::Tokenizer& tokenizer) {
  refuse_answer_options(options);
  Settings settings;
  read_numbers(settings, options);
  settings.times = options.speech.times;
  if (settings.times != SpeechTimes::none && !rules.no_timestamps) {
    fail(ErrorCode::unsupported, "speech.times: {} has no no_timestamps_token_id, so the model gives no times", rules.where);
  }
  if (settings.times == SpeechTimes::words && rules.alignment_heads.empty()) {
    fail(ErrorCode::unsupported, "speech.times: {} has no alignment_heads, so the model gives no times of words", rules.where);
  }
  read_initial_tokens(settings, options.speech, rules);
  read_prompt(settings, options.speech, rules, config, tokenizer);
  return settings;
}

}  // namespace lmm::models::whisper
