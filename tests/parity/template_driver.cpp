// Renders chat templates for tests/parity/test_chat_template.py. Standard input holds one JSON object a line:
// {"template": T, "variables": {...}, "time": [Y, M, D, h, m, s, weekday, yearday]} or {"folder": F, "variables": {...}};
// one line is answered for each: {"text": ..., "user": [[begin, end], ...]} or {"error": ...}.
#include "lib/chat_template/chat_template.hpp"
#include "lib/core/error.hpp"

#include <iostream>
#include <string>

namespace {

using lmm::Json;
using lmm::chat_template::ChatTemplate;

std::tm time_of(const Json& fields) {
  std::tm time{};
  time.tm_year = fields[0].get<int>() - 1900;
  time.tm_mon = fields[1].get<int>() - 1;
  time.tm_mday = fields[2].get<int>();
  time.tm_hour = fields[3].get<int>();
  time.tm_min = fields[4].get<int>();
  time.tm_sec = fields[5].get<int>();
  time.tm_wday = fields[6].get<int>();
  time.tm_yday = fields[7].get<int>();
  return time;
}

Json answer(const Json& request) {
  Json reply = Json::object();
  try {
    lmm::chat_template::Clock clock = lmm::chat_template::local_clock;
    if (request.contains("time")) clock = [&] { return time_of(request["time"]); };
    auto chat_template = request.contains("folder") ? ChatTemplate::load(request["folder"].get<std::string>())
                                                    : ChatTemplate::parse(request["template"].get<std::string>(), "template");
    if (!chat_template) lmm::fail(lmm::ErrorCode::not_found, "no chat template");
    const auto rendered = chat_template->render(request["variables"], {}, clock);
    reply["text"] = rendered.text;
    reply["user"] = Json::array();
    for (const auto& span : rendered.user) reply["user"].push_back({span.begin, span.end});
  } catch (const lmm::Error& error) {
    reply["error"] = error.what();
    reply["code"] = lmm::error_name(error.code());
  }
  return reply;
}

}  // namespace

int main() {
  for (std::string line; std::getline(std::cin, line);) {
    std::cout << answer(Json::parse(line)).dump() << '\n' << std::flush;
  }
}
