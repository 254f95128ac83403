// Answers many questions with one model: for tests that compare hundreds of answers without loading it each time.
//
//   batch_driver MODEL DTYPE THREADS
//
// Reads JSON lines, writes one JSON line for each:
//   {"id", "prompt", "images": [files], "raw": bool, "max_tokens": n, "session": name}
//   -> {"id", "text", "token_ids", "finish_reason", "usage": {...}}, or {"id", "error": code, "message"}
// "parts" instead of "images": what stands before the prompt, in order; each {"image": file}, {"audio": file}, {"text": ...} or
// {"video": {"frames": [files], "indices": [numbers], "fps": number, "total": n}}, a choice of n frames, or without "total"
// all of them, frame i at indices[i] / fps seconds.
// "taps": a folder, into which each intermediate is written as <name>.f32; the answer has their "shapes".
// Greedy. Questions with the same "session" belong to one conversation; without it each is one of its own.

#include <lmm/lmm.hpp>

#include <nlohmann/json.hpp>

#include <fstream>
#include <iostream>
#include <map>
#include <string>
#include <vector>

namespace {

using Json = nlohmann::ordered_json;

lmm::DType dtype_of(const std::string& name) {
  for (const lmm::DType type : {lmm::DType::automatic, lmm::DType::fp32, lmm::DType::bf16, lmm::DType::fp16}) {
    if (name == lmm::dtype_name(type)) return type;
  }
  throw std::invalid_argument("dtype " + name);
}

lmm::Video video_of(const Json& video) {
  std::vector<lmm::Image> frames;
  for (const Json& path : video.at("frames")) frames.push_back(lmm::Image::open(path.get<std::string>()));
  const auto indices = video.at("indices").get<std::vector<std::int64_t>>();
  const auto fps = video.at("fps").get<double>();
  if (const auto total = video.value("total", std::int64_t{0})) return lmm::Video::from_sample(frames, indices, total, fps);
  std::vector<double> times;
  for (const std::int64_t index : indices) times.push_back(static_cast<double>(index) / fps);
  return lmm::Video::from_frames(frames, times);
}

/// Writes what the observer is shown; what recurs is called <name>.step1, .step2, ...
class TapFiles {
 public:
  explicit TapFiles(std::string folder) : folder_(std::move(folder)) {}

  void add(const lmm::Tap& tap) {
    const int times = seen_[std::string(tap.name)]++;
    const std::string name = std::string(tap.name) + (times == 0 ? "" : ".step" + std::to_string(times));
    std::size_t count = 1;
    for (const std::int64_t side : tap.shape) count *= static_cast<std::size_t>(side);
    std::ofstream(folder_ + "/" + name + ".f32", std::ios::binary)
        .write(reinterpret_cast<const char*>(tap.data), static_cast<std::streamsize>(count * sizeof(float)));
    shapes[name] = tap.shape;
  }

  Json shapes = Json::object();

 private:
  std::string folder_;
  std::map<std::string, int> seen_;
};

Json answer(lmm::Session& session, const Json& question) {
  lmm::Message message;
  for (const Json& path : question.value("images", Json::array())) {
    message.parts.emplace_back(lmm::Image::open(path.get<std::string>()));
  }
  for (const Json& part : question.value("parts", Json::array())) {
    if (part.contains("image")) message.parts.emplace_back(lmm::Image::open(part["image"].get<std::string>()));
    if (part.contains("audio")) message.parts.emplace_back(lmm::Audio::open(part["audio"].get<std::string>()));
    if (part.contains("text")) message.parts.emplace_back(part["text"].get<std::string>());
    if (part.contains("video")) message.parts.emplace_back(video_of(part["video"]));
  }
  message.parts.emplace_back(question.at("prompt").get<std::string>());
  lmm::GenerateOptions options;
  options.max_tokens = question.value("max_tokens", 64);
  options.temperature = 0;
  options.raw = question.value("raw", false);
  TapFiles taps(question.value("taps", ""));
  if (question.contains("taps")) {
    options.taps = "*";
    options.on_tap = [&taps](const lmm::Tap& tap) {
      taps.add(tap);
      return true;
    };
  }
  const lmm::Reply reply = session.ask(message, options);
  return {{"shapes", taps.shapes},
          {"text", reply.text},
          {"token_ids", reply.token_ids},
          {"finish_reason", lmm::finish_reason_name(reply.finish_reason)},
          {"usage",
           {{"prompt_tokens", reply.usage.prompt_tokens},
            {"image_tokens", reply.usage.image_tokens},
            {"reused_tokens", reply.usage.reused_tokens},
            {"new_tokens", reply.usage.new_tokens}}}};
}

void serve(const lmm::Model& model) {
  std::map<std::string, lmm::Session> sessions;
  for (std::string line; std::getline(std::cin, line);) {
    const Json question = Json::parse(line);
    Json out = {{"id", question.at("id")}};
    try {
      if (question.contains("session")) {
        const std::string name = question.at("session").get<std::string>();
        out.update(answer(sessions.try_emplace(name, model).first->second, question));
      } else {
        lmm::Session session(model);
        out.update(answer(session, question));
      }
    } catch (const lmm::Error& error) {
      out.update({{"error", lmm::error_name(error.code())}, {"message", error.what()}});
    }
    std::cout << out.dump() << std::endl;
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4 || argc > 6) {
    std::cerr << "usage: batch_driver MODEL DTYPE THREADS [full|int8|int4 [full|int8|int4, of towers]]\n";
    return 2;
  }
  try {
    lmm::LoadOptions options;
    options.dtype = dtype_of(argv[2]);
    options.threads = std::stoi(argv[3]);
    for (const lmm::WeightType type : {lmm::WeightType::int8, lmm::WeightType::int4}) {
      if (argc > 4 && argv[4] == std::string(lmm::weight_type_name(type))) options.weights = type;
      if (argc > 5 && argv[5] == std::string(lmm::weight_type_name(type))) options.tower_weights = type;
    }
    serve(lmm::Model::load(argv[1], options));
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
  return 0;
}
