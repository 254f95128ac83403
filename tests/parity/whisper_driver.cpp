// Writes down speech with a Whisper checkpoint: whisper_driver FOLDER [fp32|bf16] [THREADS]. Each line of standard input is
// a recording,
//   {"features": FILE of fp32 (mel_bins, frames), "frames", "sound_frames", "bins"} or {"sound": FILE},
//   and perhaps "options": {"language", "translate", "times": "none"|"segments"|"words", "prompt", "condition", "beams",
//   "temperatures", "compression", "log_probability", "no_speech", "max_tokens", "seed"}, "taps": {"glob", "out": FILE},
// and gives a line {"segments": [...], "new_tokens", "windows", "encode_seconds", "seconds"} or {"error", "message"}. Of
// taps each is a line of JSON {"name", "shape"} in the file and its numbers behind it.

#include "lib/core/error.hpp"
#include "lib/core/json.hpp"
#include "lib/media/sound_file.hpp"
#include "lib/models/registry.hpp"
#include "lib/models/whisper/model.hpp"
#include "lib/nn/kernels/thread_pool.hpp"
#include "lib/nn/runtime.hpp"
#include "lib/tokenizer/tokenizer.hpp"

#include <algorithm>
#include <chrono>
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

namespace {

using namespace lmm;

/// Features that Python made.
class FileFeatures final : public models::whisper::Features {
 public:
  explicit FileFeatures(const Json& request)
      : bins_(request.at("bins").get<std::int64_t>()),
        frames_(request.at("frames").get<std::int64_t>()),
        sound_(request.at("sound_frames").get<std::int64_t>()),
        values_(static_cast<std::size_t>(bins_ * frames_)) {
    std::ifstream file(request.at("features").get<std::string>(), std::ios::binary);
    file.read(reinterpret_cast<char*>(values_.data()), static_cast<std::streamsize>(values_.size() * sizeof(float)));
    if (!file) fail(ErrorCode::io, "features: too short");
  }

  std::int64_t frames() const override { return frames_; }
  std::int64_t sound_frames() const override { return sound_; }
  void read(std::int64_t first, std::int64_t count, std::span<float> out) override {
    for (std::int64_t bin = 0; bin < bins_; ++bin) {
      for (std::int64_t i = 0; i < count; ++i) {
        const bool there = first + i < frames_;
        out[static_cast<std::size_t>(bin * count + i)] =
            there ? values_[static_cast<std::size_t>(bin * frames_ + first + i)] : 0.0f;
      }
    }
  }

 private:
  std::int64_t bins_, frames_, sound_;
  std::vector<float> values_;
};

GenerateOptions options_of(const Json& given) {
  GenerateOptions options;
  SpeechOptions& speech = options.speech;
  speech.language = given.value("language", "");
  speech.translate = given.value("translate", false);
  const std::string times = given.value("times", "segments");
  speech.times = times == "words" ? SpeechTimes::words : times == "none" ? SpeechTimes::none : SpeechTimes::segments;
  speech.prompt = given.value("prompt", "");
  speech.condition_on_previous = given.value("condition", false);
  speech.beams = given.value("beams", std::int64_t{1});
  if (given.contains("temperatures")) speech.temperatures = given.at("temperatures").get<std::vector<double>>();
  if (given.contains("compression")) speech.compression_ratio_threshold = given.at("compression").get<double>();
  if (given.contains("log_probability")) speech.log_probability_threshold = given.at("log_probability").get<double>();
  if (given.contains("no_speech")) speech.no_speech_threshold = given.at("no_speech").get<double>();
  if (given.contains("max_tokens")) options.max_tokens = given.at("max_tokens").get<std::int64_t>();
  if (given.contains("seed")) options.seed = given.at("seed").get<std::uint64_t>();
  return options;
}

void write_tap(std::ofstream& file, const Tap& tap) {
  file << Json{{"name", tap.name}, {"shape", tap.shape}}.dump() << '\n';
  std::size_t count = 1;
  for (const std::int64_t size : tap.shape) count *= static_cast<std::size_t>(size);
  file.write(reinterpret_cast<const char*>(tap.data), static_cast<std::streamsize>(count * sizeof(float)));
}

Json json_of(const Segment& segment) {
  Json words = Json::array();
  for (const Word& word : segment.words) words.push_back({word.text, word.begin, word.end, word.probability});
  return {{"begin", segment.begin},
          {"end", segment.end},
          {"text", segment.text},
          {"language", segment.language},
          {"words", words},
          {"mean_log_probability", segment.mean_log_probability},
          {"no_speech_probability", segment.no_speech_probability},
          {"temperature", segment.temperature}};
}

Json transcribe(const models::Family& family, const std::shared_ptr<const tokenizer::Tokenizer>& tokenizer,
                const Json& request) {
  Run run;
  std::ofstream taps;
  if (request.contains("taps")) {
    taps.open(request["taps"]["out"].get<std::string>(), std::ios::binary);
    run.observe(request["taps"]["glob"].get<std::string>(), [&](const Tap& tap) { return write_tap(taps, tap), true; });
  }
  const GenerateOptions options = options_of(request.value("options", Json::object()));
  std::unique_ptr<models::Transcription> transcription;
  if (request.contains("sound")) {
    transcription = family.transcriber()->transcribe(media::open_sound(request["sound"].get<std::string>()), options, tokenizer);
  } else {
    const auto open = [&](Run&) { return std::make_unique<FileFeatures>(request); };
    transcription = models::whisper::transcribe_features(family, open, options, tokenizer);
  }
  std::vector<Segment> segments;
  std::int64_t windows = 0;
  const auto start = std::chrono::steady_clock::now();
  while (transcription->step(segments, run)) ++windows;
  Json out = {{"segments", Json::array()},
              {"new_tokens", transcription->new_tokens()},
              {"windows", windows},
              {"encode_seconds", transcription->encode_seconds},
              {"seconds", std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count()}};
  for (const Segment& segment : segments) out["segments"].push_back(json_of(segment));
  return out;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  const std::string folder = argv[1], type = argc > 2 ? argv[2] : "fp32";
  const int threads = argc > 3 ? std::stoi(argv[3]) : 1;
  const bool packed = argc > 4 && argv[4] == std::string("int8");
  try {
    const auto inference = nn::enter_inference(threads);
    const models::Checkpoint checkpoint{folder, read_json_file(folder + "/config.json"), weights::Weights::open(folder)};
    const nn::Placement placement{at::kCPU, type == "bf16" ? at::kBFloat16 : at::kFloat,
                                  std::make_shared<nn::kernels::ThreadPool>(threads),
                                  packed ? WeightType::int8 : WeightType::full};
    Run loading;
    const auto family = models::whisper::load(checkpoint, placement, loading);
    const auto tokenizer = tokenizer::Tokenizer::load(folder);
    for (std::string line; std::getline(std::cin, line);) {
      Json out;
      try {
        out = transcribe(*family, tokenizer, parse_json(line, "request"));
      } catch (const Error& error) {
        out = {{"error", error_name(error.code())}, {"message", error.what()}};
      }
      std::cout << out.dump(-1, ' ', true, Json::error_handler_t::replace) << std::endl;
    }
  } catch (const Error& error) {
    std::cerr << "error: " << error.what() << '\n';
    return 1;
  }
  return 0;
}
