// lmm listen: a recording, written down.

#include <memory>
#include <string>

#include "commands.hpp"
#include "flags.hpp"
#include "report.hpp"
#include "stream.hpp"
#include "subtitles.hpp"
#include "terminal.hpp"

namespace command {
namespace {

struct Listen {
  ModelFlags model;
  std::string recording;
  lmm::GenerateOptions generate;
  bool words = false;
  bool srt = false;
  bool vtt = false;
  bool json = false;

  int run() const;
};

int Listen::run() const {
  const Interrupt interrupt;
  ProgressBar bar;
  const lmm::Audio audio = lmm::Audio::open(recording);
  const lmm::Model loaded = model.load(bar);
  if (!loaded.info().transcribes) {
    throw lmm::Error(lmm::ErrorCode::unsupported, model.folder + ": is of family \"" + loaded.info().family +
                                                      "\", which does not write down speech, expected a Whisper model");
  }
  lmm::GenerateOptions options = generate;
  options.on_progress = bar.callback();
  if (words) options.speech.times = lmm::SpeechTimes::words;
  lmm::Session session(loaded);
  if (!srt && !vtt && !json) {
    StreamedText text(bar);
    session.ask({audio}, options, text.callback());
    text.finish();
    return Interrupt::requested() ? kInterrupted : kOk;
  }
  const lmm::Reply reply = session.ask({audio}, options, [](std::string_view) { return !Interrupt::requested(); });
  bar.clear();
  if (srt) put(to_srt(reply.segments, words));
  if (vtt) put(to_vtt(reply.segments, words));
  if (json) put_json(to_json(reply));
  return Interrupt::requested() ? kInterrupted : kOk;
}

}  // namespace

void add_listen(CLI::App& app, Action& action) {
  CLI::App* sub = app.add_subcommand("listen", "Write down what is said in a recording, with a Whisper model");
  auto listen = std::make_shared<Listen>();
  lmm::SpeechOptions& speech = listen->generate.speech;
  listen->model.add(*sub);
  sub->add_option("RECORDING", listen->recording, "WAV, FLAC, OGG (Vorbis, Opus), MP3, AIFF, AU or CAF file")->required();
  sub->add_option("--language", speech.language, "Code or English name; without it, it is heard from the first 30 s")
      ->type_name("LANGUAGE");
  sub->add_flag("--translate", speech.translate, "Translate into English");
  sub->add_option("--prompt", speech.prompt, "Text that goes before: names, spelling, style")->type_name("TEXT");
  sub->add_flag("--condition-on-previous", speech.condition_on_previous, "Tell each window of 30 s the text of the one before");
  sub->add_option("--beams", speech.beams, "Beams of the search, 1 to 32")->type_name("N")->capture_default_str();
  sub->add_option("--seed", listen->generate.seed, "For windows that are decoded again by sampling: the same seed, the same transcript")->type_name("N");
  CLI::Option* srt = sub->add_flag("--srt", listen->srt, "Print SubRip subtitles");
  CLI::Option* vtt = sub->add_flag("--vtt", listen->vtt, "Print WebVTT subtitles")->excludes(srt);
  CLI::Option* json = sub->add_flag("--json", listen->json, "Print one JSON object: text, segments, usage, timings");
  json->excludes(srt)->excludes(vtt);
  CLI::Option* words = sub->add_flag("--words", listen->words, "The time of each word, too; with --srt, --vtt or --json");
  sub->footer(
      "Examples:\n"
      "  lmm listen MODEL interview.mp3\n"
      "  lmm listen MODEL --srt --language de vortrag.ogg > vortrag.srt\n"
      "  lmm listen MODEL --translate --vtt conference.flac\n"
      "  lmm listen MODEL --json --words interview.wav");
  sub->callback([=, &action] {
    if (listen->words && !*srt && !*vtt && !*json) {
      throw CLI::RequiresError(words->get_name(), "one of --srt, --vtt, --json");
    }
    action = [listen] { return listen->run(); };
  });
}

}  // namespace command
