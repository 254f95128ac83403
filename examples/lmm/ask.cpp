// lmm ask: one question, one answer.

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "commands.hpp"
#include "flags.hpp"
#include "report.hpp"
#include "stream.hpp"
#include "terminal.hpp"
#include "video.hpp"

namespace command {
namespace {

struct Ask {
  ModelFlags model;
  SessionFlags session;
  GenerateFlags generate;
  std::vector<std::string> pictures;
  VideoFlags videos;
  VoiceFlags voices;
  std::string transcriber;
  std::string prompt;
  bool json = false;

  int run() const;
};

/// What the transcriber understood, which the answer rests on.
void tell_heard(const lmm::Reply& reply) {
  std::string heard;
  for (const lmm::Segment& segment : reply.segments) heard += segment.text;
  if (!heard.empty()) complain("heard", heard.substr(std::min(heard.find_first_not_of(' '), heard.size())));
}

int Ask::run() const {
  const Interrupt interrupt;
  ProgressBar bar;
  const lmm::GenerateOptions options = generate.options(bar);
  lmm::SessionOptions session_options = session.options();
  lmm::Message message = make_message(pictures, text_argument(prompt, "PROMPT", generate.values.raw));
  const lmm::Model loaded = model.load(bar);
  videos.put_into(message, loaded);
  voices.put_into(message);
  if (!transcriber.empty()) {
    ModelFlags hearing = model;
    hearing.folder = transcriber;
    session_options.transcriber = hearing.load(bar);
  }
  lmm::Session conversation(loaded, session_options);
  if (json) {
    const auto go_on = [](std::string_view) { return !Interrupt::requested(); };
    put_json(to_json(conversation.ask(message, options, go_on)));
  } else {
    StreamedText text(bar);
    const lmm::Reply reply = conversation.ask(message, options, text.callback());
    text.finish();
    tell_heard(reply);
  }
  return Interrupt::requested() ? kInterrupted : kOk;
}

}  // namespace

void add_ask(CLI::App& app, Action& action) {
  CLI::App* sub = app.add_subcommand("ask", "Ask one question, with pictures and videos or without");
  auto ask = std::make_shared<Ask>();
  ask->model.add(*sub);
  CLI::Option* prompt =
      sub->add_option("PROMPT", ask->prompt, "The question; - reads it from standard input; may be missing with --voice");
  add_pictures(*sub, ask->pictures);
  ask->videos.add(*sub);
  ask->voices.add(*sub, prompt);
  sub->add_option("--transcriber", ask->transcriber, "Whisper model that writes recordings down for a MODEL that does not hear")
      ->type_name("MODEL")
      ->needs(ask->voices.option());
  ask->session.add(*sub);
  ask->generate.add(*sub);
  CLI::Option* raw = sub->add_flag("--raw", ask->generate.values.raw,
                                   "The prompt as it is, no chat template; pictures go where their placeholders (<image> or the like) stand, else before it");
  for (const char* name : {"--system", "--tools", "--template-variables"}) raw->excludes(sub->get_option(name));
  sub->add_flag("--json", ask->json, "Print one JSON object: text, token_ids, finish_reason, boxes and points (pixels of the picture), segments, usage, timings");
  sub->footer(
      "Examples:\n"
      "  lmm ask MODEL -i receipt.jpg \"What is the total?\"\n"
      "  lmm ask MODEL -i before.png -i after.png --max-tokens 64 \"What has changed?\"\n"
      "  lmm ask MODEL --video goal.mp4 --fps 2 \"Who scores?\"\n"
      "  lmm ask MODEL -i face.png --voice question.wav --transcriber WHISPER\n"
      "  lmm ask MODEL --temperature 0.7 --seed 1 --json \"Write a haiku.\"\n"
      "  lmm ask MODEL --raw -i page.png \"<image>Title:\"\n"
      "  git diff | lmm ask MODEL --system \"Sum up this change.\" -");
  sub->callback([ask, &action] {
    ask->voices.check();
    action = [ask] { return ask->run(); };
  });
}

}  // namespace command
