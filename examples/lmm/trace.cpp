// lmm trace: the named intermediates of a forward pass, written to a file: parity for anyone to check.

#include <fmt/format.h>

#include <memory>
#include <string>
#include <vector>

#include "commands.hpp"
#include "flags.hpp"
#include "report.hpp"
#include "tensor_file.hpp"
#include "terminal.hpp"
#include "video.hpp"

namespace command {
namespace {

struct Trace {
  ModelFlags model;
  SessionFlags session;
  std::vector<std::string> pictures;
  VideoFlags videos;
  VoiceFlags voices;
  std::string prompt;
  std::string taps = "*";
  std::string out;
  std::int64_t max_tokens = 1;
  bool raw = false;

  int run() const;
};

int Trace::run() const {
  const Interrupt interrupt;
  ProgressBar bar;
  const lmm::SessionOptions session_options = session.options();
  lmm::Message message = make_message(pictures, text_argument(prompt, "PROMPT", raw));
  const lmm::Model loaded = model.load(bar);
  videos.put_into(message, loaded);
  voices.put_into(message);
  TensorFile file;
  lmm::GenerateOptions options;
  options.max_tokens = max_tokens;
  if (loaded.info().transcribes) {
    options.speech.temperatures = {0.0};
  } else {
    options.temperature = 0;
  }
  options.raw = raw;
  options.taps = taps;
  options.on_tap = [&file](const lmm::Tap& tap) {
    file.add(tap.name, tap.shape, tap.data);
    return true;
  };
  options.on_progress = bar.callback();
  const lmm::Reply reply = lmm::Session(loaded, session_options).ask(message, options, [](std::string_view) {
    return !Interrupt::requested();
  });
  bar.clear();
  if (Interrupt::requested()) throw lmm::Error(lmm::ErrorCode::cancelled, "cancelled");
  if (file.size() == 0) {
    throw lmm::Error(lmm::ErrorCode::invalid_argument,
                     fmt::format("--taps: nothing is called like \"{}\"; --taps '*' writes all there is", taps));
  }
  file.write(out, {{"format", "pt"},
                   {"lmm", lmm::version()},
                   {"model", loaded.info().folder},
                   {"compute_dtype", lmm::dtype_name(loaded.info().compute_dtype)},
                   {"token_ids", Json(reply.token_ids).dump()},
                   {"text", reply.text}});
  put(fmt::format("{} tensors written to {}\n", file.size(), out));
  return kOk;
}

}  // namespace

void add_trace(CLI::App& app, Action& action) {
  CLI::App* sub = app.add_subcommand("trace", "Write named intermediates of the forward pass to a safetensors file");
  auto trace = std::make_shared<Trace>();
  trace->model.add(*sub);
  trace->voices.add(*sub, sub->add_option("PROMPT", trace->prompt, "The question; - reads it from standard input; may be missing with --voice"));
  add_pictures(*sub, trace->pictures);
  trace->videos.add(*sub);
  trace->session.add(*sub);
  sub->add_option("--taps", trace->taps, "Names of what is written; * and ? are wildcards")
      ->type_name("GLOB")
      ->capture_default_str();
  sub->add_option("--out", trace->out, "The file to write")->type_name("FILE")->required();
  sub->add_option("--max-tokens", trace->max_tokens, "New tokens; what recurs in each step gets .step1, .step2, ...")
      ->capture_default_str();
  CLI::Option* raw = sub->add_flag("--raw", trace->raw, "The prompt as it is, without chat template");
  for (const char* name : {"--system", "--tools", "--template-variables"}) raw->excludes(sub->get_option(name));
  sub->footer(
      "Examples:\n"
      "  lmm trace MODEL -i cat.jpg --taps 'vision.*' --out vision.safetensors \"What is this?\"\n"
      "  lmm trace WHISPER --voice speech.wav --taps 'audio.*' --out audio.safetensors\n"
      "  lmm trace MODEL --taps logits --max-tokens 8 --out logits.safetensors --raw \"Once upon a time\"");
  sub->callback([trace, &action] {
    trace->voices.check();
    action = [trace] { return trace->run(); };
  });
}

}  // namespace command
