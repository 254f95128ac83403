#include "lib/tokenizer/auto_class.hpp"
#include "tests/unit/tokenizer/support.hpp"

using lmm::ErrorCode;
using lmm::Fields;
using lmm::Json;
using lmm::tokenizer::auto_class;
using lmm::tokenizer::class_parts;
using support::caught;
using support::has;

TEST_CASE("the class that AutoTokenizer takes") {
  CHECK(auto_class("", "", "", false) == "TokenizersBackend");
  CHECK(auto_class("llama", "", "PreTrainedTokenizerFast", true) == "TokenizersBackend");
  CHECK(auto_class("llama", "", "LlamaTokenizerFast", true) == "TokenizersBackend");  // tokenizer.json is byte-level
  CHECK(auto_class("llama", "", "LlamaTokenizerFast", false) == "LlamaTokenizer");
  CHECK(auto_class("idefics3", "", "GPT2Tokenizer", true) == "GPT2Tokenizer");
  CHECK(auto_class("smolvlm", "", "GPT2Tokenizer", true) == "TokenizersBackend");       // known to be wrong on the hub
  CHECK(auto_class("qwen2", "", "PreTrainedTokenizerFast", true) == "Qwen2Tokenizer");  // likewise
  CHECK(auto_class("qwen3", "", "Qwen2Tokenizer", true) == "Qwen2Tokenizer");
  CHECK(auto_class("qwen3", "", "", true) == "Qwen2Tokenizer");
  CHECK(auto_class("qwen3", "", "GPT2TokenizerFast", true) == "GPT2Tokenizer");
  CHECK(auto_class("granite", "", "GPT2Tokenizer", true) == "TokenizersBackend");
  CHECK(auto_class("llama", "", "InventedTokenizer", true) == "TokenizersBackend");
  CHECK(auto_class("llama", "GPT2Tokenizer", "", true) == "GPT2Tokenizer");
  CHECK(auto_class("bert", "", "BertTokenizer", false) == "BertTokenizer");
}

TEST_CASE("classes that are not implemented are named") {
  const Json config = Json::object();
  const auto error = caught([&] { class_parts("T5Tokenizer", Fields(config, "m/tokenizer_config.json")); });
  CHECK(error.code == ErrorCode::unsupported);
  CHECK(has(error.message, "m/tokenizer_config.json: the tokenizer class T5Tokenizer is not supported"));
}

TEST_CASE("options of tokenizer_config.json reach the class's pipeline") {
  const Json config = {{"add_prefix_space", false}, {"legacy", true}};
  const auto llama = class_parts("LlamaTokenizer", Fields(config, "c"));
  CHECK(llama.pre_tokenizer["prepend_scheme"] == "never");
  CHECK(llama.decoder["decoders"].size() == 3);
  const Json empty = Json::object();
  CHECK(class_parts("LlamaTokenizer", Fields(empty, "c")).pre_tokenizer["prepend_scheme"] == "first");
  const Json legacy = {{"legacy", true}};
  CHECK(class_parts("LlamaTokenizer", Fields(legacy, "c")).pre_tokenizer["prepend_scheme"] == "always");
}
