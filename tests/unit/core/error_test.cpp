#include "lib/core/error.hpp"
#include "lib/core/checked.hpp"

#include <lmm/options.hpp>
#include <lmm/reply.hpp>
#include <lmm/version.hpp>

#include <doctest/doctest.h>

#include <set>
#include <string>

using lmm::Error;
using lmm::ErrorCode;

TEST_CASE("every code has a name of its own, and the numbers are frozen") {
  const std::pair<int, const char*> kCodes[] = {{1, "invalid_argument"}, {2, "not_found"},     {3, "io"},
                                                {4, "bad_file"},         {5, "unsupported"},   {6, "out_of_memory"},
                                                {7, "context_overflow"}, {8, "cancelled"},     {9, "busy"},
                                                {10, "no_device"},       {11, "bad_template"}, {12, "internal"}};
  for (const auto& [number, name] : kCodes) CHECK(std::string(lmm::error_name(static_cast<ErrorCode>(number))) == name);
  CHECK(std::string(lmm::error_name(static_cast<ErrorCode>(0))) == "unknown");
  CHECK(std::string(lmm::error_name(static_cast<ErrorCode>(13))) == "unknown");
}

TEST_CASE("names of types and reasons") {
  CHECK(std::string(lmm::dtype_name(lmm::DType::automatic)) == "auto");
  CHECK(std::string(lmm::dtype_name(lmm::DType::fp32)) == "fp32");
  CHECK(std::string(lmm::dtype_name(lmm::DType::bf16)) == "bf16");
  CHECK(std::string(lmm::dtype_name(lmm::DType::fp16)) == "fp16");
  CHECK(std::string(lmm::dtype_name(static_cast<lmm::DType>(9))) == "unknown");
  CHECK(std::string(lmm::finish_reason_name(lmm::FinishReason::eos)) == "eos");
  CHECK(std::string(lmm::finish_reason_name(lmm::FinishReason::stop)) == "stop");
  CHECK(std::string(lmm::finish_reason_name(lmm::FinishReason::length)) == "length");
  CHECK(std::string(lmm::finish_reason_name(lmm::FinishReason::cancelled)) == "cancelled");
  CHECK(std::string(lmm::finish_reason_name(static_cast<lmm::FinishReason>(9))) == "unknown");
}

TEST_CASE("the version is that of the header") {
  CHECK(std::string(lmm::version()) ==
        fmt::format("{}.{}.{}", LMM_VERSION_MAJOR, LMM_VERSION_MINOR, LMM_VERSION_PATCH));
}

TEST_CASE("fail throws an Error with code and text") {
  try {
    lmm::fail(ErrorCode::busy, "{} of {}", 3, "four");
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::busy);
    CHECK(std::string(error.what()) == "3 of four");
    return;
  }
  FAIL("nothing was thrown");
}

TEST_CASE("checked arithmetic") {
  CHECK(lmm::checked_mul(0, UINT64_MAX, "x") == 0);
  CHECK(lmm::checked_mul(UINT64_MAX, 1, "x") == UINT64_MAX);
  CHECK(lmm::checked_mul(UINT32_MAX, UINT32_MAX, "x") == 18446744065119617025u);
  CHECK(lmm::checked_add(UINT64_MAX - 1, 1, "x") == UINT64_MAX);
  CHECK_THROWS_WITH_AS(lmm::checked_mul(UINT64_C(1) << 32, UINT64_C(1) << 32, "size of x"),
                       "size of x: 4294967296 x 4294967296 does not fit into 64 bits", Error);
  CHECK_THROWS_WITH_AS(lmm::checked_add(UINT64_MAX, 1, "end of x"),
                       "end of x: 18446744073709551615 + 1 does not fit into 64 bits", Error);
  CHECK_THROWS_AS(lmm::checked_mul(UINT64_MAX, 2, "x"), Error);
}
