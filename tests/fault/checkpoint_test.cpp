// Checkpoints that are broken, each in one way: one clear line, and the host lives on.

#include "tests/fault/support.hpp"

using namespace lmm;
using namespace lmm::test;

TEST_CASE("the copy itself is sound") {
  const ModelCopy copy;
  Session session(Model::load(copy.folder()));
  CHECK(session.ask("What is this?", {.max_tokens = 2}).usage.new_tokens > 0);
}

TEST_CASE("no folder, a file, a folder without a checkpoint") {
  expect(error_of([] { Model::load("/no/such/folder"); }), ErrorCode::not_found, {"/no/such/folder"});
  const ModelCopy copy;
  expect(error_of([&] { Model::load(copy.file("config.json")); }), ErrorCode::bad_file, {"config.json", "folder"});
  fs::remove(copy.file("config.json"));
  expect_load(copy, ErrorCode::not_found, {"config.json"});
}

TEST_CASE("files that are missing") {
  for (const char* name : {"model.safetensors", "tokenizer.json", "preprocessor_config.json"}) {
    const ModelCopy copy;
    fs::remove(copy.file(name));
    if (std::string(name) == "preprocessor_config.json") fs::remove(copy.file("processor_config.json"));
    const Error error = error_of([&] { Model::load(copy.folder()); });
    INFO(error.what());
    CHECK(std::string(error_name(error.code())) == "not_found");
  }
}

TEST_CASE("an unknown architecture lists the known ones") {
  const ModelCopy copy;
  copy.edit_json("config.json", [](Json& json) { json["model_type"] = "mystery"; });
  expect_load(copy, ErrorCode::unsupported, {"mystery", "idefics3", "llama", "smolvlm"});
}

TEST_CASE("a quantised checkpoint is refused by name") {
  const ModelCopy copy;
  copy.edit_json("config.json", [](Json& json) { json["quantization_config"] = {{"quant_method", "awq"}}; });
  expect_load(copy, ErrorCode::unsupported, {"quantization_config", "awq"});
}

TEST_CASE("broken JSON says line and column") {
  const ModelCopy copy;
  copy.write("config.json", "{\n  \"model_type\": \"idefics3\",\n  oops\n}");
  expect_load(copy, ErrorCode::bad_file, {"config.json", "line 3", "column"});
  copy.write("config.json", "");
  expect_load(copy, ErrorCode::bad_file, {"config.json"});
  copy.write("config.json", std::string(100000, '['));
  expect_load(copy, ErrorCode::bad_file, {"config.json"});
  copy.write("config.json", "[1, 2]");
  expect_load(copy, ErrorCode::bad_file, {"config.json"});
}

TEST_CASE("values that make no sense are named") {
  const auto with = [](const char* section, const char* field, const Json& value, ErrorCode code,
                       const std::vector<std::string>& parts) {
    const ModelCopy copy;
    copy.edit_json("config.json", [&](Json& json) { json[section][field] = value; });
    expect_load(copy, code, parts);
  };
  with("text_config", "num_attention_heads", 0, ErrorCode::bad_file, {"num_attention_heads", "0"});
  with("text_config", "num_attention_heads", 3, ErrorCode::bad_file, {"hidden_size", "256", "3"});
  with("text_config", "num_key_value_heads", 3, ErrorCode::bad_file, {"num_key_value_heads"});
  with("text_config", "hidden_size", -5, ErrorCode::bad_file, {"hidden_size", "-5"});
  with("text_config", "hidden_size", "big", ErrorCode::bad_file, {"hidden_size", "big"});
  with("text_config", "num_hidden_layers", 100000000, ErrorCode::bad_file, {"num_hidden_layers"});
  with("text_config", "hidden_act", "tanhshrink", ErrorCode::unsupported, {"tanhshrink", "silu"});
  with("text_config", "rope_parameters", Json{{"rope_type", "spiral"}}, ErrorCode::unsupported, {"spiral", "llama3"});
  with("text_config", "model_type", "gpt2", ErrorCode::unsupported, {"gpt2"});
  with("vision_config", "patch_size", 0, ErrorCode::bad_file, {"patch_size"});
  with("vision_config", "patch_size", 7, ErrorCode::bad_file, {"image_seq_len"});
}

TEST_CASE("weights that are truncated, misplaced or of another shape or type") {
  const char* norm = "model.text_model.norm.weight";
  {
    const ModelCopy copy;
    fs::resize_file(copy.file("model.safetensors"), 1000000);
    expect_load(copy, ErrorCode::bad_file, {"model.safetensors", "1000000"});
  }
  {
    const ModelCopy copy;
    copy.edit_header([&](Json& header) { header[norm]["shape"] = {128}; });
    expect_load(copy, ErrorCode::bad_file, {norm});
  }
  {
    const ModelCopy copy;
    copy.edit_header([&](Json& header) { header[norm]["shape"] = {2, 128}; });
    expect_load(copy, ErrorCode::bad_file, {norm, "[2, 128]", "[256]"});
  }
  {
    const ModelCopy copy;
    copy.edit_header([&](Json& header) { header[norm]["data_offsets"] = {0, 512}; });
    expect_load(copy, ErrorCode::bad_file, {"model.safetensors"});
  }
  {
    const ModelCopy copy;
    copy.edit_header([&](Json& header) { header[norm]["dtype"] = "I16"; });
    expect_load(copy, ErrorCode::unsupported, {norm, "I16"});
  }
  {
    const ModelCopy copy;
    copy.edit_header([&](Json& header) {
      header["model.text_model.norm.wait"] = header[norm];
      header.erase(norm);
    });
    expect_load(copy, ErrorCode::bad_file, {norm, "model.text_model.norm.wait"});
  }
}

TEST_CASE("weights that are not finite are found") {
  const ModelCopy copy;
  std::string bytes = copy.read("model.safetensors");
  const std::uint16_t nan = 0x7E00;  // in half precision
  std::memcpy(bytes.data() + bytes.size() - 1000, &nan, 2);
  copy.write("model.safetensors", bytes);
  expect_load(copy, ErrorCode::bad_file, {"not finite"});
}

TEST_CASE("a tokenizer that knows more tokens than the model") {
  const ModelCopy copy;
  copy.edit_json("tokenizer.json", [](Json& json) {
    json["added_tokens"].push_back({{"id", 5000}, {"content", "<beyond>"}, {"single_word", false}, {"lstrip", false},
                                    {"rstrip", false}, {"normalized", false}, {"special", true}});
  });
  const Model loaded = Model::load(copy.folder());
  const std::string entries = std::to_string(loaded.info().vocab_size);
  Session session(loaded);
  expect(error_of([&] { session.ask("<beyond>", {.max_tokens = 2, .raw = true}); }), ErrorCode::bad_file,
         {"token " + entries, entries + " entries"});  // tokenizers numbers added tokens through, whatever id the file gives
  CHECK(session.history().empty());
}

TEST_CASE("memory limits are kept before anything is allocated") {
  const ModelCopy copy;
  expect_load(copy, ErrorCode::out_of_memory, {"1000"}, {.max_memory = 1000});
  const Model model = Model::load(copy.folder(), {.max_memory = 1u << 30});
  CHECK(model.info().parameters == 8985856);
}

TEST_CASE("options of load that are out of range or not there") {
  const ModelCopy copy;
  expect_load(copy, ErrorCode::invalid_argument, {"threads", "-1"}, {.threads = -1});
  expect_load(copy, ErrorCode::invalid_argument, {"toaster", "cpu"}, {.device = "toaster"});
  expect_load(copy, ErrorCode::unsupported, {"fp16"}, {.dtype = DType::fp16});
}

TEST_CASE("cancelled while loading") {
  const ModelCopy copy;
  int calls = 0;
  LoadOptions options;
  options.on_progress = [&](const Progress& progress) {
    CHECK(progress.stage == "load");
    ++calls;
    return false;
  };
  const Error error = error_of([&] { Model::load(copy.folder(), options); });
  CHECK(error.code() == ErrorCode::cancelled);
  CHECK(calls == 1);
  options.on_progress = [](const Progress&) -> bool { throw std::runtime_error("the host's own"); };
  CHECK_THROWS_WITH(Model::load(copy.folder(), options), "the host's own");
}

TEST_CASE("a chat template that is broken") {
  const ModelCopy copy;
  copy.write("chat_template.jinja", "{% for message in messages %}{{ message.content }");
  expect_load(copy, ErrorCode::bad_template, {"chat_template.jinja"});
  copy.write("chat_template.jinja", "{{ raise_exception('no thanks') }}");
  Session session(Model::load(copy.folder()));
  expect(error_of([&] { session.ask("hello"); }), ErrorCode::bad_template, {"no thanks"});
}
