// Asks MODEL about PICTURE.
#include <lmm/lmm.hpp>

#include <iostream>

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  try {
    const lmm::Model model = lmm::Model::load(argv[1]);
    lmm::Session session(model);
    std::cout << session.ask({lmm::Image::open(argv[2]), "Name the object."}).text << '\n';
  } catch (const lmm::Error& error) {
    std::cerr << "error: " << error.what() << '\n';
    return 1;
  }
}
