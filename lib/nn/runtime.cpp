#include "lib/nn/runtime.hpp"

#include "lib/core/error.hpp"
#include "lib/core/run.hpp"

#include <ATen/ATen.h>
#include <ATen/Context.h>
#include <ATen/DeviceAccelerator.h>
#include <ATen/Parallel.h>
#include <c10/core/InferenceMode.h>
#include <cxxabi.h>
#include <dlfcn.h>
#include <omp.h>

#include <algorithm>
#include <cfenv>
#include <new>
#include <stdexcept>
#include <string_view>

namespace lmm::nn {
namespace {

/// For hosts that unload liblmm.so. The calling thread may outlive all handles of its model, when these are freed in the
/// middle of an answer: a destructor that it has still to run keeps the library where it is. libtorch and its OpenMP
/// runtime have threads and thread-local objects of their own: they stay until the process ends.
void stay_loaded() {
  static char part_of_library = 0;
  abi::__cxa_thread_atexit([](void*) {}, nullptr, &part_of_library);
  if (void* torch = ::dlopen("libtorch_cpu.so", RTLD_LAZY | RTLD_NOLOAD | RTLD_NODELETE)) ::dlclose(torch);
}

/// Calls what torch takes from MKL's vector functions once, on this thread alone. Where the first calls of a process came
/// from several threads at once, one of them now and then got cosines and sines that were off by 2e-4.
void set_up_vector_functions() {
  using Function = at::Tensor (*)(const at::Tensor&);
  constexpr Function kFunctions[] = {at::cos, at::sin, at::exp, at::log, at::tanh, at::erf, at::sqrt};
  const at::Tensor some = at::ones({16});
  for (const Function function : kFunctions) function(some);
}

}  // namespace

std::shared_ptr<void> enter_inference(int threads) {
  stay_loaded();
  std::fesetenv(FE_DFL_ENV);  // threads inherit it: a host may flush denormals, or round otherwise
  // OpenMP keeps the number of threads per calling thread, so the host's own torch code is left alone. torch sets it on
  // a thread's first parallel region: let it do so before.
  at::init_num_threads();
  ::omp_set_num_threads(threads);
  auto mode = std::make_shared<c10::InferenceMode>();
  set_up_vector_functions();
  return mode;
}

at::Device find_device(const std::string& name) {
  if (name == "cpu") return at::kCPU;
  const bool cuda = name == "cuda" || name.starts_with("cuda:");
  if (!cuda) fail(ErrorCode::invalid_argument, "device is \"{}\", expected \"cpu\", \"cuda\" or \"cuda:N\"", name);
  try {
    const at::Device device(name);
    const auto count = at::globalContext().hasCUDA() ? at::accelerator::deviceCount() : 0;
    const int index = device.has_index() ? device.index() : 0;
    if (count == 0) fail(ErrorCode::no_device, "device \"{}\": the libtorch in use sees no CUDA device; \"cpu\" is there", name);
    if (index >= count) fail(ErrorCode::no_device, "device \"{}\": there are {} CUDA devices, 0 to {}", name, count, count - 1);
    return device;
  } catch (const c10::Error&) {
    fail(ErrorCode::invalid_argument, "device is \"{}\", expected \"cpu\", \"cuda\" or \"cuda:N\"", name);
  }
}

at::ScalarType compute_type(DType asked, DType stored, const at::Device& device) {
  const bool bf16 = asked == DType::bf16 || (asked == DType::automatic && stored == DType::bf16);
  if (asked == DType::fp16) {
    if (device.is_cpu()) fail(ErrorCode::unsupported, "dtype fp16 on the CPU: use fp32 (exact for fp16 weights) or bf16");
    return at::kHalf;
  }
  return bf16 ? at::kBFloat16 : at::kFloat;
}

void rethrow_as_error() {
  try {
    throw;
  } catch (const Error&) {
    throw;
  } catch (const HostException&) {
    throw;
  } catch (const std::bad_alloc&) {
    fail(ErrorCode::out_of_memory, "out of memory");
  } catch (const c10::OutOfMemoryError& error) {
    fail(ErrorCode::out_of_memory, "out of memory on the device: {}",
         std::string_view(error.what_without_backtrace()).substr(0, 200));
  } catch (const c10::Error& error) {
    std::string text = error.what_without_backtrace();
    std::replace(text.begin(), text.end(), '\n', ' ');
    // torch's CPU allocator has no exception type of its own.
    const bool memory = text.find("can't allocate memory") != std::string::npos;
    fail(memory ? ErrorCode::out_of_memory : ErrorCode::internal, "torch: {}", text.substr(0, 400));
  } catch (const std::exception& error) {
    fail(ErrorCode::internal, "{}", error.what());
  } catch (...) {
    fail(ErrorCode::internal, "an exception of unknown type");
  }
}

}  // namespace lmm::nn
