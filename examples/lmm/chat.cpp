// lmm chat: a conversation, line by line, at a terminal or through a pipe.

#include <fmt/format.h>
#include <unistd.h>

#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "commands.hpp"
#include "flags.hpp"
#include "stream.hpp"
#include "terminal.hpp"
#include "video.hpp"

namespace command {
namespace {

constexpr const char* kHelp =
    "  /image FILE   show a picture with the next question\n"
    "  /video FILE   show a video with the next question\n"
    "  /undo         take back the last question and its answer\n"
    "  /reset        forget the conversation, and pictures that were not asked about yet\n"
    "  /system TEXT  give the model another system prompt; nothing after it: none\n"
    "  /help         list these commands\n"
    "  /quit, /exit  end; so does the end of the input\n"
    "A line that ends in \\ goes on in the next one. // at its start stands for a / that is text.\n";

struct ChatFlags {
  ModelFlags model;
  SessionFlags session;
  GenerateFlags generate;
  std::vector<std::string> pictures;
  VideoFlags videos;
};

class Chat {
 public:
  explicit Chat(const ChatFlags& flags)
      : session_options_(flags.session.options()), model_(load(flags)), session_(model_, session_options_),
        options_(flags.generate.options(bar_)), fps_(flags.videos.fps), terminal_(::isatty(STDIN_FILENO) == 1) {
    for (const std::string& path : flags.pictures) add_picture(path);
    for (const std::string& path : flags.videos.files) add_video(path);
  }

  int run();

 private:
  lmm::Model load(const ChatFlags& flags) {
    const Interrupt interrupt;
    return flags.model.load(bar_);
  }

  std::optional<std::string> read_line() const;
  bool command(const std::string& line);  // false: quit
  void answer(const std::string& question);
  void add_picture(const std::string& path);
  void add_video(const std::string& path);
  void set_system(const std::string& text);
  void say(const std::string& text) const;

  ProgressBar bar_;
  lmm::SessionOptions session_options_;
  lmm::Model model_;
  lmm::Session session_;
  lmm::GenerateOptions options_;
  std::vector<lmm::Part> pictures_;  // and videos, for the next question
  double fps_;
  bool terminal_;
};

/// What is no part of the conversation goes to standard error, and only where a person is at the terminal.
void Chat::say(const std::string& text) const {
  if (terminal_) std::cerr << text << std::flush;
}

std::optional<std::string> Chat::read_line() const {
  std::string text;
  std::string line;
  say("> ");
  while (std::getline(std::cin, line)) {
    if (line.ends_with('\r')) line.pop_back();
    text += line;
    if (!text.ends_with('\\')) return text;
    text.back() = '\n';
    say("  ");
  }
  if (text.empty()) return std::nullopt;
  return text;
}

void Chat::add_picture(const std::string& path) {
  const lmm::Image image = lmm::Image::open(path);
  pictures_.emplace_back(image);
  say(fmt::format("({} x {} pixels, shown with the next question)\n", image.width(), image.height()));
}

void Chat::add_video(const std::string& path) {
  const Interrupt interrupt;
  const lmm::Video video = open_video(path, model_, fps_);
  pictures_.emplace_back(video);
  say(fmt::format("({} frames of {:.1f} seconds, shown with the next question)\n", video.frames(), video.seconds()));
}

void Chat::set_system(const std::string& text) {
  std::vector<lmm::Turn> turns = session_.history();
  if (!turns.empty() && turns.front().role == "system") turns.erase(turns.begin());
  if (!text.empty()) turns.insert(turns.begin(), lmm::Turn{"system", text});
  lmm::SessionOptions options = session_options_;
  options.system = text;
  lmm::Session session(model_, options);
  session.set_history(std::move(turns));
  session_ = std::move(session);
  session_options_ = options;
}

bool Chat::command(const std::string& line) {
  const std::size_t space = line.find(' ');
  const std::string name = line.substr(0, space);
  std::string rest = space == std::string::npos ? "" : line.substr(space + 1);
  rest.erase(0, rest.find_first_not_of(' '));
  if (name == "/quit" || name == "/exit") return false;
  if (name == "/help") {
    put(kHelp);
  } else if (name == "/image" && !rest.empty()) {
    add_picture(rest);
  } else if (name == "/video" && !rest.empty()) {
    add_video(rest);
  } else if (name == "/reset") {
    session_.reset();
    pictures_.clear();
    say("(forgotten)\n");
  } else if (name == "/undo") {
    say(session_.pop() ? "(taken back)\n" : "(there was nothing to take back)\n");
  } else if (name == "/system") {
    set_system(rest);
    say("(system prompt set)\n");
  } else {
    throw lmm::Error(lmm::ErrorCode::invalid_argument,
                     name == "/image" || name == "/video" ? name + " needs a file" : fmt::format("no command {}: /help lists them", name));
  }
  return true;
}

void Chat::answer(const std::string& question) {
  const Interrupt interrupt;
  lmm::Message message{std::vector<lmm::Part>(pictures_)};
  message.parts.emplace_back(text_argument(question, "question"));
  StreamedText text(bar_);
  session_.ask(message, options_, text.callback());
  pictures_.clear();
  text.finish();
}

int Chat::run() {
  say(fmt::format("{} ({}); /help lists the commands\n", model_.info().folder, model_.info().family));
  while (const std::optional<std::string> line = read_line()) {
    try {
      if (line->starts_with('/') && !line->starts_with("//")) {
        if (!command(*line)) break;
      } else if (!line->empty()) {
        answer(line->starts_with("//") ? line->substr(1) : *line);
      }
    } catch (const lmm::Error& error) {
      // The conversation is as it was before: a person tries again. What a script asks next may stand on what failed.
      bar_.clear();
      complain("error", error.what());
      if (!terminal_) return kError;
    }
  }
  say("\n");
  return kOk;
}

}  // namespace

void add_chat(CLI::App& app, Action& action) {
  CLI::App* sub = app.add_subcommand("chat", "Hold a conversation, one line a question");
  auto flags = std::make_shared<ChatFlags>();
  flags->model.add(*sub);
  add_pictures(*sub, flags->pictures);
  flags->videos.add(*sub);
  flags->session.add(*sub);
  flags->generate.add(*sub);
  sub->footer(std::string("Inside:\n") + kHelp +
              "Ctrl-C stops an answer; at the prompt it ends the command.\n"
              "Examples:\n"
              "  lmm chat MODEL\n"
              "  lmm chat MODEL -i receipt.jpg --system \"Answer in one word.\"\n"
              "  printf '/image cat.jpg\\nWhat is this?\\nWhich colour?\\n' | lmm chat MODEL");
  sub->callback([flags, &action] { action = [flags] { return Chat(*flags).run(); }; });
}

}  // namespace command
