#include "capi/callbacks.hpp"
#include "capi/objects.hpp"
#include "lib/generate/settings.hpp"

using namespace lmm;
using namespace lmm::capi;

namespace {

/// Sets one option where its value is in range; else it keeps the one it had.
template <typename Field, typename Value>
lmm_code set(lmm_generate_options* options, Field GenerateOptions::*field, Value value, lmm_error** error) {
  return call_on(options, "options", error, [&](lmm_generate_options& self) {
    GenerateOptions alone;
    alone.*field = value;
    generate::check_ranges(alone);
    self.options.*field = value;
  });
}

/// Adds one text to a list.
lmm_code add(lmm_generate_options* options, std::vector<std::string> GenerateOptions::*list, const char* text,
             size_t length, lmm_error** error) {
  return call_on(options, "options", error, [&](lmm_generate_options& self) {
    const std::string_view added = text_argument(text, length, "text");
    if (added.empty()) fail(ErrorCode::invalid_argument, "text is empty, expected one that can be produced");
    (self.options.*list).emplace_back(added);
  });
}

}  // namespace

lmm_code lmm_generate_options_create(const lmm_allocator* allocator, lmm_generate_options** options,
                                     lmm_error** error) {
  return call(usable_allocator(allocator), error, [&] {
    require(options, "options");
    *options = make<lmm_generate_options>(allocator_or_default(allocator));
  });
}

lmm_code lmm_generate_options_set_max_tokens(lmm_generate_options* options, int64_t tokens, lmm_error** error) {
  return set(options, &GenerateOptions::max_tokens, tokens, error);
}

lmm_code lmm_generate_options_set_min_tokens(lmm_generate_options* options, int64_t tokens, lmm_error** error) {
  return set(options, &GenerateOptions::min_tokens, tokens, error);
}

lmm_code lmm_generate_options_set_sample(lmm_generate_options* options, lmm_bool sample, lmm_error** error) {
  return set(options, &GenerateOptions::sample, sample != LMM_FALSE, error);
}

lmm_code lmm_generate_options_set_temperature(lmm_generate_options* options, double temperature, lmm_error** error) {
  return set(options, &GenerateOptions::temperature, temperature, error);
}

lmm_code lmm_generate_options_set_top_k(lmm_generate_options* options, int64_t top_k, lmm_error** error) {
  return set(options, &GenerateOptions::top_k, top_k, error);
}

lmm_code lmm_generate_options_set_top_p(lmm_generate_options* options, double top_p, lmm_error** error) {
  return set(options, &GenerateOptions::top_p, top_p, error);
}

lmm_code lmm_generate_options_set_min_p(lmm_generate_options* options, double min_p, lmm_error** error) {
  return set(options, &GenerateOptions::min_p, min_p, error);
}

lmm_code lmm_generate_options_set_typical_p(lmm_generate_options* options, double typical_p, lmm_error** error) {
  return set(options, &GenerateOptions::typical_p, typical_p, error);
}

lmm_code lmm_generate_options_set_repetition_penalty(lmm_generate_options* options, double penalty, lmm_error** error) {
  return set(options, &GenerateOptions::repetition_penalty, penalty, error);
}

lmm_code lmm_generate_options_set_presence_penalty(lmm_generate_options* options, double penalty, lmm_error** error) {
  return set(options, &GenerateOptions::presence_penalty, penalty, error);
}

lmm_code lmm_generate_options_set_frequency_penalty(lmm_generate_options* options, double penalty, lmm_error** error) {
  return set(options, &GenerateOptions::frequency_penalty, penalty, error);
}

lmm_code lmm_generate_options_set_no_repeat_ngram(lmm_generate_options* options, int64_t tokens, lmm_error** error) {
  return set(options, &GenerateOptions::no_repeat_ngram, tokens, error);
}

lmm_code lmm_generate_options_add_bad_word(lmm_generate_options* options, const char* text, size_t length,
                                           lmm_error** error) {
  return add(options, &GenerateOptions::bad_words, text, length, error);
}

lmm_code lmm_generate_options_set_logit_bias(lmm_generate_options* options, int32_t token, double bias,
                                             lmm_error** error) {
  return call_on(options, "options", error, [&](lmm_generate_options& self) {
    if (token < 0) fail(ErrorCode::invalid_argument, "logit_bias names token {}, expected 0 or more", token);
    GenerateOptions alone;
    alone.logit_bias[token] = bias;
    generate::check_ranges(alone);
    self.options.logit_bias[token] = bias;
  });
}

lmm_code lmm_generate_options_add_stop(lmm_generate_options* options, const char* text, size_t length,
                                       lmm_error** error) {
  return add(options, &GenerateOptions::stop, text, length, error);
}

lmm_code lmm_generate_options_set_seed(lmm_generate_options* options, uint64_t seed, lmm_error** error) {
  return set(options, &GenerateOptions::seed, seed, error);
}

lmm_code lmm_generate_options_set_raw(lmm_generate_options* options, lmm_bool raw, lmm_error** error) {
  return set(options, &GenerateOptions::raw, raw != LMM_FALSE, error);
}

lmm_code lmm_generate_options_set_ignore_eos(lmm_generate_options* options, lmm_bool ignore_eos, lmm_error** error) {
  return set(options, &GenerateOptions::ignore_eos, ignore_eos != LMM_FALSE, error);
}

lmm_code lmm_generate_options_set_paused(lmm_generate_options* options, lmm_bool paused, lmm_error** error) {
  return set(options, &GenerateOptions::paused, paused != LMM_FALSE, error);
}

lmm_code lmm_generate_options_set_on_tap(lmm_generate_options* options, const char* glob, size_t glob_length,
                                         lmm_on_tap on_tap, void* user, lmm_release release, lmm_error** error) {
  return call_on(options, "options", error, [&](lmm_generate_options& self) {
    std::string names;
    OnTap sink;
    const auto kept = std::make_shared<KeptUser>(user);
    if (on_tap != nullptr) {
      names = text_argument(glob, glob_length, "glob");
      if (names.empty())
        fail(ErrorCode::invalid_argument, "glob is empty, expected one over names, such as \"vision.*\"");
      sink = [on_tap, kept](const Tap& tap) {
        const std::string name(tap.name);
        return goes_on(on_tap, kept->user, name.c_str(), name.size(), tap.shape.data(), tap.shape.size(), tap.data);
      };
    }
    self.options.taps = std::move(names);
    self.options.on_tap = std::move(sink);
    kept->release = release;
  });
}

lmm_code lmm_generate_options_set_on_progress(lmm_generate_options* options, lmm_on_progress on_progress, void* user,
                                              lmm_release release, lmm_error** error) {
  return call_on(options, "options", error, [&](lmm_generate_options& self) {
    const auto kept = std::make_shared<KeptUser>(user);
    self.options.on_progress = progress_function(on_progress, kept);
    kept->release = release;
  });
}

void lmm_generate_options_free(lmm_generate_options* options) { destroy(options); }
