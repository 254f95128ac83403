// What the host's own functions may do within a reply: throw, stop it, and call what waits for the same worker.

#include "tests/unit/session/fake_engine.hpp"

#include <lmm/session.hpp>

#include <doctest/doctest.h>

#include <atomic>
#include <stdexcept>
#include <string>

using namespace lmm;

namespace {

struct Fixture {
  Model model = Model(test::fake_engine(std::make_shared<test::FakeFamily>()));
  Session session = Session(model);

  Fixture() { session.ask("zero"); }

  GenerateOptions observed(OnTap on_tap) {
    GenerateOptions options;
    options.taps = "fake";
    options.on_tap = std::move(on_tap);
    return options;
  }

  static std::string dump(const Session& session) {
    std::string text;
    for (const Turn& turn : session.history()) text += turn.role + ": " + std::get<std::string>(turn.message.parts.at(0)) + "\n";
    return text;
  }
};

struct HostsOwn : std::runtime_error {
  using std::runtime_error::runtime_error;
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "what on_piece, on_progress or on_tap throws comes out, and no turn is left") {
  const std::string before = dump(session);
  CHECK_THROWS_AS(session.ask("one", {}, [](std::string_view) -> bool { throw HostsOwn("piece"); }), HostsOwn);
  CHECK(dump(session) == before);
  CHECK_THROWS_AS(session.edit_last("one", {}, [](std::string_view) -> bool { throw HostsOwn("piece"); }), HostsOwn);
  CHECK(dump(session) == before);
  int taps = 0;
  const auto throws_at = [&](int count) {
    taps = 0;
    return observed([&, count](const Tap&) -> bool {
      if (++taps == count) throw HostsOwn("tap");
      return true;
    });
  };
  for (const int count : {1, 3}) {
    CHECK_THROWS_WITH_AS(session.ask("one", throws_at(count)), "tap", HostsOwn);
    CHECK(dump(session) == before);
    Pending pending = session.start("one", throws_at(count));
    CHECK_THROWS_AS(pending.get(), HostsOwn);
    CHECK(dump(session) == before);
  }
  CHECK(session.ask("one").finish_reason == FinishReason::eos);
}

TEST_CASE_FIXTURE(Fixture, "nothing is tapped any more once what on_piece threw has come out") {
  for (int i = 0; i < 20; ++i) {
    std::atomic<bool> gone = false;
    std::atomic<int> late = 0;
    const auto options = observed([&](const Tap&) { return late += gone ? 1 : 0, true; });
    CHECK_THROWS_AS(session.ask("one", options, [](std::string_view) -> bool { throw HostsOwn("piece"); }), HostsOwn);
    gone = true;
    session.reset();
    session.ask("two");  // behind it on the worker
    CHECK(late == 0);
  }
}

TEST_CASE_FIXTURE(Fixture, "on_tap ends a reply") {
  int taps = 0;
  const Reply reply = session.ask("one", observed([&](const Tap&) { return ++taps < 3; }));
  CHECK(reply.finish_reason == FinishReason::cancelled);
  CHECK(reply.token_ids.size() == 2);
  CHECK(session.history().size() == 4);
}

TEST_CASE_FIXTURE(Fixture, "what waits for the worker is refused within on_tap, and works outside") {
  Session other(model);
  Pending pending = Session(model).start("two");
  std::string codes;
  const auto code_of = [&](const auto& call) {
    try {
      call();
      codes += "none ";
    } catch (const Error& error) {
      codes += std::string(error_name(error.code())) + " ";
    }
  };
  session.ask("one", observed([&](const Tap&) {
    if (!codes.empty()) return true;
    code_of([&] { other.ask("two"); });
    code_of([&] { other.edit_last("two"); });
    code_of([&] { other.fork(); });
    code_of([&] { pending.get(); });
    code_of([&] { pending.step(std::chrono::microseconds(1)); });
    code_of([&] { Model::load(LMM_POCKET_MODEL); });
    code_of([&] { pending.poll(); });
    return true;
  }));
  CHECK(codes == "busy busy busy busy busy busy none ");
  CHECK(other.ask("two").finish_reason == FinishReason::eos);
}

TEST_CASE_FIXTURE(Fixture, "taps and on_tap belong together") {
  GenerateOptions options;
  options.taps = "*";
  CHECK_THROWS_WITH_AS(session.ask("one", options), "GenerateOptions::taps is given alone, expected taps and on_tap together", Error);
  options.taps = "";
  options.on_tap = [](const Tap&) { return true; };
  CHECK_THROWS_AS(session.ask("one", options), Error);
}
