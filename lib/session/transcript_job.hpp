#pragma once

#include "lib/models/transcriber.hpp"
#include "lib/session/job.hpp"

#include <memory>

namespace lmm::session {

/// A transcript by a model that writes down speech, a window of the recording a step. The history plays no part in it.
class TranscriptJob final : public Job {
 public:
  using Job::Job;

 private:
  bool advance() override;
  FinishReason complete(FinishReason reason) override;
  bool begun() const override { return !draft_.segments.empty(); }

  void begin();

  std::unique_ptr<models::Transcription> transcription_;
};

}  // namespace lmm::session
