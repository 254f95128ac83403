#include "lib/session/live_transcript.hpp"

#include "lib/core/error.hpp"
#include "lib/core/no_waiting.hpp"
#include "lib/media/sound.hpp"
#include "lib/session/conversation.hpp"

#include <lmm/session.hpp>

#include <algorithm>
#include <utility>

namespace lmm {
namespace session {

LiveTranscript::LiveTranscript(std::shared_ptr<Conversation> transcriber, ListenOptions options)
    : transcriber_(std::move(transcriber)), options_(std::move(options)), utterances_(options_) {}

LiveTranscript::~LiveTranscript() { abandon(); }

void LiveTranscript::push(const SampleView& samples) {
  if (finished_) fail(ErrorCode::invalid_argument, "the listener was told that no more sound comes");
  if (rate_ != 0 && (samples.rate != rate_ || samples.channels != channels_)) {
    fail(ErrorCode::invalid_argument, "sound of {} samples a second in {} channels, expected {} in {} as in the first piece",
         samples.rate, samples.channels, rate_, channels_);
  }
  if (samples.size == 0) return;
  const Audio audio = Audio::from_samples(samples);
  rate_ = samples.rate;
  channels_ = samples.channels;
  std::vector<float> mono(static_cast<std::size_t>(audio.sound()->frames));
  mono.resize(audio.sound()->read(rate_)->read(mono));
  utterances_.push(mono, rate_);
  begin_next();
}

void LiveTranscript::finish() {
  if (finished_) return;
  finished_ = true;
  utterances_.finish();
  begin_next();
}

std::vector<Utterance> LiveTranscript::poll() {
  std::vector<Utterance> out;
  collect(out);
  begin_next();
  return out;
}

std::vector<Utterance> LiveTranscript::wait(std::chrono::microseconds most) {
  constexpr std::chrono::microseconds kLongest = std::chrono::hours(24);  // a deadline that the clock can tell
  const auto until = std::chrono::steady_clock::now() + std::min(most, kLongest);
  std::vector<Utterance> out = poll();
  while (out.empty() && job_ != nullptr) {
    {
      std::unique_lock lock(job_->mutex);
      if (!job_->changed.wait_until(lock, until, [&] { return job_->ended; })) break;
    }
    out = poll();
  }
  return out;
}

bool LiveTranscript::done() const noexcept {
  return finished_ && job_ == nullptr && utterances_.ended.empty() && !utterances_.open;
}

double LiveTranscript::waiting() const noexcept {
  double seconds = job_ != nullptr && heard_.is_final ? heard_.end - heard_.begin : 0.0;
  for (const SpokenPiece& piece : utterances_.ended) seconds += piece.end() - piece.begin;
  return seconds;
}

/// Takes the text of a job that has ended.
void LiveTranscript::collect(std::vector<Utterance>& out) {
  if (job_ == nullptr || !job_->finished()) return;
  const std::shared_ptr<Job> job = std::exchange(job_, nullptr);
  if (job->error != nullptr) {
    finished_ = true;
    utterances_.ended.clear();
    utterances_.open.reset();
    std::rethrow_exception(job->error);
  }
  heard_.text = std::move(job->reply.text);
  heard_.segments = std::move(job->reply.segments);
  for (Segment& segment : heard_.segments) {
    segment.begin += heard_.begin;
    segment.end += heard_.begin;
    for (Word& word : segment.words) {
      word.begin += heard_.begin;
      word.end += heard_.begin;
    }
  }
  // A sound that never was speech is nothing to tell of.
  if (heard_.text.empty() && told_index_ != heard_.index) return;
  if (!heard_.is_final) told_index_ = heard_.index;
  out.push_back(std::move(heard_));
}

void LiveTranscript::begin_next() {
  auto& ended = utterances_.ended;
  if (!ended.empty()) {
    if (job_ != nullptr && heard_.is_final) return;
    abandon();  // a partial text that nobody needs any more
    const SpokenPiece piece = std::move(ended.front());
    ended.pop_front();
    begin(piece, true);
    return;
  }
  if (job_ != nullptr || !utterances_.open || options_.partial_after == 0.0) return;
  const SpokenPiece& open = *utterances_.open;
  const std::size_t before = heard_.index == open.index ? told_samples_ : 0;
  if (static_cast<double>(open.samples.size() - before) < options_.partial_after * media::VoiceActivity::kRate) return;
  begin(open, false);
}

void LiveTranscript::begin(const SpokenPiece& piece, bool is_final) {
  heard_ = {piece.index, is_final, piece.begin, piece.end(), {}, {}};
  told_samples_ = piece.samples.size();
  GenerateOptions options;
  options.speech = options_.speech;
  options.raw = true;
  const SampleView view{piece.samples.data(), piece.samples.size() * sizeof(float), media::VoiceActivity::kRate, 1};
  job_ = transcriber_->start(Message({Audio::from_samples(view)}), std::move(options));
}

void LiveTranscript::abandon() noexcept {
  if (job_ != nullptr) std::exchange(job_, nullptr)->cancel();
}

}  // namespace session

inline namespace v0 {
namespace {

session::LiveTranscript& alive(const std::unique_ptr<session::LiveTranscript>& live) {
  if (live == nullptr) fail(ErrorCode::invalid_argument, "the listener was moved from and is empty");
  return *live;
}

}  // namespace

Listener::Listener(std::unique_ptr<session::LiveTranscript> live) : live_(std::move(live)) {}
Listener::Listener(Listener&&) noexcept = default;
Listener& Listener::operator=(Listener&&) noexcept = default;
Listener::~Listener() = default;

void Listener::push(const SampleView& samples) { alive(live_).push(samples); }
void Listener::finish() { alive(live_).finish(); }
std::vector<Utterance> Listener::poll() { return alive(live_).poll(); }
std::vector<Utterance> Listener::wait(std::chrono::microseconds most) {
  if (most.count() > 0) check_may_wait("wait");
  return alive(live_).wait(most);
}
bool Listener::done() const noexcept { return live_ == nullptr || live_->done(); }
double Listener::waiting() const noexcept { return live_ == nullptr ? 0.0 : live_->waiting(); }

}  // namespace v0
}  // namespace lmm
