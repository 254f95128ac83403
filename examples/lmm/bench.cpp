// lmm bench: how long each stage takes; medians over repeats.

#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "commands.hpp"
#include "flags.hpp"
#include "report.hpp"
#include "terminal.hpp"

namespace command {
namespace {

struct Bench {
  ModelFlags model;
  std::vector<std::string> pictures;
  std::int64_t prompt_tokens = 128;
  std::int64_t new_tokens = 64;
  int repeat = 5;
  bool json = false;

  int run() const;
  Json measure(const lmm::Model& loaded, ProgressBar& bar) const;
};

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

/// Most memory that the process has held so far, bytes. getrusage counts what stood there before exec(), too.
std::int64_t peak_memory() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    std::int64_t kilobytes = 0;
    if (word == "VmHWM:" && status >> kilobytes) return kilobytes * 1024;
  }
  struct rusage usage {};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<std::int64_t>(usage.ru_maxrss) * 1024;
}

/// A text of `count` tokens, or as few more as its last word has.
std::string text_of(const lmm::Tokenizer& tokenizer, std::int64_t count) {
  static constexpr const char* kWords[] = {"the ", "small ", "dog ", "looks ", "at ", "a ", "red ", "house "};
  const auto size = [&](const std::string& text) {
    return static_cast<std::int64_t>(tokenizer.encode(text, false, false).size());
  };
  std::string text;
  for (std::size_t i = 0; text.empty() || size(text) < count; ++i) text += kWords[i % std::size(kWords)];
  return text;
}

/// The picture with one pixel changed, so that no cache knows it.
lmm::Image variant(const lmm::Image& image, int number) {
  const std::size_t size = static_cast<std::size_t>(image.width() * image.height() * 3);
  std::vector<std::uint8_t> pixels(image.rgb(), image.rgb() + size);
  const std::uint8_t change[3] = {static_cast<std::uint8_t>(number), static_cast<std::uint8_t>(number >> 8), 1};
  for (std::size_t i = 0; i < 3; ++i) pixels[i] ^= change[i];
  lmm::PixelView view;
  view.data = pixels.data();
  view.size = size;
  view.width = image.width();
  view.height = image.height();
  return lmm::Image::from_pixels(view);
}

Json Bench::measure(const lmm::Model& loaded, ProgressBar& bar) const {
  std::vector<lmm::Image> images;
  for (const std::string& path : pictures) images.push_back(lmm::Image::open(path));
  lmm::GenerateOptions options;
  options.max_tokens = new_tokens;
  options.temperature = 0;
  options.ignore_eos = true;
  options.raw = true;
  options.on_progress = bar.callback();
  const std::string text = text_of(loaded.tokenizer(), prompt_tokens);
  std::vector<double> preprocess, encode, prefill, decode;
  lmm::Usage usage;
  for (int round = 0; round <= repeat; ++round) {  // the first one warms up
    lmm::Message message;
    for (const lmm::Image& image : images) message.parts.emplace_back(variant(image, round));
    message.parts.emplace_back(text);
    const lmm::Reply reply =
        lmm::Session(loaded).ask(message, options, [](std::string_view) { return !Interrupt::requested(); });
    if (Interrupt::requested()) throw lmm::Error(lmm::ErrorCode::cancelled, "cancelled");
    if (round == 0) continue;
    usage = reply.usage;
    preprocess.push_back(reply.timings.preprocess);
    encode.push_back(reply.timings.encode);
    prefill.push_back(reply.timings.prefill);
    decode.push_back(reply.timings.per_token);
  }
  const std::int64_t tiles = usage.image_tiles;
  const auto rate = [](double amount, double seconds) { return seconds > 0 ? amount / seconds : 0.0; };
  return {
      {"tiles", tiles},
      {"prompt_tokens", usage.prompt_tokens},
      {"image_tokens", usage.image_tokens},
      {"new_tokens", usage.new_tokens},
      {"preprocess_seconds", median(preprocess)},
      {"encode_seconds", median(encode)},
      {"encode_seconds_per_tile", tiles > 0 ? median(encode) / static_cast<double>(tiles) : 0.0},
      {"prefill_seconds", median(prefill)},
      {"prefill_tokens_per_second",
       rate(static_cast<double>(usage.prompt_tokens - usage.reused_tokens), median(prefill))},
      {"decode_seconds_per_token", median(decode)},
      {"decode_tokens_per_second", rate(1, median(decode))},
  };
}

void print(const Json& result) {
  const auto number = [&](const char* key) { return result.at(key).get<double>(); };
  const auto line = [](const char* name, const std::string& value) { put(fmt::format("{:<12} {}\n", name, value)); };
  line("model", fmt::format("{}, {}, weights {}, median of {}", result.at("family").get<std::string>(),
                            result.at("compute_dtype").get<std::string>(), result.at("weights").get<std::string>(),
                            result.at("repeat").get<int>()));
  line("load", fmt::format("{:.3f} s", number("load_seconds")));
  if (result.at("tiles").get<std::int64_t>() > 0) {
    line("preprocess", fmt::format("{:.1f} ms", number("preprocess_seconds") * 1e3));
    line("encode", fmt::format("{:.1f} ms, {} tiles, {:.1f} ms a tile", number("encode_seconds") * 1e3,
                               result.at("tiles").get<std::int64_t>(), number("encode_seconds_per_tile") * 1e3));
  }
  line("prefill", fmt::format("{:.1f} tokens/s, {} tokens, {} of them from pictures",
                              number("prefill_tokens_per_second"), result.at("prompt_tokens").get<std::int64_t>(),
                              result.at("image_tokens").get<std::int64_t>()));
  line("decode", fmt::format("{:.1f} tokens/s, {:.2f} ms a token, {} tokens", number("decode_tokens_per_second"),
                             number("decode_seconds_per_token") * 1e3, result.at("new_tokens").get<std::int64_t>()));
  line("peak memory", fmt::format("{:.0f} MB", number("peak_memory_bytes") / 1e6));
}

int Bench::run() const {
  const Interrupt interrupt;
  ProgressBar bar;
  const std::int64_t before = peak_memory();
  const auto start = std::chrono::steady_clock::now();
  const lmm::Model loaded = model.load(bar);
  if (loaded.info().transcribes) {
    throw lmm::Error(lmm::ErrorCode::unsupported, fmt::format("{}: family \"{}\" only writes down recordings, expected a model that answers text "
                                                              "(lmm listen --json tells how long a transcript takes)", model.folder, loaded.info().family));
  }
  const double load = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  Json result = {
      {"folder", loaded.info().folder},
      {"family", loaded.info().family},
      {"compute_dtype", lmm::dtype_name(loaded.info().compute_dtype)},
      {"weights", model.weights},
      {"tower_weights", model.tower_weights},
      {"threads", model.threads},
      {"repeat", repeat},
      {"load_seconds", load},
  };
  result.update(measure(loaded, bar));
  bar.clear();
  result["peak_memory_bytes"] = peak_memory();
  result["peak_memory_before_load_bytes"] = before;
  json ? put_json(result) : print(result);
  return kOk;
}

}  // namespace

void add_bench(CLI::App& app, Action& action) {
  CLI::App* sub = app.add_subcommand("bench", "Measure how long each stage takes");
  auto bench = std::make_shared<Bench>();
  bench->model.add(*sub);
  add_pictures(*sub, bench->pictures);
  sub->add_option("--prompt-tokens", bench->prompt_tokens, "Tokens of text in the prompt")
      ->check(CLI::Range(1, 1 << 24))
      ->capture_default_str();
  sub->add_option("--new-tokens", bench->new_tokens, "Tokens to generate, whatever comes")
      ->check(CLI::Range(1, 1 << 24))
      ->capture_default_str();
  sub->add_option("--repeat", bench->repeat, "Runs of which the median is taken, after one that warms up")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  sub->add_flag("--json", bench->json, "Print one JSON object; times in seconds, memory in bytes");
  sub->footer(
      "Examples:\n"
      "  lmm bench MODEL -i photo.jpg\n"
      "  lmm bench MODEL --dtype bf16 --threads 2 --prompt-tokens 512 --new-tokens 128 --json");
  sub->callback([bench, &action] { action = [bench] { return bench->run(); }; });
}

}  // namespace command
