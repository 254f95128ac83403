// Answers many questions with one model: for tests that compare hundreds of answers without loading it each time.
//
//   batch_driver MODEL DTYPE THREADS
//
// Reads JSON lines, writes one JSON line for each:
//   {"id", "prompt", "images": [files], "raw": bool, "max_tokens": n, "session": name}
//   -> {"id", "text", "token_ids", "finish_reason", "usage": {...}}, or {"id", "error": code, "message"}
// Greedy. Questions with the same "session" belong to one conversation; without it each is one of its own.

#include <lmm/lmm.hpp>

#include <nlohmann/json.hpp>

#include <iostream>
#include <map>
#include <string>

namespace {

using Json = nlohmann::ordered_json;

lmm::DType dtype_of(const std::string& name) {
  for (const lmm::DType type : {lmm::DType::automatic, lmm::DType::fp32, lmm::DType::bf16, lmm::DType::fp16}) {
    if (name == lmm::dtype_name(type)) return type;
  }
  throw std::invalid_argument("dtype " + name);
}

Json answer(lmm::Session& session, const Json& question) {
  lmm::Message message;
  for (const Json& path : question.value("images", Json::array())) {
    message.parts.emplace_back(lmm::Image::open(path.get<std::string>()));
  }
  message.parts.emplace_back(question.at("prompt").get<std::string>());
  lmm::GenerateOptions options;
  options.max_tokens = question.value("max_tokens", 64);
  options.temperature = 0;
  options.raw = question.value("raw", false);
  const lmm::Reply reply = session.ask(message, options);
  return {{"text", reply.text},
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
  if (argc != 4) {
    std::cerr << "usage: batch_driver MODEL DTYPE THREADS\n";
    return 2;
  }
  try {
    lmm::LoadOptions options;
    options.dtype = dtype_of(argv[2]);
    options.threads = std::stoi(argv[3]);
    serve(lmm::Model::load(argv[1], options));
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
  return 0;
}
