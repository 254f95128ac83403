// Positions of tokens on three axes, as lmm::models::place gives them. Reads JSON lines, a list of spans each:
//   {"text": n}, {"rows": n} without a grid, or {"time", "height", "width", "interval", "unit", "last_place": bool}
// and writes for each line {"positions": [[t, h, w], ...], "next": n}.

#include "lib/core/json.hpp"
#include "lib/models/family.hpp"

#include <cstddef>
#include <iostream>
#include <string>

int main() {
  using lmm::models::Grid;
  for (std::string line; std::getline(std::cin, line);) {
    lmm::models::Sequence sequence;
    for (const lmm::Json& part : lmm::Json::parse(line)) {
      const auto position = static_cast<std::int64_t>(sequence.ids.size());
      std::int64_t count = part.value("text", std::int64_t{0});
      if (!part.contains("text")) {
        Grid grid;
        count = part.value("rows", std::int64_t{0});
        if (part.contains("time")) {
          grid = {part["time"].get<std::int64_t>(), part["height"].get<std::int64_t>(), part["width"].get<std::int64_t>(),
                  part["interval"].get<double>(), part["unit"].get<double>(),
                  part["last_place"].get<bool>() ? Grid::End::last_place : Grid::End::longer_side};
          count = grid.rows();
        }
        sequence.spans.push_back({position, count, 0, sequence.spans.size(), grid});
      }
      sequence.ids.resize(sequence.ids.size() + static_cast<std::size_t>(count), 7);
    }
    lmm::models::place(sequence);
    lmm::Json out = {{"positions", lmm::Json::array()}, {"next", sequence.next_position}};
    for (const auto& position : sequence.positions) out["positions"].push_back({position[0], position[1], position[2]});
    std::cout << out.dump() << '\n' << std::flush;
  }
}
