// lmm info: what a checkpoint is, without loading its weights.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <memory>
#include <string>

#include "commands.hpp"
#include "flags.hpp"
#include "report.hpp"
#include "terminal.hpp"

namespace command {
namespace {

struct Info {
  std::string folder;
  bool json = false;

  int run() const;
};

int Info::run() const {
  const lmm::ModelInfo info = lmm::Model::info(folder);
  if (json) {
    put_json(to_json(info));
    return kOk;
  }
  const auto line = [](const char* name, const std::string& value) { put(fmt::format("{:<15} {}\n", name, value)); };
  line("family", info.family);
  line("architecture", info.architecture);
  line("parameters", fmt::format("{} ({:.1f} million)", info.parameters, static_cast<double>(info.parameters) / 1e6));
  line("weights", fmt::format("{:.1f} MB as {} in {}", static_cast<double>(info.weight_bytes) / 1e6,
                              lmm::dtype_name(info.stored_dtype), fmt::join(info.weight_files, ", ")));
  line("towers", fmt::format("{}", fmt::join(info.towers, ", ")));
  line("context", fmt::format("{} tokens", info.context_length));
  line("vocabulary", fmt::format("{} tokens", info.vocab_size));
  line("takes", fmt::format("{}{}{}{}", info.transcribes ? "" : "text", info.sees_images ? ", pictures" : "",
                            info.sees_videos ? ", videos" : "",
                            info.hears ? (info.transcribes ? "recordings" : ", recordings") : ""));
  line("chat template", info.has_chat_template ? "yes" : "no (use --raw)");
  return kOk;
}

}  // namespace

void add_info(CLI::App& app, Action& action) {
  CLI::App* sub = app.add_subcommand("info", "Show what a checkpoint is, without loading its weights");
  auto info = std::make_shared<Info>();
  sub->add_option("MODEL", info->folder, "Hugging Face checkpoint folder, as downloaded")->required();
  sub->add_flag("--json", info->json, "Print one JSON object");
  sub->footer("Examples:\n  lmm info MODEL\n  lmm info MODEL --json");
  sub->callback([info, &action] { action = [info] { return info->run(); }; });
}

}  // namespace command
