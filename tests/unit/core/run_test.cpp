#include "lib/core/run.hpp"

#include <doctest/doctest.h>

#include <string>
#include <thread>
#include <vector>

using lmm::glob_match;
using lmm::Run;

TEST_CASE("globs") {
  CHECK(glob_match("*", ""));
  CHECK(glob_match("*", "vision.layer.0"));
  CHECK(glob_match("vision.*", "vision.layer.0"));
  CHECK(!glob_match("vision.*", "text.vision.layer"));
  CHECK(glob_match("*.attn_out", "text.layer.3.attn_out"));
  CHECK(!glob_match("*.attn_out", "text.layer.3.attn_out2"));
  CHECK(glob_match("text.layer.?", "text.layer.3"));
  CHECK(!glob_match("text.layer.?", "text.layer.13"));
  CHECK(!glob_match("text.layer.?", "text.layer."));
  CHECK(glob_match("a*b*c", "aXbYbZc"));
  CHECK(!glob_match("a*b*c", "aXcYb"));
  CHECK(glob_match("**a**", "bab"));
  CHECK(!glob_match("", "a"));
  CHECK(glob_match("", ""));
  CHECK(!glob_match("a", ""));
  CHECK(!glob_match("a.c", "abc"));
  std::string stars;  // no exponential time
  for (int i = 0; i < 500; ++i) stars += "*a";
  CHECK(!glob_match(stars + "b", std::string(5000, 'a')));
}

TEST_CASE("cancelling from another thread") {
  Run run;
  run.checkpoint();
  CHECK(!run.cancelled());
  std::thread([&] { run.cancel(); }).join();
  CHECK(run.cancelled());
  try {
    run.checkpoint();
    FAIL("not cancelled");
  } catch (const lmm::Error& error) {
    CHECK(error.code() == lmm::ErrorCode::cancelled);
  }
}

TEST_CASE("progress by stage") {
  Run run;
  CHECK(run.progress().total == 0);
  run.begin("encode", 10);
  run.advance(3);
  run.advance(4);
  CHECK(run.progress().stage == "encode");
  CHECK(run.progress().done == 7);
  CHECK(run.progress().total == 10);
  run.begin("prefill", 5);
  CHECK(run.progress().stage == "prefill");
  CHECK(run.progress().done == 0);
}

TEST_CASE("taps go to whoever asked for them") {
  Run run;
  CHECK(!run.observed());
  CHECK(!run.wants("logits"));
  std::vector<std::string> seen;
  run.observe("text.*", [&](const lmm::Tap& tap) { return seen.emplace_back(tap.name), true; });
  CHECK(run.observed());
  CHECK(run.wants("text.norm"));
  CHECK(!run.wants("logits"));
  run.emit({"text.norm", {1}, nullptr});
  CHECK(seen == std::vector<std::string>{"text.norm"});
}
