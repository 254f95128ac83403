// Reads paths of safetensors files, one a line, and says of each what lmm makes of it, as a JSON line:
// {"tensors": {name: [dtype, shape, first byte of data in the file, bytes]}} or {"error": code, "message"}.

#include "lib/core/error.hpp"
#include "lib/core/file.hpp"
#include "lib/core/json.hpp"
#include "lib/weights/safetensors.hpp"

#include <iostream>
#include <string>

namespace {

lmm::Json describe(const std::string& path) {
  lmm::Json tensors = lmm::Json::object();
  for (const lmm::weights::TensorView& view : lmm::weights::open_safetensors(path)) {
    tensors[view.name] = {lmm::weights::scalar_type_name(view.dtype), view.shape, view.data - view.file->bytes().data(),
                          view.bytes};
  }
  return {{"tensors", tensors}};
}

}  // namespace

int main() {
  for (std::string path; std::getline(std::cin, path);) {
    lmm::Json out;
    try {
      out = describe(path);
    } catch (const lmm::Error& error) {
      out = {{"error", lmm::error_name(error.code())}, {"message", error.what()}};
    }
    std::cout << out.dump() << std::endl;
  }
  return 0;
}
