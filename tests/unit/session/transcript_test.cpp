// Sessions of models that write down speech, and such models as ears of others. No weights: fakes that "hear" a word a
// window.

#include "lib/session/conversation.hpp"
#include "lib/session/job.hpp"
#include "tests/unit/session/fake_engine.hpp"
#include "tests/unit/session/fake_whisper.hpp"

#include <lmm/session.hpp>

#include <doctest/doctest.h>

#include <chrono>
#include <string>
#include <thread>
#include <vector>

using namespace lmm;
using test::code_of;
using test::fake_whisper;
using namespace std::chrono_literals;

namespace {

Model fake_reader() { return Model(test::fake_engine(std::make_shared<test::FakeFamily>())); }

Audio recording(int seconds) {
  const std::vector<float> samples(static_cast<std::size_t>(seconds) * 1000, 0.25f);
  return Audio::from_samples({samples.data(), samples.size() * sizeof(float), 1000, 1});
}

}  // namespace

TEST_CASE("a session of a model that transcribes gives the text piece by piece, with its segments") {
  Session session(fake_whisper());
  std::string text;
  const Reply reply = session.ask({recording(3)}, {}, [&](std::string_view piece) { return text += piece, true; });
  CHECK(reply.text == " one two three");
  CHECK(text == reply.text);
  REQUIRE(reply.segments.size() == 3);
  CHECK(reply.segments[2].begin == 2.0);
  CHECK(reply.usage.new_tokens == 3);
  CHECK(session.history().size() == 2);
}

TEST_CASE("it takes one recording and nothing else") {
  Session session(fake_whisper());
  CHECK(code_of([&] { session.ask("what was said?"); }) == ErrorCode::invalid_argument);
  CHECK(code_of([&] { session.ask({recording(1), "and?"}); }) == ErrorCode::invalid_argument);
  CHECK(code_of([&] { session.ask({recording(1), recording(1)}); }) == ErrorCode::invalid_argument);
  CHECK(session.history().empty());
}

TEST_CASE("stopped by its piece, a transcript keeps what was heard") {
  Session session(fake_whisper(2ms));
  const Reply reply = session.ask({recording(1000)}, {}, [](std::string_view) { return false; });
  CHECK(reply.finish_reason == FinishReason::cancelled);
  CHECK(!reply.segments.empty());
  CHECK(reply.segments.size() < 1000);
}

TEST_CASE("a model that does not hear says so, and is helped by a transcriber") {
  Session deaf(fake_reader());
  CHECK(code_of([&] { deaf.ask({recording(1), "what was said?"}); }) == ErrorCode::unsupported);

  Session session(fake_reader(), {.transcriber = fake_whisper()});
  const Reply reply = session.ask({recording(2), " is what was said", recording(1)});
  REQUIRE(reply.segments.size() == 3);
  CHECK(reply.segments[2].text == " one");
  const std::vector<Turn> turns = session.history();
  REQUIRE(turns.size() == 2);
  REQUIRE(turns[0].message.parts.size() == 3);
  CHECK(std::get<std::string>(turns[0].message.parts[0]) == " one two");
  CHECK(std::get<std::string>(turns[0].message.parts[2]) == " one");

  // The same as the text itself.
  Session reader(fake_reader());
  CHECK(reader.ask({" one two", " is what was said", " one"}).text == reply.text);
}

TEST_CASE("recordings of a history that is set are written down, too, and once") {
  Session session(fake_reader(), {.transcriber = fake_whisper()});
  session.set_history({{"user", {"hear this: ", recording(2)}}, {"assistant", {"yes"}}});
  const Reply reply = session.ask({"and ", recording(1)});
  CHECK(reply.segments.size() == 1);  // of the question
  const std::vector<Turn> turns = session.history();
  REQUIRE(turns.size() == 4);
  CHECK(std::get<std::string>(turns[0].message.parts[1]) == " one two");
  CHECK(std::get<std::string>(turns[2].message.parts[1]) == " one");
}

TEST_CASE("what nothing hears takes no options of speech, and what does has them and the seed") {
  GenerateOptions options;
  options.speech.beams = 5;
  Session deaf(fake_reader());
  CHECK(code_of([&] { deaf.ask("what was said?", options); }) == ErrorCode::unsupported);
  CHECK(code_of([&] { deaf.start("what was said?", options); }) == ErrorCode::unsupported);

  Session session(fake_reader(), {.transcriber = fake_whisper()});
  options.speech.prompt = "seeded";  // to the fake: tell the seed
  options.seed = 7;
  CHECK(session.ask({recording(1)}, options).segments.at(0).text == " 7");
}

TEST_CASE("what the transcriber refuses leaves the session as it was") {
  Session session(fake_reader(), {.transcriber = fake_whisper()});
  GenerateOptions options;
  options.speech.language = "xx";
  CHECK(code_of([&] { session.ask({recording(1)}, options); }) == ErrorCode::invalid_argument);
  CHECK(session.history().empty());
  CHECK(session.ask({recording(1)}).segments.size() == 1);
}

TEST_CASE("cancelled while it listens, a reply ends at once") {
  Session session(fake_reader(), {.transcriber = fake_whisper(10s)});
  Pending pending = session.start({recording(5)});
  std::this_thread::sleep_for(5ms);
  const auto start = std::chrono::steady_clock::now();
  pending.cancel();
  CHECK(code_of([&] { pending.get(); }) == ErrorCode::cancelled);
  CHECK(std::chrono::steady_clock::now() - start < 5s);
  CHECK(session.ask("and now?").text.size() > 0);
}

TEST_CASE("started paused, nothing is heard before it is stepped to its end") {
  Session session(fake_reader(), {.transcriber = fake_whisper(1ms)});
  Pending pending = session.start({recording(3), "?"}, {.paused = true});
  std::this_thread::sleep_for(20ms);
  CHECK(pending.poll() == Pending::State::running);
  int steps = 0;
  while (pending.step(1ms) == Pending::State::running) REQUIRE(++steps < 10'000);
  CHECK(steps > 1);
  CHECK(pending.get().segments.size() == 3);
}

TEST_CASE("a transcriber has to write down speech, and a model that hears takes none") {
  CHECK(code_of([] { Session(fake_reader(), {.transcriber = fake_reader()}); }) == ErrorCode::invalid_argument);
  CHECK(code_of([] { Session(fake_whisper(), {.transcriber = fake_whisper()}); }) == ErrorCode::invalid_argument);
}
