// What no host can bring about through the interface: exceptions that are a defect of lmm, and those of torch.

#include "capi/handle.hpp"

#include <doctest/doctest.h>

#include <new>
#include <stdexcept>
#include <string>

using namespace lmm;

namespace {

template <typename Body>
std::pair<lmm_code, std::string> outcome(Body body) {
  lmm_error* error = nullptr;
  const lmm_code code = capi::call(capi::default_allocator(), &error, body);
  CHECK(lmm_error_code(error) == code);
  const std::string message = lmm_error_message(error, nullptr);
  lmm_error_free(error);
  return {code, message};
}

}  // namespace

TEST_CASE("an exception that is a defect becomes `internal` with its words") {
  const auto [code, message] = outcome([] { throw std::runtime_error("an odd\nthing"); });
  CHECK(code == LMM_ERROR_INTERNAL);
  CHECK(message == "an odd thing");
  CHECK(outcome([] { throw 42; }).first == LMM_ERROR_INTERNAL);
}

TEST_CASE("every code of the C++ interface has its number here") {
  for (int number = 1; number <= 12; ++number) {
    const auto [code, message] = outcome([&] { throw Error(static_cast<ErrorCode>(number), "x"); });
    CHECK(code == number);
    CHECK(message == "x");
  }
  CHECK(std::string(error_name(static_cast<ErrorCode>(13))) == "unknown");  // a new code: add it to lmm.h and above
}

TEST_CASE("memory that runs out") {
  CHECK(outcome([] { throw std::bad_alloc(); }) ==
        std::pair<lmm_code, std::string>(LMM_ERROR_OUT_OF_MEMORY, "out of memory"));
}

TEST_CASE("a very long message is cut, between characters") {
  std::string what;
  for (int i = 0; i < 10000; ++i) what += "\xC3\xBC";
  const auto [code, message] = outcome([&] { throw Error(ErrorCode::bad_file, what); });
  CHECK(code == LMM_ERROR_BAD_FILE);
  CHECK(message.size() <= 4100);
  CHECK(message.starts_with("\xC3\xBC"));
}
