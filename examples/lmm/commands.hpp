#pragma once

#include <CLI/CLI.hpp>

#include <functional>

namespace command {

// Exit codes. 128 + the number of the signal, as shells give it, where a person or a reader of the output ended it.
inline constexpr int kOk = 0;
inline constexpr int kError = 1;
inline constexpr int kUsage = 2;
inline constexpr int kInterrupted = 130;
inline constexpr int kPipeClosed = 141;

/// What a subcommand does once the command line is read; gives the exit code, throws lmm::Error.
using Action = std::function<int()>;

// Each adds its subcommand to `app`; when that one is chosen, it sets `action`.
void add_ask(CLI::App& app, Action& action);
void add_chat(CLI::App& app, Action& action);
void add_listen(CLI::App& app, Action& action);
void add_info(CLI::App& app, Action& action);
void add_tokenize(CLI::App& app, Action& action);
void add_trace(CLI::App& app, Action& action);
void add_bench(CLI::App& app, Action& action);

}  // namespace command
