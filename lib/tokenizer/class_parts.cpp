#include "lib/core/error.hpp"
#include "lib/tokenizer/auto_class.hpp"

// The tokenizer classes of transformers 5.23 that build their own pipeline: models/*/tokenization_*.py.
namespace lmm::tokenizer {
namespace {

constexpr std::string_view kQwen2Words =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view kQwen35Words = R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|)"
                                          R"(\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

Json byte_level(bool add_prefix_space, bool use_regex) {
  return {{"type", "ByteLevel"}, {"add_prefix_space", add_prefix_space}, {"use_regex", use_regex}};
}

Json sequence(const char* key, Json parts) { return {{"type", "Sequence"}, {key, std::move(parts)}}; }

Json replace(const char* from, const char* to) {
  return {{"type", "Replace"}, {"pattern", {{"String", from}}}, {"content", to}};
}

ClassParts byte_level_class(bool add_prefix_space) {
  ClassParts parts;
  parts.model = {{"type", "BPE"}};
  parts.pre_tokenizer = byte_level(add_prefix_space, true);
  parts.decoder = byte_level(true, true);
  parts.defaults = {{"unk_token", "<|endoftext|>"}, {"bos_token", "<|endoftext|>"}, {"eos_token", "<|endoftext|>"}};
  parts.vocab_files = true;
  return parts;
}

ClassParts qwen(bool add_prefix_space, std::string_view words) {
  ClassParts parts = byte_level_class(add_prefix_space);
  parts.normalizer = {{"type", "NFC"}};
  parts.pre_tokenizer = sequence(
      "pretokenizers", Json::array({{{"type", "Split"}, {"pattern", {{"Regex", words}}}, {"behavior", "Isolated"}},
                                    byte_level(add_prefix_space, false)}));
  parts.defaults = {{"unk_token", "<|endoftext|>"},
                    {"bos_token", nullptr},
                    {"eos_token", "<|endoftext|>"},
                    {"pad_token", "<|endoftext|>"}};
  return parts;
}

ClassParts cohere(bool add_prefix_space) {
  ClassParts parts = byte_level_class(add_prefix_space);
  parts.normalizer = {{"type", "NFC"}};
  parts.pre_tokenizer =
      sequence("pretokenizers",
               Json::array({{{"type", "Digits"}, {"individual_digits", true}}, byte_level(add_prefix_space, true)}));
  parts.defaults = {{"unk_token", "<UNK>"},        {"bos_token", "<BOS_TOKEN>"}, {"eos_token", "<|END_OF_TURN_TOKEN|>"},
                    {"pad_token", "<PAD>"},        {"cls_token", "<CLS>"},       {"sep_token", "<SEP>"},
                    {"mask_token", "<MASK_TOKEN>"}};
  parts.post_init = true;
  return parts;
}

ClassParts llama(bool add_prefix_space, bool legacy) {
  ClassParts parts;
  parts.model = {{"type", "BPE"}, {"fuse_unk", true}, {"byte_fallback", true}};
  parts.pre_tokenizer = {{"type", "Metaspace"},
                         {"replacement", "▁"},
                         {"prepend_scheme", !add_prefix_space ? "never"
                                            : legacy          ? "always"
                                                              : "first"},
                         {"split", false}};
  Json steps = Json::array({replace("▁", " "), {{"type", "ByteFallback"}}, {{"type", "Fuse"}}});
  if (add_prefix_space) steps.push_back({{"type", "Strip"}, {"content", " "}, {"start", 1}, {"stop", 0}});
  parts.decoder = sequence("decoders", std::move(steps));
  parts.defaults = {{"unk_token", "<unk>"}, {"bos_token", "<s>"}, {"eos_token", "</s>"}};
  return parts;
}

ClassParts gemma(const Fields& config) {
  const Json* unknown = config.find("unk_token");
  Json unknown_content = unknown == nullptr ? Json("<unk>") : *unknown;
  if (unknown_content.is_object())
    unknown_content = Fields(unknown_content, config.where() + ": unk_token").at("content");
  ClassParts parts;
  parts.model = {{"type", "BPE"}, {"fuse_unk", true}, {"byte_fallback", true}, {"unk_token", unknown_content}};
  parts.normalizer = replace(" ", "▁");
  parts.pre_tokenizer = {{"type", "Split"}, {"pattern", {{"String", " "}}}, {"behavior", "MergedWithPrevious"}};
  parts.decoder =
      sequence("decoders", Json::array({replace("▁", " "), {{"type", "ByteFallback"}}, {{"type", "Fuse"}}}));
  parts.defaults = {{"unk_token", "<unk>"},
                    {"bos_token", "<bos>"},
                    {"eos_token", "<eos>"},
                    {"pad_token", "<pad>"},
                    {"mask_token", "<mask>"}};
  return parts;
}

}  // namespace

ClassParts class_parts(std::string_view name, const Fields& config) {
  const bool prefix = config.boolean("add_prefix_space", false);
  // WhisperTokenizer writes a post-processor of its own, too; published files hold the same one.
  if (name == "GPT2Tokenizer" || name == "WhisperTokenizer") return byte_level_class(prefix);
  if (name == "Qwen2Tokenizer") {
    ClassParts parts = qwen(prefix, kQwen2Words);
    parts.adds_specials_again = true;
    return parts;
  }
  if (name == "Qwen3_5Tokenizer") return qwen(prefix, kQwen35Words);
  if (name == "GPTNeoXTokenizer") {
    ClassParts parts = byte_level_class(prefix);
    parts.normalizer = {{"type", "NFC"}};
    parts.defaults.emplace_back("pad_token", "<|padding|>");
    parts.own_post_processor = true;
    return parts;
  }
  if (name == "CohereTokenizer") return cohere(prefix);
  if (name == "LlamaTokenizer") return llama(config.boolean("add_prefix_space", true), config.boolean("legacy", false));
  if (name == "GemmaTokenizer") return gemma(config);
  fail(ErrorCode::unsupported, "{}: the tokenizer class {} is not supported", config.where(), name);
}

}  // namespace lmm::tokenizer
