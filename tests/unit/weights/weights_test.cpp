#include "lib/weights/weights.hpp"

#include "tests/unit/weights/files.hpp"

#include <doctest/doctest.h>

#include <thread>

using lmm::ErrorCode;
using lmm::weights::Weights;

namespace {

using Names = std::vector<std::string_view>;

std::string entry(std::string_view name, std::size_t begin, std::size_t end) {
  return fmt::format(R"("{}":{{"dtype":"U8","shape":[{}],"data_offsets":[{},{}]}})", name, end - begin, begin, end);
}

/// A file of one-byte tensors.
std::string file_of(const std::vector<std::string>& names) {
  std::string header;
  for (std::size_t i = 0; i < names.size(); ++i) header += (i == 0 ? "" : ",") + entry(names[i], i, i + 1);
  return safetensors(fmt::format("{{{}}}", header), names.size());
}

const std::vector<std::string> kModel = {"model.layers.0.mlp.up_proj.weight", "model.layers.0.self_attn.q_proj.weight",
                                         "model.layers.1.self_attn.q_proj.weight", "model-extra", "lm_head.weight"};

Caught refused(const TempFolder& folder) {
  return error_of([&] { Weights::open(folder.path()); });
}

}  // namespace

TEST_CASE("a folder with one file") {
  const TempFolder folder;
  folder.write("model.safetensors",
               safetensors(fmt::format("{{{},{}}}", entry("b", 0, 6), entry("a", 6, 10)), "0123456789"));
  const auto weights = Weights::open(folder.path());
  CHECK(weights->names() == Names{"a", "b"});
  CHECK(weights->total_bytes() == 10);
  CHECK(weights->parameters() == 10);
  REQUIRE(weights->files().size() == 1);
  CHECK(weights->files()[0] == folder.path() / "model.safetensors");
  REQUIRE(weights->find("a") != nullptr);
  CHECK(std::string_view(reinterpret_cast<const char*>(weights->find("a")->data), 4) == "6789");
  CHECK(weights->find("c") == nullptr);
  CHECK(weights->find("") == nullptr);
}

TEST_CASE("of several models in one folder those below a prefix are kept") {
  const TempFolder folder;
  folder.write("model-1.safetensors", file_of({"thinker.a", "talker.a"}));
  folder.write("model-2.safetensors", file_of({"talker.b", "thinker-like"}));
  folder.write("model.safetensors.index.json",
               R"({"weight_map":{"thinker.a":"model-1.safetensors","talker.a":"model-1.safetensors",
                   "talker.b":"model-2.safetensors","thinker-like":"model-2.safetensors"}})");
  const auto weights = Weights::open(folder.path(), "thinker");
  CHECK(weights->names() == Names{"thinker.a"});
  CHECK(weights->total_bytes() == 1);
  CHECK(weights->parameters() == 1);
  REQUIRE(weights->files().size() == 1);
  CHECK(weights->files()[0].filename() == "model-1.safetensors");
  CHECK(weights->scope("thinker").has("a"));
  CHECK(weights->unused() == Names{"thinker.a"});
  CHECK(Weights::open(folder.path(), "none")->names().size() == 4);  // a model that stands there alone
}

TEST_CASE("the first of several spellings below a prefix") {
  const TempFolder folder;
  folder.write("model.safetensors", file_of({"thinker.model.visual.x", "thinker.lm_head.weight"}));
  const auto thinker = Weights::open(folder.path())->scope("thinker");
  CHECK(thinker.first_of({"visual", "model.visual"}).prefix() == "thinker.model.visual");
  CHECK(thinker.first_of({"visual", ""}).prefix() == "thinker");
  CHECK(thinker.first_of({"audio", "video"}).prefix() == "thinker.audio");
}

TEST_CASE("a folder without weights says what was looked for and what lies there instead") {
  const TempFolder folder;
  CHECK(refused(folder).code == ErrorCode::not_found);
  CHECK(refused(folder).says("neither model.safetensors nor model.safetensors.index.json"));
  folder.write("pytorch_model.bin", "x");
  CHECK(refused(folder).says("pytorch_model.bin is there, but pickled weights are not supported"));
  folder.write("model-q8.gguf", "x");
  CHECK(refused(folder).says("model-q8.gguf is there, but GGUF is not supported"));
  CHECK(error_of([&] { Weights::open(folder.path() / "none"); }).code == ErrorCode::not_found);
}

TEST_CASE("a folder with shards") {
  const TempFolder folder;
  folder.write("model-1.safetensors", file_of({"a", "c"}));
  folder.write("model-2.safetensors", file_of({"b"}));
  const auto index = [&](std::string_view map) {
    folder.write("model.safetensors.index.json",
                 fmt::format(R"({{"metadata":{{"total_size":3}},"weight_map":{}}})", map));
    return refused(folder);
  };
  const char* good = R"({"a":"model-1.safetensors","b":"model-2.safetensors","c":"model-1.safetensors"})";
  CHECK(index(good).text == "");
  const auto weights = Weights::open(folder.path());
  CHECK(weights->names() == Names{"a", "b", "c"});
  CHECK(weights->files().size() == 2);
  CHECK(weights->parameters() == 3);
  CHECK(weights->find("b")->file->path().filename() == "model-2.safetensors");

  SUBCASE("a file that is missing") {
    const Caught error = index(R"({"a":"model-1.safetensors","b":"model-3.safetensors"})");
    CHECK(error.code == ErrorCode::not_found);
    CHECK(error.says("model-3.safetensors: no such file, but "));
  }
  SUBCASE("a tensor that is elsewhere or nowhere") {
    const Caught elsewhere = index(R"({"a":"model-2.safetensors","c":"model-1.safetensors"})");
    CHECK(elsewhere.code == ErrorCode::bad_file);
    CHECK(elsewhere.says("a is in model-2.safetensors, but it is in model-1.safetensors"));
    CHECK(index(R"({"a":"model-1.safetensors","d":"model-1.safetensors"})")
              .says("d is in model-1.safetensors, but it is in none"));
  }
  SUBCASE("a tensor in two files") {
    folder.write("model-2.safetensors", file_of({"b", "a"}));
    const Caught error = refused(folder);
    CHECK(error.code == ErrorCode::bad_file);
    CHECK((error.says("a is in model-1.safetensors, but it is in model-2") || error.says("tensor a is in")));
  }
  SUBCASE("a tensor that the index does not name is there all the same, as in the reference") {
    CHECK(index(R"({"a":"model-1.safetensors","b":"model-2.safetensors"})").text == "");
    CHECK(Weights::open(folder.path())->names() == Names{"a", "b", "c"});
  }
  SUBCASE("file names that lead out of the folder") {
    folder.write("outside", "");
    for (const char* name :
         {"../model-1.safetensors", "/etc/passwd", "..", ".", "", "sub/model-1.safetensors", "..\\\\x", "a\\u0000b"}) {
      CAPTURE(name);
      const Caught error = index(fmt::format(R"({{"a":"{}"}})", name));
      CHECK(error.code == ErrorCode::bad_file);
      CHECK(error.says("expected a file of the same folder"));
    }
  }
  SUBCASE("an index that is malformed") {
    CHECK(index(R"({"a":"model-1.safetensors","a":"model-2.safetensors"})").says("a stands twice"));
    CHECK(index(R"({"a":1})").says("weight_map: a has no file name"));
    CHECK(index("[]").says("weight_map is missing or empty"));
    CHECK(index("{}").says("weight_map is missing or empty"));
    CHECK(index("null").says("weight_map is missing or empty"));
    folder.write("model.safetensors.index.json", "[]");
    CHECK(refused(folder).says("weight_map is missing"));
    folder.write("model.safetensors.index.json", R"({"weight_map":{},"weight_map":{}})");
    CHECK(refused(folder).says("weight_map stands twice"));
    folder.write("model.safetensors.index.json", "{\n  \"weight_map\": {\"a\" 1}}");
    CHECK(refused(folder).says("invalid JSON at line 2, column 22"));
    folder.write("model.safetensors.index.json", "");
    CHECK(refused(folder).code == ErrorCode::bad_file);
  }
  SUBCASE("a shard that is broken") {
    folder.write("model-2.safetensors", file_of({"b"}).substr(0, 30));
    const Caught error = refused(folder);
    CHECK(error.code == ErrorCode::bad_file);
    CHECK(error.says("model-2.safetensors: truncated: 30 bytes"));
  }
  SUBCASE("model.safetensors goes first, as in the reference") {
    folder.write("model.safetensors", file_of({"only"}));
    CHECK(Weights::open(folder.path())->names() == Names{"only"});
  }
}

TEST_CASE("a scope checks names and shapes") {
  const TempFolder folder;
  folder.write("model.safetensors", file_of(kModel));
  const auto weights = Weights::open(folder.path());
  const lmm::weights::Scope layer = weights->scope("model").scope("layers.0");
  CHECK(layer.prefix() == "model.layers.0");
  CHECK(layer.has("self_attn.q_proj.weight"));
  CHECK(!layer.has("self_attn.k_proj.weight"));
  CHECK(&layer.tensor("mlp.up_proj.weight", {1}) == weights->find("model.layers.0.mlp.up_proj.weight"));
  CHECK(weights->scope("").tensor("lm_head.weight", {1}).name == "lm_head.weight");
  CHECK(weights->scope("lm_head.weight").tensor("", {1}).name == "lm_head.weight");

  const Caught shape = error_of([&] { layer.tensor("mlp.up_proj.weight", {4, 1}); });
  CHECK(shape.code == ErrorCode::bad_file);
  CHECK(shape.text == fmt::format("{}: tensor model.layers.0.mlp.up_proj.weight has shape [1], expected [4, 1]",
                                  (folder.path() / "model.safetensors").string()));
  const Caught missing = error_of([&] { layer.tensor("self_attn.k_proj.weight", {2, 3}); });
  CHECK(missing.code == ErrorCode::bad_file);
  CHECK(missing.says(
      "tensor model.layers.0.self_attn.k_proj.weight of shape [2, 3] is missing among 5 tensors; nearest are "
      "model.layers.0.self_attn.q_proj.weight, model.layers.1.self_attn.q_proj.weight"));
  CHECK(!error_of([&] { weights->scope("x").tensor("y", {1}); }).says("nearest"));
}

TEST_CASE("what no scope gave out is known") {
  const TempFolder folder;
  folder.write("model.safetensors", file_of(kModel));
  const auto weights = Weights::open(folder.path());
  CHECK(weights->unused().size() == 5);
  weights->find("lm_head.weight");
  CHECK(weights->unused().size() == 5);
  const auto layers = weights->scope("model.layers");
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) threads.emplace_back([&] { layers.tensor("0.mlp.up_proj.weight", {1}); });
  for (std::thread& thread : threads) thread.join();
  CHECK_THROWS_AS(layers.tensor("0.self_attn.q_proj.weight", {2}), lmm::Error);
  layers.tensor("1.self_attn.q_proj.weight", {1});
  CHECK(weights->unused() == Names{"lm_head.weight", "model-extra", "model.layers.0.self_attn.q_proj.weight"});
}

TEST_CASE("prefixes that were spelled differently over time") {
  const TempFolder folder;
  folder.write("model.safetensors", file_of(kModel));
  const auto weights = Weights::open(folder.path());
  CHECK(weights->first_of({"model.text_model", "text_model", "model"}) == "model");
  CHECK(weights->first_of({"model.layers.1", "model"}) == "model.layers.1");
  CHECK(weights->first_of({"mod", "model.lay", "model.layers.0.mlp"}) == "model.layers.0.mlp");
  CHECK(weights->first_of({"lm_head.weight"}) == "lm_head.weight");
  CHECK(weights->first_of({"x", "y"}) == "x");
  CHECK(weights->first_of({"x", ""}) == "");
  CHECK(weights->first_of({}) == "");
}

TEST_CASE("a scope keeps the weights and their mapping alive") {
  const TempFolder folder;
  folder.write("model.safetensors", file_of(kModel));
  auto weights = Weights::open(folder.path());
  const std::weak_ptr<const Weights> watched = weights;
  auto scope = std::make_unique<lmm::weights::Scope>(weights->scope("model"));
  weights.reset();
  REQUIRE(!watched.expired());
  CHECK(scope->tensor("layers.0.mlp.up_proj.weight", {1}).elements() == 1);
  scope.reset();
  CHECK(watched.expired());
}
