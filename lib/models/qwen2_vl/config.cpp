#include "lib/models/qwen2_vl/config.hpp"

#include "lib/core/error.hpp"
#include "lib/models/nested_config.hpp"

namespace lmm::models::qwen2_vl {
namespace {

/// These text models' heads share out the hidden size, whatever head_dim says.
void check_head_dim(const Fields& text, const towers::DecoderDefaults& defaults) {
  const std::int64_t hidden = text.integer_in("hidden_size", 1, 1 << 24, defaults.hidden_size);
  const std::int64_t heads = text.integer_in("num_attention_heads", 1, 65536, defaults.heads);
  const std::int64_t head_dim = text.integer("head_dim", hidden / heads);
  if (head_dim * heads != hidden) {
    fail(ErrorCode::unsupported, "{}: head_dim is {}, hidden_size {} shared by {} heads is what this family has",
         text.where(), head_dim, hidden, heads);
  }
}

std::int64_t placeholder_id(const Fields& fields, const char* name, std::int64_t published, std::int64_t vocab_size) {
  const std::int64_t id = fields.integer(name, published);
  if (id < 0 || id >= vocab_size) {
    fail(ErrorCode::bad_file, "{}: {} is {}, the vocabulary has {} entries", fields.where(), name, id, vocab_size);
  }
  return id;
}

/// "<family>_<part>"; older files name the whole family.
Fields nested(const Fields& fields, const char* name, std::string_view family, std::string_view part) {
  const std::string type = fmt::format("{}_{}", family, part);
  return nested_config(fields, name, {type, family});
}

}  // namespace

Fields text_fields(const Fields& fields, std::string_view family) {
  return fields.has("text_config") ? nested(fields, "text_config", family, "text") : fields;
}

Fields vision_fields(const Fields& fields, std::string_view family) {
  return nested(fields, "vision_config", family, "vision");
}

std::int64_t parse_image_token_id(const Fields& fields, std::int64_t vocab_size) {
  return placeholder_id(fields, "image_token_id", 151655, vocab_size);
}

std::int64_t parse_video_token_id(const Fields& fields, std::int64_t vocab_size) {
  constexpr std::int64_t kVideoPad = 151656;
  if (!fields.has("video_token_id") && vocab_size <= kVideoPad) return -1;
  return placeholder_id(fields, "video_token_id", kVideoPad, vocab_size);
}

std::string vision_token(const std::filesystem::path& folder, const char* name) {
  const std::filesystem::path path = folder / "tokenizer_config.json";
  std::string text;
  if (std::filesystem::exists(path)) {
    const Json json = read_json_file(path);
    const Fields fields(json, path.string());
    text = token_text(fields, name);
    const Json* more = fields.find("extra_special_tokens");
    if (text.empty() && more != nullptr && more->is_object()) text = token_text(fields.object("extra_special_tokens"), name);
  }
  if (!text.empty()) return text;
  const std::string_view part(name);
  if (part == "image_token") return "<|image_pad|>";
  if (part == "video_token") return "<|video_pad|>";
  return part == "vision_start_token" ? "<|vision_start|>" : "<|vision_end|>";
}

Config Config::parse(const Fields& fields) {
  const std::string family = fields.string("model_type");
  const Fields text = text_fields(fields, family);
  towers::DecoderDefaults defaults;
  defaults.vocab_size = 152064;
  defaults.hidden_size = 8192;
  defaults.intermediate_size = 29568;
  defaults.layers = 80;
  defaults.heads = 64;
  defaults.kv_heads = 8;
  defaults.context_length = 32768;
  defaults.norm_eps = 1e-5;
  defaults.windows = towers::DecoderDefaults::Windows::by_layer;
  defaults.max_window_layers = 80;
  defaults.rope = {1000000.0, nn::RopeConfig::Sections::contiguous, {16, 24, 24}};
  check_head_dim(text, defaults);
  Config config;
  config.text = towers::DecoderConfig::parse_qwen2(text, defaults);
  config.image_token_id = parse_image_token_id(fields, config.text.vocab_size);
  config.video_token_id = parse_video_token_id(fields, config.text.vocab_size);
  config.tie_word_embeddings =
      fields.boolean("tie_word_embeddings", false) || text.boolean("tie_word_embeddings", false);
  return config;
}

}  // namespace lmm::models::qwen2_vl
