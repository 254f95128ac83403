// Loads checkpoint folders, one a line of standard input, and says how that ended, one JSON line for each:
//   {} or {"error": code, "message"}

#include <lmm/lmm.hpp>

#include <nlohmann/json.hpp>

#include <iostream>
#include <string>

int main() {
  for (std::string folder; std::getline(std::cin, folder);) {
    nlohmann::ordered_json out = nlohmann::ordered_json::object();
    try {
      static_cast<void>(lmm::Model::load(folder, {.threads = 1}));
    } catch (const lmm::Error& error) {
      out = {{"error", lmm::error_name(error.code())}, {"message", error.what()}};
    }
    std::cout << out.dump(-1, ' ', true, nlohmann::ordered_json::error_handler_t::replace) << '\n' << std::flush;
  }
}
