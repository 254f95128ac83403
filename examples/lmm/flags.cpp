#include "flags.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iostream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <sstream>
#include <utility>

#include "terminal.hpp"

namespace command {
namespace {

std::optional<std::pair<std::int32_t, double>> parse_bias(const std::string& text) {
  const std::size_t equals = text.find('=');
  std::int32_t id = 0;
  double bias = 0;
  if (equals == std::string::npos || !CLI::detail::lexical_cast(text.substr(0, equals), id) ||
      !CLI::detail::lexical_cast(text.substr(equals + 1), bias)) {
    return std::nullopt;
  }
  return std::pair(id, bias);
}

lmm::DType parse_dtype(const std::string& name) {
  for (const lmm::DType dtype : {lmm::DType::fp32, lmm::DType::bf16, lmm::DType::fp16}) {
    if (name == lmm::dtype_name(dtype)) return dtype;
  }
  return lmm::DType::automatic;
}

lmm::WeightType parse_weights(const std::string& name) {
  for (const lmm::WeightType type : {lmm::WeightType::int8, lmm::WeightType::int4}) {
    if (name == lmm::weight_type_name(type)) return type;
  }
  return lmm::WeightType::full;
}

/// nlohmann's own check: writing a string that is no UTF-8 fails and says where.
void check_utf8(const std::string& text, const char* what) {
  try {
    (void)nlohmann::json(text).dump();
  } catch (const nlohmann::json::type_error& error) {
    const std::string reason = error.what();
    const std::size_t text_start = reason.find("] ");
    throw lmm::Error(lmm::ErrorCode::invalid_argument,
                     fmt::format("{}: expected UTF-8 text: {}", what,
                                 text_start == std::string::npos ? reason : reason.substr(text_start + 2)));
  }
}

}  // namespace

void ModelFlags::add(CLI::App& app) {
  app.add_option("MODEL", folder, "Hugging Face checkpoint folder, as downloaded")->required();
  app.add_option("--dtype", dtype, "Number format of the arithmetic; auto: bf16 for a bf16 checkpoint, else fp32; fp16: on a GPU alone")
      ->check(CLI::IsMember({"auto", "fp32", "bf16", "fp16"}))
      ->capture_default_str();
  app.add_option("--weights", weights, "How a text decoder's weights, and Whisper's, are kept; int8: half of bf16's memory, and faster; int4: half of that, less exact")
      ->check(CLI::IsMember({"full", "int8", "int4"}))
      ->capture_default_str();
  app.add_option("--tower-weights", tower_weights, "The same for vision and audio towers; int8: pictures are encoded faster on processors without AMX")
      ->check(CLI::IsMember({"full", "int8", "int4"}))
      ->capture_default_str();
  app.add_option("--threads", threads, "Threads of the arithmetic; 0: as many as the process may use")
      ->capture_default_str();
  app.add_option("--device", device, "cpu, or cuda / cuda:N where libtorch has it")->capture_default_str();
  app.add_option("--cache", cache_folder, "Where packed weights are kept for later runs, which map them")->type_name("FOLDER");
  app.add_option("--max-memory", max_memory, "Most memory that the weights may take, e.g. 8G; 0: no limit")
      ->transform(CLI::AsSizeValue(false).description(""))
      ->type_name("BYTES");
}

lmm::LoadOptions ModelFlags::options(ProgressBar& bar) const {
  lmm::LoadOptions options;
  options.dtype = parse_dtype(dtype);
  options.weights = parse_weights(weights);
  options.tower_weights = parse_weights(tower_weights);
  options.threads = threads;
  options.device = device;
  options.cache_folder = cache_folder;
  options.max_memory = max_memory;
  options.on_progress = bar.callback();
  options.on_log = [](lmm::LogLevel level, std::string_view line) {
    if (level == lmm::LogLevel::warning) complain("warning", line);
  };
  return options;
}

lmm::Model ModelFlags::load(ProgressBar& bar) const {
  lmm::Model model = lmm::Model::load(folder, options(bar));
  bar.clear();
  return model;
}

void GenerateFlags::add_max_tokens(CLI::App& app) {
  app.add_option("--max-tokens", values.max_tokens, "Most new tokens (default: the checkpoint's, else 512)");
}

void GenerateFlags::add(CLI::App& app) {
  const char* group = "Generation (unset: the checkpoint's generation_config.json)";
  add_max_tokens(app);
  app.get_option("--max-tokens")->group(group);
  app.add_option("--min-tokens", values.min_tokens, "The end token is not allowed before")->group(group);
  app.add_option("--temperature", values.temperature, "0: always the likeliest token; above 0: sampled, the more evenly the higher")->group(group);
  app.add_option("--top-k", values.top_k, "Sampling: only the K likeliest tokens; 0: all")->group(group);
  app.add_option("--top-p", values.top_p, "Sampling: only the likeliest tokens that make up P together, 0 to 1")->group(group);
  app.add_option("--min-p", values.min_p, "Sampling: only tokens at least P times as likely as the likeliest, 0 to 1")->group(group);
  app.add_option("--typical-p", values.typical_p, "Sampling: only the locally typical tokens that make up P together, up to 1")->group(group);
  app.add_option("--repetition-penalty", values.repetition_penalty, "More than 1: tokens that were there become less likely; 1: off")->group(group);
  app.add_option("--presence-penalty", values.presence_penalty, "Taken from the logits of new tokens that were there, -2 to 2")->group(group);
  app.add_option("--frequency-penalty", values.frequency_penalty, "The same for each time that they were there, -2 to 2")->group(group);
  app.add_option("--no-repeat-ngram", values.no_repeat_ngram, "No run of N tokens twice; 0: off")->group(group);
  app.add_option("--stop", values.stop, "Text that ends the reply (repeatable)")
      ->allow_extra_args(false)
      ->group(group);
  app.add_option("--bad-word", values.bad_words, "Text that is never produced (repeatable)")
      ->allow_extra_args(false)
      ->group(group);
  app.add_option("--logit-bias", logit_bias, "Adds B to the logit of token ID (repeatable)")
      ->type_name("ID=B")
      ->allow_extra_args(false)
      ->check([](const std::string& text) {
        return parse_bias(text) ? std::string() : fmt::format("expected ID=B, two numbers, not \"{}\"", text);
      })
      ->group(group);
  app.add_option("--seed", values.seed, "Sampling: the same seed, the same reply")->group(group);
}

lmm::GenerateOptions GenerateFlags::options(ProgressBar& bar) const {
  lmm::GenerateOptions options = values;
  for (const std::string& text : logit_bias) {
    const auto [id, bias] = *parse_bias(text);
    options.logit_bias.insert_or_assign(id, bias);
  }
  for (const std::string& text : options.stop) check_utf8(text, "--stop");
  for (const std::string& text : options.bad_words) check_utf8(text, "--bad-word");
  options.on_progress = bar.callback();
  return options;
}

void SessionFlags::add(CLI::App& app) {
  app.add_option("--system", system, "System prompt");
  app.add_option("--tools", tools_file, "JSON file with a list of tools, for templates that take them")->type_name("FILE");
  app.add_option("--template-variables", template_variables, "JSON object of further template variables")
      ->type_name("JSON");
}

lmm::SessionOptions SessionFlags::options() const {
  check_utf8(system, "--system");
  lmm::SessionOptions options;
  options.system = system;
  options.template_variables = template_variables;
  if (!tools_file.empty()) options.tools = read_file(tools_file);
  return options;
}

void add_pictures(CLI::App& app, std::vector<std::string>& pictures) {
  app.add_option("-i,--image", pictures, "JPEG, PNG, WebP, BMP or GIF file (repeatable)")
      ->type_name("PICTURE")
      ->allow_extra_args(false);
}

std::string read_standard_input() { return {std::istreambuf_iterator<char>(std::cin), {}}; }

std::string text_argument(const std::string& argument, const char* what, bool exact) {
  std::string text = argument == "-" ? read_standard_input() : argument;
  if (argument == "-" && !exact) {
    if (text.ends_with('\n')) text.pop_back();
    if (text.ends_with('\r')) text.pop_back();
  }
  check_utf8(text, what);
  return text;
}

std::string read_file(const std::string& path) {
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  if (file && file.peek() != std::ifstream::traits_type::eof()) text << file.rdbuf();
  if (errno != 0) {
    const lmm::ErrorCode code = errno == ENOENT ? lmm::ErrorCode::not_found : lmm::ErrorCode::io;
    throw lmm::Error(code, fmt::format("{}: {}", path, std::strerror(errno)));
  }
  return std::move(text).str();
}

void VoiceFlags::add(CLI::App& app, CLI::Option* prompt) {
  prompt_ = prompt;
  voice_ = app.add_option("--voice", files_, "Recording that asks, or is asked about (repeatable)")
               ->type_name("RECORDING")
               ->allow_extra_args(false);
}

void VoiceFlags::check() const {
  if (prompt_->count() == 0 && voice_->count() == 0) throw CLI::RequiredError("PROMPT");
}

void VoiceFlags::put_into(lmm::Message& message) const {
  std::vector<lmm::Part> recordings;
  for (const std::string& file : files_) recordings.emplace_back(lmm::Audio::open(file));
  message.parts.insert(message.parts.end() - 1, recordings.begin(), recordings.end());
  if (prompt_->count() == 0) message.parts.pop_back();
}

lmm::Message make_message(const std::vector<std::string>& pictures, std::string text) {
  lmm::Message message;
  for (const std::string& path : pictures) message.parts.emplace_back(lmm::Image::open(path));
  message.parts.emplace_back(std::move(text));
  return message;
}

}  // namespace command
