#pragma once

#include "lib/generate/sampler.hpp"
#include "lib/generate/stop.hpp"
#include "lib/session/job.hpp"
#include "lib/session/prompt.hpp"

#include <optional>
#include <vector>

namespace lmm::session {

/// An answer of a language model: recordings it cannot hear are written down first, then prompt, pictures and prefill,
/// then a token a step.
class AnswerJob final : public Job {
 public:
  AnswerJob(std::shared_ptr<Conversation> conversation, std::shared_ptr<Job> before, Question question);

 private:
  bool advance() override;
  FinishReason complete(FinishReason reason) override;
  bool begun() const override { return !draft_.token_ids.empty(); }

  bool transcribe_next();
  void prepare();
  void resolve_settings();
  void encode_media(std::int64_t reused);
  void forward();
  bool decode_step();
  void find_regions();

  std::int64_t context_ = 0;
  std::shared_ptr<Job> transcript_;  ///< of *recording_
  Part* recording_ = nullptr;  ///< that is being written down
  bool of_history_ = false;    ///< not of the question
  Prompt prompt_;
  std::optional<generate::Sampler> sampler_;
  std::optional<tokenizer::StreamDecoder> decoder_;
  std::optional<generate::StopMatcher> stop_;
  std::vector<std::int32_t> stop_ids_;  ///< special tokens that are stop texts
  std::vector<float> logits_;
  bool prepared_ = false;
};

}  // namespace lmm::session
