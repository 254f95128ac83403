// The lmm command: one file a subcommand, each a small program over the public C++ interface in include/lmm.

#include <fmt/format.h>
#include <lmm/lmm.hpp>

#include <exception>
#include <new>
#include <string>

#include "commands.hpp"
#include "terminal.hpp"

namespace {

using namespace command;

/// Says in one line what is wrong with the command line.
int wrong_usage(const CLI::App& app, const CLI::ParseError& error) {
  std::string name = app.get_name();
  std::string reason = error.what();
  for (const CLI::App* chosen : app.get_subcommands()) name += ' ' + chosen->get_name();
  if (app.get_subcommands().empty() && app.remaining_size() > 0) {
    reason = fmt::format("there is no command \"{}\"", app.remaining().front());
  }
  complain("error", fmt::format("{} ({} --help shows what there is)", reason, name));
  return kUsage;
}

int run(const Action& action) {
  try {
    return action();
  } catch (const OutputError& error) {
    if (error.reader_gone()) return kPipeClosed;
    complain("error", error.what());
  } catch (const lmm::Error& error) {
    if (error.code() == lmm::ErrorCode::cancelled && Interrupt::requested()) {
      complain("error", "cancelled");
      return kInterrupted;
    }
    complain("error", error.what());
  } catch (const std::bad_alloc&) {
    complain("error", "out of memory");
  } catch (const std::exception& error) {
    complain("error", error.what());
  }
  return kError;
}

}  // namespace

int main(int argc, char** argv) {
  prepare_streams();
  CLI::App app("Asks large multimodal models about pictures, speech and text, from Hugging Face checkpoint folders.", "lmm");
  app.set_version_flag("--version", fmt::format("lmm {}", lmm::version()));
  app.require_subcommand(1);
  app.footer(
      "Examples:\n"
      "  lmm ask MODEL -i receipt.jpg \"What is the total?\"\n"
      "  lmm chat MODEL\n"
      "  lmm COMMAND --help");
  Action action;
  add_ask(app, action);
  add_chat(app, action);
  add_listen(app, action);
  add_info(app, action);
  add_tokenize(app, action);
  add_trace(app, action);
  add_bench(app, action);
  return run([&] {
    try {
      app.parse(argc, argv);
    } catch (const CLI::CallForVersion& version) {
      put(std::string(version.what()) + '\n');
      return kOk;
    } catch (const CLI::CallForHelp&) {
      put(app.help());
      return kOk;
    } catch (const CLI::ParseError& error) {
      return wrong_usage(app, error);
    }
    return action();
  });
}
