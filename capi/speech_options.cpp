// The options of GenerateOptions::speech.
#include "capi/objects.hpp"

#include <cmath>

using namespace lmm;
using namespace lmm::capi;

namespace {

template <typename Change>
lmm_code change(lmm_generate_options* options, lmm_error** error, Change apply) {
  return call_on(options, "options", error, [&](lmm_generate_options& self) { apply(self.options.speech); });
}

lmm_code set_threshold(lmm_generate_options* options, std::optional<double> SpeechOptions::*field, double threshold,
                       lmm_error** error) {
  return change(options, error, [&](SpeechOptions& speech) {
    if (std::isnan(threshold)) fail(ErrorCode::invalid_argument, "threshold is {}, expected a number", threshold);
    speech.*field = threshold;
  });
}

}  // namespace

lmm_code lmm_generate_options_set_speech_language(lmm_generate_options* options, const char* language, size_t length,
                                                  lmm_error** error) {
  return change(options, error,
                [&](SpeechOptions& speech) { speech.language = text_argument(language, length, "language"); });
}

lmm_code lmm_generate_options_set_speech_translate(lmm_generate_options* options, lmm_bool translate, lmm_error** error) {
  return change(options, error, [&](SpeechOptions& speech) { speech.translate = translate != LMM_FALSE; });
}

lmm_code lmm_generate_options_set_speech_times(lmm_generate_options* options, lmm_speech_times times, lmm_error** error) {
  return change(options, error, [&](SpeechOptions& speech) {
    if (times < LMM_SPEECH_TIMES_NONE || times > LMM_SPEECH_TIMES_WORDS) {
      fail(ErrorCode::invalid_argument, "times is {}, expected 0 (none), 1 (segments) or 2 (words)", times);
    }
    speech.times = static_cast<SpeechTimes>(times);
  });
}

lmm_code lmm_generate_options_set_speech_prompt(lmm_generate_options* options, const char* text, size_t length,
                                                lmm_error** error) {
  return change(options, error, [&](SpeechOptions& speech) { speech.prompt = text_argument(text, length, "text"); });
}

lmm_code lmm_generate_options_set_speech_condition_on_previous(lmm_generate_options* options, lmm_bool condition,
                                                               lmm_error** error) {
  return change(options, error, [&](SpeechOptions& speech) { speech.condition_on_previous = condition != LMM_FALSE; });
}

lmm_code lmm_generate_options_set_speech_beams(lmm_generate_options* options, int64_t beams, lmm_error** error) {
  return change(options, error, [&](SpeechOptions& speech) {
    if (beams < 1 || beams > 32) fail(ErrorCode::invalid_argument, "beams is {}, expected 1 to 32", beams);
    speech.beams = beams;
  });
}

lmm_code lmm_generate_options_set_speech_temperatures(lmm_generate_options* options, const double* temperatures,
                                                      size_t count, lmm_error** error) {
  return change(options, error, [&](SpeechOptions& speech) {
    if (count > 100) fail(ErrorCode::invalid_argument, "count is {} temperatures, expected at most 100", count);
    if (count > 0) require(temperatures, "temperatures");
    for (size_t i = 0; i < count; ++i) {
      if (!(temperatures[i] >= 0 && temperatures[i] <= 1)) {
        fail(ErrorCode::invalid_argument, "temperatures[{}] is {}, expected 0 to 1", i, temperatures[i]);
      }
    }
    speech.temperatures.assign(temperatures, temperatures + count);
  });
}

lmm_code lmm_generate_options_set_speech_compression_ratio_threshold(lmm_generate_options* options, double threshold,
                                                                     lmm_error** error) {
  return set_threshold(options, &SpeechOptions::compression_ratio_threshold, threshold, error);
}

lmm_code lmm_generate_options_set_speech_log_probability_threshold(lmm_generate_options* options, double threshold,
                                                                   lmm_error** error) {
  return set_threshold(options, &SpeechOptions::log_probability_threshold, threshold, error);
}

lmm_code lmm_generate_options_set_speech_no_speech_threshold(lmm_generate_options* options, double threshold,
                                                             lmm_error** error) {
  return set_threshold(options, &SpeechOptions::no_speech_threshold, threshold, error);
}
