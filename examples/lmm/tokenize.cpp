// lmm tokenize: ids and pieces of a text, or of a conversation as the chat template renders it.

#include <fmt/format.h>

#include <memory>
#include <string>
#include <vector>

#include "commands.hpp"
#include "flags.hpp"
#include "report.hpp"
#include "terminal.hpp"

namespace command {
namespace {

struct Tokenize {
  std::string folder;
  std::string text;
  std::string messages_file;
  bool text_only = false;
  bool no_special = false;
  bool json = false;

  int run() const;
  void print(const std::vector<lmm::Token>& tokens) const;
};

void Tokenize::print(const std::vector<lmm::Token>& tokens) const {
  std::string lines;
  for (const lmm::Token& token : tokens) lines += fmt::format("{:>8}  {}\n", token.id, quoted(token.piece));
  put(lines);
}

int Tokenize::run() const {
  const lmm::Tokenizer tokenizer = lmm::Tokenizer::load(folder);
  if (messages_file.empty()) {
    // Standard input as it is, its last line break too; ill-formed UTF-8 is for the tokenizer to read.
    const std::vector<lmm::Token> tokens = tokenizer.encode(text == "-" ? read_standard_input() : text, !no_special);
    json ? put_json(to_json(tokens)) : print(tokens);
    return kOk;
  }
  const std::string messages = messages_file == "-" ? read_standard_input() : read_file(messages_file);
  const lmm::Rendered rendered = tokenizer.render(messages);
  if (json) {
    Json object = to_json(rendered.tokens);
    object["text"] = rendered.text;
    put_json(object);
  } else if (text_only) {
    put(rendered.text);
  } else {
    put(rendered.text + "\n\n");
    print(rendered.tokens);
  }
  return kOk;
}

}  // namespace

void add_tokenize(CLI::App& app, Action& action) {
  CLI::App* sub = app.add_subcommand("tokenize", "Show the tokens of a text or of a rendered conversation");
  auto tokenize = std::make_shared<Tokenize>();
  sub->add_option("MODEL", tokenize->folder, "Hugging Face checkpoint folder; its weights need not be there")
      ->required();
  CLI::Option* text = sub->add_option("TEXT", tokenize->text, "The text; - reads it from standard input");
  CLI::Option* messages =
      sub->add_option("--messages", tokenize->messages_file,
                      "JSON file (- is standard input): a list of messages as OpenAI's API takes it, or an object with "
                      "\"messages\", \"tools\" and further template variables")
          ->type_name("FILE")
          ->excludes(text);
  sub->add_flag("--text", tokenize->text_only, "Only the rendered text, exactly")->needs(messages);
  sub->add_flag("--no-special", tokenize->no_special, "Without the special tokens that the tokenizer adds at the ends")
      ->excludes(messages);
  sub->add_flag("--json", tokenize->json, "Print one JSON object: ids, pieces, and with --messages the text");
  sub->footer(
      "Examples:\n"
      "  lmm tokenize MODEL \"Hello, world\"\n"
      "  lmm tokenize MODEL --json - < letter.txt\n"
      "  lmm tokenize MODEL --messages chat.json --text");
  sub->callback([tokenize, text, messages, &action] {
    if (text->count() + messages->count() == 0) throw CLI::RequiredError("TEXT or --messages");
    action = [tokenize] { return tokenize->run(); };
  });
}

}  // namespace command
