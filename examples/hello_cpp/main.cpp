// Asks a model about a picture, then asks on: hello_cpp MODEL PICTURE

#include <lmm/lmm.hpp>

#include <iostream>

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "usage: hello_cpp MODEL PICTURE\n";
    return 2;
  }
  try {
    const lmm::Model model = lmm::Model::load(argv[1], {.dtype = lmm::DType::fp32});
    lmm::Session session(model);
    const auto print = [](std::string_view piece) { return static_cast<bool>(std::cout << piece << std::flush); };

    session.ask({lmm::Image::open(argv[2]), "Name the object."}, {.max_tokens = 32}, print);
    std::cout << '\n';

    // The same conversation: nothing of the first turn is computed again.
    const lmm::Reply reply = session.ask({"Which mood is this?"}, {.max_tokens = 32}, print);
    std::cout << "\n(" << reply.usage.new_tokens << " new tokens, " << reply.usage.reused_tokens << " reused)\n";
  } catch (const lmm::Error& error) {
    std::cerr << "error: " << error.what() << '\n';
    return 1;
  }
}
