// Whisper over many windows with a model that says what it is told: seeking, falling back, silence, what is remembered.

#include "lib/models/whisper/languages.hpp"
#include "tests/host_locale.hpp"
#include "tests/unit/models/whisper_fakes.hpp"

#include <cmath>

using namespace whisper_fakes;

namespace {

const Line kHalf = {{kTime, kSpace, 0, at_time(0.5), at_time(0.5)}};   // " a" in the first half of a window
const Line kWhole = {{kTime, kSpace, 1, at_time(1.0)}};                // " b", then nothing more

GenerateOptions in(const char* language) {
  GenerateOptions options;
  options.speech.language = language;
  return options;
}

std::string joined(const std::vector<Segment>& segments) {
  std::string out;
  for (const Segment& one : segments) out += one.text;
  return out;
}

}  // namespace

TEST_CASE("each window begins where the last pair of time stamps stands") {
  Room room({{kHalf}, {kHalf}, {kWhole}}, 230, in("en"));
  const std::vector<Segment> segments = room.all();
  CHECK(joined(segments) == " a a b a");
  CHECK(room.windows == 4);
  CHECK(segments[1].begin == 0.5);
  CHECK(segments[2].begin == 1.0);
  CHECK(segments[2].end == 2.0);
  CHECK(segments[3].begin == 2.0);
  CHECK(room.ear->heard[2][0] == 100.0f);
  CHECK(room.ear->prompts[0] == Ids{kStart, kEnglish, kTranscribe});
  CHECK(room.transcription->new_tokens() == 5 + 1 + 5 + 1 + 4 + 1 + 5 + 1);
}

TEST_CASE("the language is heard once, or said") {
  Room heard({{kWhole}}, 200);
  CHECK(heard.all()[0].language == "de");
  CHECK(heard.ear->languages_heard == 1);
  CHECK(heard.ear->prompts[1] == Ids{kStart, kGerman, kTranscribe});
  GenerateOptions options = in("English");
  options.speech.translate = true;
  Room said({{kWhole}}, 100, options);
  CHECK(said.all()[0].language == "en");
  CHECK(said.ear->languages_heard == 0);
  CHECK(said.ear->prompts[0] == Ids{kStart, kEnglish, kTranslate});
}

TEST_CASE("an unlikely text is tried again at the next temperatures") {
  const Line unsure = {kHalf.tokens, 2.0f};
  Room room({{unsure, unsure, kWhole}, {kWhole}}, 200, in("en"));
  const std::vector<Segment> segments = room.all();
  CHECK(room.ear->prompts.size() == 4);
  CHECK(joined(segments) == " b b");
  CHECK(segments[0].temperature == 0.4);
  CHECK(segments[1].temperature == 0);
  CHECK(segments[0].mean_log_probability > -1.0);
}

TEST_CASE("a text that repeats itself is tried again, and the last temperature is final") {
  Line again = {{kTime}};
  for (int i = 0; i < 40; ++i) again.tokens.push_back(i % 2);
  again.tokens.push_back(at_time(1.0));
  GenerateOptions options = in("en");
  options.speech.temperatures = {0.0, 0.5, 1.0};
  Room room({{again}}, 100, options);
  const std::vector<Segment> segments = room.all();
  CHECK(room.ear->prompts.size() == 3);
  REQUIRE(segments.size() == 1);
  CHECK(segments[0].temperature == 1.0);
  options.speech.compression_ratio_threshold = 100.0;
  Room patient({{again}}, 100, options);
  CHECK(patient.all()[0].temperature == 0);
}

TEST_CASE("an unlikely text over likely silence is left out at once") {
  const Line mumbled = {kHalf.tokens, 2.0f, 10.0f};
  Room room({{mumbled}, {kWhole}}, 200, in("en"));
  const std::vector<Segment> segments = room.all();
  CHECK(room.ear->prompts.size() == 2);
  REQUIRE(segments.size() == 1);
  CHECK(segments[0].begin == 1.0);
  CHECK(segments[0].no_speech_probability == doctest::Approx(1.0 / kVocab));
  // A likely text counts, whatever silence is thought of.
  Room loud({{{kWhole.tokens, 20.0f, 10.0f}}}, 100, in("en"));
  CHECK(loud.all()[0].no_speech_probability == doctest::Approx(std::exp(10.0) / (std::exp(10.0) + kVocab - 1)));
}

TEST_CASE("segments without a word are left out") {
  Room room({{{{kTime, kSpace, at_time(1.0)}}}}, 100, in("en"));
  CHECK(room.all().empty());
}

TEST_CASE("what was said before is told to the next window, if it was sure") {
  GenerateOptions options = in("en");
  options.speech.condition_on_previous = true;
  options.speech.temperatures = {0.0, 0.6};
  const Line unsure = {kWhole.tokens, 2.0f};
  Room room({{kHalf}, {unsure, kWhole}, {kWhole}}, 300, options);
  room.all();
  const auto& prompts = room.ear->prompts;
  REQUIRE(prompts.size() == 5);
  CHECK(prompts[0] == Ids{kStart, kEnglish, kTranscribe});
  const Ids after_half = {kPrevious, kTime, kSpace, 0, at_time(0.5), kStart, kEnglish, kTranscribe};  // one of the pair
  CHECK(prompts[1] == after_half);
  CHECK(prompts[2] == after_half);
  CHECK(prompts[3] == Ids{kStart, kEnglish, kTranscribe});  // the window before was heard at 0.6
  CHECK(prompts[4] == Ids{kPrevious, kTime, kSpace, 0, at_time(0.5), kTime, kSpace, 1, at_time(1.0), kTime, kSpace, 1,
                          at_time(1.0), kStart, kEnglish, kTranscribe});
}

TEST_CASE("a prompt goes before every window, or among what was said before") {
  GenerateOptions options = in("en");
  options.speech.prompt = "  abc ";
  Room always({{kWhole}}, 200, options);
  always.all();
  const Ids told = {kPrevious, kSpace, 0, 1, 2, kStart, kEnglish, kTranscribe};
  CHECK(always.ear->prompts[0] == told);
  CHECK(always.ear->prompts[1] == told);
  options.speech.condition_on_previous = true;
  Room once({{kWhole}}, 200, options);
  once.all();
  CHECK(once.ear->prompts[0] == told);
  CHECK(once.ear->prompts[1] ==
        Ids{kPrevious, kSpace, 0, 1, 2, kTime, kSpace, 1, at_time(1.0), kStart, kEnglish, kTranscribe});
  // What spells a special token is text, of which this tokenizer knows the letters alone.
  options.speech.prompt = "<|de|>";
  Room literal({{kWhole}}, 100, options);
  literal.all();
  CHECK(std::count(literal.ear->prompts[0].begin(), literal.ear->prompts[0].end(), kGerman) == 0);
}

TEST_CASE("words have the times of the tokens before and at their end") {
  GenerateOptions options = in("en");
  options.speech.times = SpeechTimes::words;
  Room room({{{{kTime, kSpace, 0, 1, kSpace, 2, kDot, at_time(0.5), at_time(0.5)}}}, {kWhole}}, 150, options);
  const std::vector<Segment> segments = room.all();
  REQUIRE(segments.size() == 2);
  REQUIRE(segments[0].words.size() == 2);
  CHECK(segments[0].words[0].text == " ab");
  CHECK(segments[0].words[0].begin == 0.0);
  CHECK(segments[0].words[0].end == 0.3);
  CHECK(segments[0].words[1].text == " c.");
  CHECK(segments[0].words[1].begin == 0.3);
  CHECK(segments[0].words[1].end == 0.6);
  CHECK(segments[0].words[1].probability > 0.99);
  CHECK(segments[1].words[0].begin == 0.5);
  CHECK(segments[1].words[0].end == 0.7);
  CHECK(room.ear->frames_asked == std::vector<std::int64_t>{150, 100});
}

TEST_CASE("a host's locale, with a comma in numbers and an I of its own, changes no time and no language") {
  const HostLocale german("de_DE", "UTF-8");
  if (!german.set()) {
    MESSAGE("skipped: no locale de_DE.UTF-8, and localedef cannot make it");
    return;
  }
  GenerateOptions options = in("en");
  options.speech.times = SpeechTimes::words;
  Room room({{{{kTime, kSpace, 0, 1, kSpace, 2, kDot, at_time(0.5), at_time(0.5)}}}, {kWhole}}, 150, options);
  CHECK(room.all().at(0).words.at(0).end == 0.3);
  const HostLocale turkish("tr_TR", "ISO-8859-9");
  if (turkish.set()) CHECK(lmm::models::whisper::language_code("ITALIAN") == "it");
}

TEST_CASE("without times one window has no time stamps, several have") {
  GenerateOptions options = in("en");
  options.speech.times = SpeechTimes::none;
  Room one({{{{kSpace + 1 - 1, 0}}}, }, 100, options);
  one.all();
  CHECK(one.ear->prompts[0] == Ids{kStart, kEnglish, kTranscribe, kNoTimes});
  Room several({{kWhole}}, 101, options);
  several.all();
  CHECK(several.ear->prompts[0] == Ids{kStart, kEnglish, kTranscribe});
}

TEST_CASE("beams: the likeliest text wins, not the likeliest first token") {
  GenerateOptions options = in("en");
  options.speech.beams = 4;
  Room room({{kHalf}, {kWhole}}, 150, options);
  CHECK(joined(room.all()) == " a b");
}

TEST_CASE("max_length grows with the prompts, as the reference has it, but not beyond the context") {
  GenerationRules own = rules();
  own.max_length = 4;
  Line endless = {Ids(60, 0)};
  endless.tokens[0] = kTime;
  GenerateOptions options = in("en");
  options.speech.compression_ratio_threshold = 1000.0;
  Room room({{endless}}, 300, options, own);
  const std::vector<Segment> segments = room.all();
  CHECK(segments[0].text.size() == 4 - 1);  // 4 + 3 less the prompt and the time stamp
  CHECK(segments[1].text.size() == 7 - 1);
  CHECK(segments[2].text.size() == 10 - 1);
}

TEST_CASE("cancelling ends a step at once") {
  Room room({{kHalf}}, 1000, in("en"));
  std::vector<Segment> segments;
  CHECK(room.transcription->step(segments, room.run));
  room.run.cancel();
  CHECK(support::caught([&] { room.transcription->step(segments, room.run); }).code == ErrorCode::cancelled);
}

TEST_CASE("ten hours go by") {
  GenerateOptions options = in("en");
  options.speech.condition_on_previous = true;
  constexpr std::int64_t kFrames = 10 * 3600 * 100;
  Room room({{kWhole}}, kFrames, options);
  std::vector<Segment> segments;
  std::size_t longest = 0;
  while (room.transcription->step(segments, room.run)) {
    longest = std::max(longest, room.ear->prompts.back().size());
    room.ear->prompts.clear();
    room.ear->heard.resize(1);
  }
  CHECK(segments.size() == kFrames / 100);
  CHECK(segments.back().end == 36000.0);
  CHECK(longest == 1 + 23 + 3);  // half the context less one, between <|startofprev|> and the rest
}
