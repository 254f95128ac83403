// Computes with libtorch before, beside and after lmm: neither the results nor the settings of this thread may change.
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <c10/core/GradMode.h>
#include <lmm/lmm.hpp>

#include <cstdlib>
#include <iostream>
#include <vector>

namespace {

constexpr int kThreads = 1;

void require(bool condition, const char* what) {
  if (condition) return;
  std::cerr << "error: " << what << '\n';
  std::exit(1);
}

// fp32 results of what lmm, too, is made of, and a gradient.
std::vector<at::Tensor> compute() {
  at::Generator generator = at::globalContext().defaultGenerator(at::kCPU);
  generator.set_current_seed(7);
  at::Tensor a = at::randn({96, 257}, generator);
  at::Tensor b = at::randn({257, 130}, generator);
  at::Tensor picture = at::randn({1, 3, 40, 40}, generator);
  at::Tensor filters = at::randn({16, 3, 5, 5}, generator);
  at::Tensor leaf = a.clone().requires_grad_();
  at::Tensor loss = at::matmul(leaf, b).tanh().pow(2).sum();
  loss.backward();
  return {at::matmul(a, b), at::conv2d(picture, filters), at::softmax(a, 1), at::gelu(b), loss.detach(), leaf.grad()};
}

void require_same(const std::vector<at::Tensor>& expected, const std::vector<at::Tensor>& actual, const char* when) {
  for (std::size_t i = 0; i < expected.size(); ++i) require(at::equal(expected[i], actual[i]), when);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  at::set_num_threads(kThreads);
  const auto precision = at::globalContext().float32MatmulPrecision();
  const std::vector<at::Tensor> before = compute();
  try {
    const lmm::Model model = lmm::Model::load(argv[1], {.threads = 2});
    lmm::Session session(model);
    lmm::Pending pending = session.start({lmm::Image::open(argv[2]), "Name the object."});
    do {
      require_same(before, compute(), "torch computes otherwise beside lmm");
    } while (pending.poll() == lmm::Pending::State::running);
    std::cout << pending.get().text << '\n';
    require(at::get_num_threads() == kThreads, "lmm changed torch's number of threads");
  } catch (const lmm::Error& error) {
    std::cerr << "error: " << error.what() << '\n';
    return 1;
  }
  require_same(before, compute(), "torch computes otherwise after lmm");
  require(at::get_num_threads() == kThreads, "lmm left torch another number of threads");
  require(at::globalContext().float32MatmulPrecision() == precision, "lmm left torch another precision");
  require(c10::GradMode::is_enabled(), "lmm left torch without gradients");
  require(at::get_default_dtype() == caffe2::TypeMeta::Make<float>(), "lmm left torch another default type");
}
