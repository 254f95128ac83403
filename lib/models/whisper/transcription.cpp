#include "lib/models/whisper/transcription.hpp"

#include "lib/core/error.hpp"
#include "lib/generate/vector_math.hpp"
#include "lib/models/whisper/languages.hpp"
#include "lib/models/whisper/segments.hpp"
#include "lib/models/whisper/words.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>
#include <string>

namespace lmm::models::whisper {
namespace {

constexpr double kLowTemperature = 0.5;  // above, a text is not told to the next window

/// Python's round(x, 2), whatever the host's locale.
double hundredths(double x) {
  const std::string digits = fmt::format("{:.2f}", x);
  std::from_chars(digits.data(), digits.data() + digits.size(), x);
  return x;
}

}  // namespace

WindowedTranscription::WindowedTranscription(std::shared_ptr<Ear> ear, const GenerationRules& rules, Settings settings,
                                             OpenFeatures open, std::shared_ptr<const tokenizer::Tokenizer> tokenizer)
    : ear_(std::move(ear)),
      rules_(rules),
      settings_(std::move(settings)),
      open_(std::move(open)),
      tokenizer_(std::move(tokenizer)),
      search_(*ear_, rules_),
      max_length_(rules.max_length),
      conditioned_(settings_.condition_on_previous) {}

void WindowedTranscription::begin(Run& run) {
  features_ = open_(run);
  window_.resize(static_cast<std::size_t>(ear_->mel_bins() * ear_->window_frames()));
  const bool one_window = features_->frames() <= ear_->window_frames();
  timestamps_ = settings_.times != SpeechTimes::none || !one_window;
  if (timestamps_ && !rules_.no_timestamps) {
    fail(ErrorCode::unsupported, "a recording of more than one window: {} has no no_timestamps_token_id, without which the "
         "model gives no times", rules_.where);
  }
  // The prompt stands among what was said before, where that is told. With files that do not name <|startofprev|> it
  // keeps that token of its own, as in _prepare_segments.
  const std::span<const std::int32_t> prompt = settings_.prompt;
  const bool known = !prompt.empty() && rules_.previous_is_named && prompt.front() == *rules_.previous;
  if (settings_.condition_on_previous) remember(prompt.subspan(known ? 1 : 0));
}

/// detect_language of generation_whisper.py, over the window heard last.
void WindowedTranscription::hear_language(Run& run) {
  for (const auto& token : settings_.initial) initial_.push_back(token.value_or(0));
  if (settings_.initial.size() > 1 && !settings_.initial[1]) {
    std::vector<float> logits(static_cast<std::size_t>(ear_->vocab_size())), same(logits.size());
    ear_->begin({&rules_.start, 1}, 0, false, logits, same, run);
    const auto best = std::max_element(rules_.languages.begin(), rules_.languages.end(), [&](const auto& a, const auto& b) {
      const float left = logits[static_cast<std::size_t>(a.second)], right = logits[static_cast<std::size_t>(b.second)];
      return left < right || (left == right && a.second > b.second);
    });
    initial_[1] = best->second;
  }
  if (settings_.language.empty() && initial_.size() > 1) {
    for (const auto& [code, id] : rules_.languages) {
      if (id == initial_[1]) settings_.language = code;
    }
  }
  if (!rules_.multilingual) settings_.language = "en";
  if (!timestamps_ && rules_.no_timestamps) initial_.push_back(*rules_.no_timestamps);
}

/// _prepare_decoder_input_ids.
std::vector<std::int32_t> WindowedTranscription::prompt() const {
  std::vector<std::int32_t> out;
  if (conditioned_ && !before_.empty()) {
    if (rules_.previous) out.push_back(*rules_.previous);
    out.insert(out.end(), before_.begin(), before_.end());
  } else {
    out = settings_.prompt;
  }
  out.insert(out.end(), initial_.begin(), initial_.end());
  return out;
}

double WindowedTranscription::no_speech_probability() const {
  if (!rules_.no_timestamps || *rules_.no_timestamps == 0) return 0;
  const std::span<const float> logits = search_.logits_of_index();
  std::vector<float> room;
  // <|nospeech|> stands before <|notimestamps|>.
  return std::exp(static_cast<double>(logits[static_cast<std::size_t>(*rules_.no_timestamps - 1)]) - log_sum_exp(logits, room));
}

/// generate_with_fallback: the temperatures until one text is good enough, or the last one's.
WindowedTranscription::Heard WindowedTranscription::listen(std::span<const std::int32_t> prompt, Run& run) {
  const auto length = static_cast<std::int64_t>(prompt.size());
  // The checkpoint's max_length grows with the prompt, window by window, as in _set_max_new_tokens_and_length.
  const std::int64_t context = ear_->context_length();
  max_length_ = std::min(max_length_ + std::min(context / 2 - 1, length), context);
  SearchOptions options;
  options.max_length = settings_.max_new_tokens ? std::min(length + *settings_.max_new_tokens, context) : max_length_;
  options.beams = settings_.beams;
  options.seed = settings_.seed;
  options.timestamps = timestamps_;
  options.align = settings_.times == SpeechTimes::words;
  if (length >= options.max_length) {
    fail(ErrorCode::invalid_argument, "the prompt is {} tokens long, expected less than {}", length, options.max_length);
  }
  Heard heard;
  for (const double temperature : settings_.temperatures) {
    options.temperature = temperature;
    run.begin("decode", options.max_length - length);
    heard.text = search_.find(prompt, prompt.size() - initial_.size(), options, run);
    heard.mean_log_probability = heard.text.mean_log_probability();
    heard.no_speech_probability = no_speech_probability();
    const bool unlikely = static_cast<double>(heard.mean_log_probability) < settings_.log_probability_threshold;
    const bool repeats =
        compression_ratio(heard.text.tokens, ear_->vocab_size()) > settings_.compression_ratio_threshold;
    heard.silent = unlikely && heard.no_speech_probability > settings_.no_speech_threshold;
    conditioned_ = settings_.condition_on_previous && temperature < kLowTemperature;
    if (heard.silent || !(unlikely || repeats)) break;
  }
  return heard;
}

/// Keeps as many tokens as a prompt may have, and of two time stamps at the end one (_pad_to_max_length).
void WindowedTranscription::remember(std::span<const std::int32_t> tokens) {
  if (!settings_.condition_on_previous) return;
  const std::size_t count = tokens.size();
  const bool both = count > 2 && tokens[count - 2] >= rules_.timestamp_begin();
  before_.insert(before_.end(), tokens.begin(), tokens.end() - (both ? 1 : 0));
  const auto most = static_cast<std::size_t>(std::max<std::int64_t>(ear_->context_length() / 2 - 1, 1));
  if (before_.size() > most) before_.erase(before_.begin(), before_.end() - static_cast<std::ptrdiff_t>(most));
}

void WindowedTranscription::add_words(Segment& segment, const Heard& heard, std::span<const float> times,
                                      std::size_t first, std::size_t count, double offset) const {
  std::vector<std::int32_t> tokens;
  std::vector<std::size_t> places;  // of the window's tokens
  for (std::size_t i = first; i < first + count; ++i) {
    const std::int32_t token = heard.text.tokens[i];
    const bool text = token < rules_.timestamp_begin() && !(tokenizer_->has_token(token) && tokenizer_->is_special(token));
    if (!text) continue;
    tokens.push_back(token);
    places.push_back(i);
  }
  const auto time = [&](std::size_t place) {
    // Where no sound is left the reference's times lie a step before the window.
    return std::max(hundredths(static_cast<double>(times[place] + static_cast<float>(offset))), 0.0);
  };
  for (const WordTokens& word : words_of(*tokenizer_, tokens, !written_without_spaces(segment.language), rules_.end)) {
    const std::size_t from = places[word.tokens.front()], to = places[word.tokens.back()];
    double probability = 0;
    for (const std::size_t token : word.tokens) {
      probability += std::exp(static_cast<double>(heard.text.log_probabilities[places[token]]));
    }
    const double begin = from == 0 ? hundredths(offset) : time(from - 1);
    segment.words.push_back({word.text, begin, std::max(begin, time(to)), probability / static_cast<double>(word.tokens.size())});
  }
}

void WindowedTranscription::add(std::vector<Segment>& segments, const Heard& heard, std::int64_t frames) {
  std::span<const std::int32_t> tokens = heard.text.tokens;
  if (!tokens.empty() && tokens.back() == rules_.end) tokens = tokens.first(tokens.size() - 1);
  const double offset = static_cast<double>(seek_) * kTimePrecision / static_cast<double>(kInputStride);
  std::vector<float> times;
  if (settings_.times == SpeechTimes::words) {
    times = ear_->times(heard.text.rows, features_->sound_frames() - seek_);
    times.push_back(times.empty() ? 0.0f : times.back());  // of the last token no attention was computed
  }
  const WindowSegments split = split_window(tokens, rules_.timestamp_begin(), frames, offset);
  for (const Stretch& stretch : split.stretches) {
    const std::span<const std::int32_t> part = tokens.subspan(stretch.first, stretch.count);
    remember(part);
    Segment segment;
    segment.text = text_of(*tokenizer_, part);
    if (blank(segment.text)) continue;
    segment.begin = stretch.begin;
    segment.end = std::max(stretch.begin, stretch.end);
    segment.language = settings_.language;
    segment.mean_log_probability = static_cast<double>(heard.mean_log_probability);
    segment.no_speech_probability = heard.no_speech_probability;
    segment.temperature = heard.text.temperature;
    if (!times.empty()) add_words(segment, heard, times, stretch.first, stretch.count, offset);
    segments.push_back(std::move(segment));
  }
  seek_ += split.advance;
}

bool WindowedTranscription::step(std::vector<Segment>& segments, Run& run) {
  const auto start = std::chrono::steady_clock::now();
  if (features_ == nullptr) begin(run);
  if (seek_ >= features_->frames()) return false;
  const std::int64_t frames = std::min(features_->frames() - seek_, ear_->window_frames());
  features_->read(seek_, ear_->window_frames(), window_);
  ear_->hear(window_, run);
  encode_seconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  if (initial_.empty()) hear_language(run);
  const Heard heard = listen(prompt(), run);
  if (heard.silent) {
    seek_ += frames;
  } else {
    add(segments, heard, frames);
  }
  return true;
}

}  // namespace lmm::models::whisper
