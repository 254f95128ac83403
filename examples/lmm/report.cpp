#include "report.hpp"

#include "terminal.hpp"

namespace command {

namespace {

Json to_json(const lmm::Segment& segment) {
  Json words = Json::array();
  for (const lmm::Word& word : segment.words) {
    words.push_back({{"text", word.text}, {"begin", word.begin}, {"end", word.end}, {"probability", word.probability}});
  }
  return {
      {"begin", segment.begin},
      {"end", segment.end},
      {"text", segment.text},
      {"language", segment.language},
      {"words", words},
      {"mean_log_probability", segment.mean_log_probability},
      {"no_speech_probability", segment.no_speech_probability},
      {"temperature", segment.temperature},
  };
}

}  // namespace

Json to_json(const lmm::Reply& reply) {
  const lmm::Usage& usage = reply.usage;
  const lmm::Timings& timings = reply.timings;
  Json boxes = Json::array();
  for (const lmm::Box& box : reply.boxes) {
    boxes.push_back({{"box", {box.x0, box.y0, box.x1, box.y1}}, {"label", box.label}, {"image", box.image}});
  }
  Json points = Json::array();
  for (const lmm::Point& point : reply.points) {
    points.push_back({{"point", {point.x, point.y}}, {"label", point.label}, {"image", point.image}});
  }
  Json segments = Json::array();
  for (const lmm::Segment& segment : reply.segments) segments.push_back(to_json(segment));
  return {
      {"text", reply.text},
      {"token_ids", reply.token_ids},
      {"finish_reason", lmm::finish_reason_name(reply.finish_reason)},
      {"boxes", boxes},
      {"points", points},
      {"segments", segments},
      {"usage",
       {{"prompt_tokens", usage.prompt_tokens},
        {"image_tokens", usage.image_tokens},
        {"audio_tokens", usage.audio_tokens},
        {"image_tiles", usage.image_tiles},
        {"reused_tokens", usage.reused_tokens},
        {"new_tokens", usage.new_tokens}}},
      {"timings",
       {{"load", timings.load},
        {"preprocess", timings.preprocess},
        {"encode", timings.encode},
        {"prefill", timings.prefill},
        {"decode", timings.decode},
        {"per_token", timings.per_token}}},
  };
}

Json to_json(const lmm::ModelInfo& info) {
  return {
      {"folder", info.folder},
      {"family", info.family},
      {"architecture", info.architecture},
      {"parameters", info.parameters},
      {"weight_bytes", info.weight_bytes},
      {"towers", info.towers},
      {"context_length", info.context_length},
      {"vocab_size", info.vocab_size},
      {"stored_dtype", lmm::dtype_name(info.stored_dtype)},
      {"compute_dtype", lmm::dtype_name(info.compute_dtype)},
      {"sees_images", info.sees_images},
      {"sees_videos", info.sees_videos},
      {"hears", info.hears},
      {"transcribes", info.transcribes},
      {"has_chat_template", info.has_chat_template},
      {"weight_files", info.weight_files},
  };
}

Json to_json(const std::vector<lmm::Token>& tokens) {
  Json ids = Json::array();
  Json pieces = Json::array();
  for (const lmm::Token& token : tokens) {
    ids.push_back(token.id);
    pieces.push_back(token.piece);
  }
  return {{"ids", std::move(ids)}, {"pieces", std::move(pieces)}};
}

namespace {

std::string dump(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

}  // namespace

std::string quoted(const std::string& text) { return dump(text); }

void put_json(const Json& json) { put(dump(json) + '\n'); }

}  // namespace command
