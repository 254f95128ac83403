// Options of loading and of sessions.
#include "capi/callbacks.hpp"
#include "capi/objects.hpp"
#include "lib/core/json.hpp"
#include "lib/core/utf8.hpp"

#include <algorithm>

using namespace lmm;
using namespace lmm::capi;

namespace {

WeightType weight_type(lmm_weight_type type, const char* name) {
  if (type < LMM_WEIGHTS_FULL || type > LMM_WEIGHTS_INT4) {
    fail(ErrorCode::invalid_argument, "{} is {}, expected 0 (full), 1 (int8) or 2 (int4)", name, type);
  }
  return static_cast<WeightType>(type);
}

}  // namespace

const char* lmm_dtype_name(lmm_dtype dtype) { return dtype_name(static_cast<DType>(dtype)); }

const char* lmm_weight_type_name(lmm_weight_type type) { return weight_type_name(static_cast<WeightType>(type)); }

lmm_code lmm_load_options_set_weights(lmm_load_options* options, lmm_weight_type weights, lmm_error** error) {
  return call_on(options, "options", error, [&](lmm_load_options& self) { self.options.weights = weight_type(weights, "weights"); });
}

lmm_code lmm_load_options_set_tower_weights(lmm_load_options* options, lmm_weight_type weights, lmm_error** error) {
  return call_on(options, "options", error, [&](lmm_load_options& self) { self.options.tower_weights = weight_type(weights, "tower_weights"); });
}

lmm_code lmm_load_options_create(const lmm_allocator* allocator, lmm_load_options** options, lmm_error** error) {
  return call(usable_allocator(allocator), error, [&] {
    require(options, "options");
    *options = make<lmm_load_options>(allocator_or_default(allocator));
  });
}

lmm_code lmm_load_options_set_dtype(lmm_load_options* options, lmm_dtype dtype, lmm_error** error) {
  return call_on(options, "options", error, [&](lmm_load_options& self) {
    if (dtype < LMM_DTYPE_AUTO || dtype > LMM_DTYPE_FP16) {
      fail(ErrorCode::invalid_argument, "dtype is {}, expected 0 (auto), 1 (fp32), 2 (bf16) or 3 (fp16)", dtype);
    }
    self.options.dtype = static_cast<DType>(dtype);
  });
}

lmm_code lmm_load_options_set_threads(lmm_load_options* options, int32_t threads, lmm_error** error) {
  return call_on(options, "options", error, [&](lmm_load_options& self) {
    if (threads < 0 || threads > 1024) {
      fail(ErrorCode::invalid_argument, "threads is {}, expected 0 (all that the process may use) to 1024", threads);
    }
    self.options.threads = threads;
  });
}

lmm_code lmm_load_options_set_device(lmm_load_options* options, const char* device, size_t length, lmm_error** error) {
  return call_on(options, "options", error, [&](lmm_load_options& self) {
    const std::string_view name = text_argument(device, length, "device");
    if (name != "cpu" && name != "cuda" && !name.starts_with("cuda:")) {
      fail(ErrorCode::invalid_argument, "device is \"{}\", expected \"cpu\", \"cuda\" or \"cuda:N\"",
           name.substr(0, 80));
    }
    self.options.device = name;
  });
}

lmm_code lmm_load_options_set_cache_folder(lmm_load_options* options, const char* path, size_t length, lmm_error** error) {
  return call_on(options, "options", error,
                 [&](lmm_load_options& self) { self.options.cache_folder = text_argument(path, length, "path"); });
}

lmm_code lmm_load_options_set_max_memory(lmm_load_options* options, uint64_t bytes, lmm_error** error) {
  return call_on(options, "options", error, [&](lmm_load_options& self) { self.options.max_memory = bytes; });
}

lmm_code lmm_load_options_set_on_progress(lmm_load_options* options, lmm_on_progress on_progress, void* user,
                                          lmm_release release, lmm_error** error) {
  return call_on(options, "options", error, [&](lmm_load_options& self) {
    const auto kept = std::make_shared<KeptUser>(user);
    self.options.on_progress = progress_function(on_progress, kept);
    kept->release = release;
  });
}

lmm_code lmm_load_options_set_on_log(lmm_load_options* options, lmm_on_log on_log, void* user, lmm_release release,
                                     lmm_error** error) {
  return call_on(options, "options", error, [&](lmm_load_options& self) {
    const auto kept = std::make_shared<KeptUser>(user);
    OnLog sink;
    if (on_log != nullptr) {
      sink = [on_log, kept](LogLevel level, std::string_view line) {
        std::string text(line);
        std::replace_if(
            text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7F; }, ' ');
        text = utf8::sanitize(text);  // a folder's name may be anything
        on_log(kept->user, static_cast<lmm_log_level>(level), text.c_str(), text.size());
      };
    }
    self.options.on_log = std::move(sink);
    kept->release = release;
  });
}

void lmm_load_options_free(lmm_load_options* options) { destroy(options); }

lmm_code lmm_session_options_create(const lmm_allocator* allocator, lmm_session_options** options, lmm_error** error) {
  return call(usable_allocator(allocator), error, [&] {
    require(options, "options");
    *options = make<lmm_session_options>(allocator_or_default(allocator));
  });
}

lmm_code lmm_session_options_set_system(lmm_session_options* options, const char* text, size_t length,
                                        lmm_error** error) {
  return call_on(options, "options", error,
                 [&](lmm_session_options& self) { self.options.system = text_argument(text, length, "text"); });
}

namespace {

/// JSON of an option; empty means none. Error invalid_argument.
std::string json_argument(const char* json, size_t length, const char* name, bool object) {
  const std::string_view text = text_argument(json, length, name);
  if (text.empty()) return {};
  bool fits = false;
  try {
    const Json parsed = parse_json(text, name);
    fits = object ? parsed.is_object() : parsed.is_array();
  } catch (const Error& error) {
    fail(ErrorCode::invalid_argument, "{}", error.what());
  }
  if (!fits) fail(ErrorCode::invalid_argument, "{}: expected a JSON {}", name, object ? "object" : "list");
  return std::string(text);
}

}  // namespace

lmm_code lmm_session_options_set_template_variables(lmm_session_options* options, const char* json, size_t length,
                                                    lmm_error** error) {
  return call_on(options, "options", error, [&](lmm_session_options& self) {
    self.options.template_variables = json_argument(json, length, "template_variables", true);
  });
}

lmm_code lmm_session_options_set_tools(lmm_session_options* options, const char* json, size_t length,
                                       lmm_error** error) {
  return call_on(options, "options", error,
                 [&](lmm_session_options& self) { self.options.tools = json_argument(json, length, "tools", false); });
}

lmm_code lmm_session_options_set_max_context(lmm_session_options* options, int64_t tokens, lmm_error** error) {
  return call_on(options, "options", error, [&](lmm_session_options& self) {
    if (tokens < 0) {
      fail(ErrorCode::invalid_argument, "max_context is {}, expected 0 (the model's own) or more", tokens);
    }
    self.options.max_context = tokens;
  });
}

lmm_code lmm_session_options_set_transcriber(lmm_session_options* options, const lmm_model* transcriber,
                                             lmm_error** error) {
  return call_on(options, "options", error, [&](lmm_session_options& self) {
    if (transcriber == nullptr) {
      self.options.transcriber.reset();
      return;
    }
    const Model& model = checked(transcriber, "transcriber").model;
    if (!model.info().transcribes) {
      fail(ErrorCode::invalid_argument,
           "transcriber is of family \"{}\", which does not write down speech, expected a Whisper model",
           model.info().family);
    }
    self.options.transcriber = model;
  });
}

void lmm_session_options_free(lmm_session_options* options) { destroy(options); }
