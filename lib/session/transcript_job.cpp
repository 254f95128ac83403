#include "lib/session/transcript_job.hpp"

#include "lib/core/error.hpp"
#include "lib/session/conversation.hpp"

namespace lmm::session {

void TranscriptJob::begin() {
  const std::vector<Part>& parts = question_.message.parts;
  const auto* audio = parts.size() == 1 ? std::get_if<Audio>(&parts.front()) : nullptr;
  const Engine& engine = *conversation().engine();
  if (audio == nullptr) {
    fail(ErrorCode::invalid_argument,
         "the message has {}, but {} (family \"{}\") only writes down recordings: expected one recording and nothing else (text that "
         "goes before it is the speech option prompt)",
         parts.size() == 1 ? "no recording" : fmt::format("{} parts", parts.size()), engine.info.folder, engine.info.family);
  }
  transcription_ = engine.family->transcriber()->transcribe(audio->sound(), question_.options, engine.text->tokenizer);
}

bool TranscriptJob::advance() {
  const auto start = Clock::now();
  if (transcription_ == nullptr) begin();
  const std::size_t before = draft_.segments.size();
  const bool more = transcription_->step(draft_.segments, run);
  for (std::size_t i = before; i < draft_.segments.size(); ++i) emit(draft_.segments[i].text);
  draft_.timings.decode += seconds_since(start);
  if (!more) finish(FinishReason::eos);
  return more;
}

FinishReason TranscriptJob::complete(FinishReason reason) {
  draft_.usage.new_tokens = transcription_->new_tokens();
  draft_.timings.encode = transcription_->encode_seconds;
  draft_.timings.decode -= draft_.timings.encode;
  return reason;
}

}  // namespace lmm::session
