#pragma once

#include <CLI/CLI.hpp>
#include <lmm/lmm.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace command {

class ProgressBar;

/// MODEL and the options that say how it is loaded.
struct ModelFlags {
  std::string folder;
  std::string dtype = "auto";
  std::string weights = "full";
  std::string tower_weights = "full";
  int threads = 0;
  std::string device = "cpu";
  std::string cache_folder;
  std::uint64_t max_memory = 0;

  void add(CLI::App& app);
  lmm::LoadOptions options(ProgressBar& bar) const;
  lmm::Model load(ProgressBar& bar) const;
};

/// How replies are generated.
struct GenerateFlags {
  lmm::GenerateOptions values;
  std::vector<std::string> logit_bias;

  void add(CLI::App& app);
  void add_max_tokens(CLI::App& app);
  lmm::GenerateOptions options(ProgressBar& bar) const;
};

/// The session's own: system prompt, tools, template variables.
struct SessionFlags {
  std::string system;
  std::string tools_file;
  std::string template_variables;

  void add(CLI::App& app);
  lmm::SessionOptions options() const;
};

/// -i PICTURE, once a picture.
void add_pictures(CLI::App& app, std::vector<std::string>& pictures);

/// --voice RECORDING, once a recording; with it PROMPT may be missing.
class VoiceFlags {
 public:
  void add(CLI::App& app, CLI::Option* prompt);
  CLI::Option* option() const { return voice_; }
  void check() const;  ///< throws CLI::RequiredError where there is neither

  /// Puts the recordings before the last part, the text, which goes where there is no PROMPT.
  void put_into(lmm::Message& message) const;

 private:
  CLI::Option* prompt_ = nullptr;
  CLI::Option* voice_ = nullptr;
  std::vector<std::string> files_;
};

/// PROMPT: `argument` itself, or standard input where it is "-"; of that, unless `exact`, the last line break is left
/// out. Throws Error: invalid_argument where it is no UTF-8 (`what` names it).
std::string text_argument(const std::string& argument, const char* what, bool exact = false);

/// All of standard input, as it is.
std::string read_standard_input();

/// The whole of a file. Throws Error: not_found, io.
std::string read_file(const std::string& path);

/// The pictures, in order, then the text.
lmm::Message make_message(const std::vector<std::string>& pictures, std::string text);

}  // namespace command
