#include "tests/capi/support.hpp"

using namespace capi_test;

TEST_CASE("version") {
  CHECK(std::string(lmm_version()) == std::to_string(LMM_H_VERSION_MAJOR) + "." + std::to_string(LMM_H_VERSION_MINOR) +
                                          "." + std::to_string(LMM_H_VERSION_PATCH));
  CHECK(lmm_version_number() == LMM_H_VERSION_MAJOR * 1000000u + LMM_H_VERSION_MINOR * 1000u + LMM_H_VERSION_PATCH);
}

TEST_CASE("features") {
  std::size_t count = 0;
  while (const char* name = lmm_feature(count)) {
    CHECK(lmm_has_feature(name));
    ++count;
  }
  CHECK(count > 5);
  CHECK(lmm_feature(count + 1) == nullptr);
  CHECK(lmm_feature(SIZE_MAX) == nullptr);
  for (const char* name : {"family:idefics3", "picture:png", "device:cpu", "step"}) CHECK(lmm_has_feature(name));
  CHECK(!lmm_has_feature("family:"));
  CHECK(!lmm_has_feature(nullptr));
}

TEST_CASE("names") {
  const char* codes[] = {"ok",          "invalid_argument", "not_found",        "io",        "bad_file",
                         "unsupported", "out_of_memory",    "context_overflow", "cancelled", "busy",
                         "no_device",   "bad_template",     "internal"};
  for (lmm_code code = LMM_OK; code <= LMM_ERROR_INTERNAL; ++code)
    CHECK(std::string(lmm_code_name(code)) == codes[code]);
  CHECK(std::string(lmm_code_name(13)) == "unknown");
  CHECK(std::string(lmm_code_name(-1)) == "unknown");
  CHECK(std::string(lmm_dtype_name(LMM_DTYPE_AUTO)) == "auto");
  CHECK(std::string(lmm_dtype_name(LMM_DTYPE_BF16)) == "bf16");
  CHECK(std::string(lmm_dtype_name(99)) == "unknown");
  CHECK(std::string(lmm_finish_reason_name(LMM_FINISH_EOS)) == "eos");
  CHECK(std::string(lmm_finish_reason_name(LMM_FINISH_CANCELLED)) == "cancelled");
  CHECK(std::string(lmm_finish_reason_name(-5)) == "unknown");
}
