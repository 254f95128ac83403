// Boxes of replies, on the way from the tokens to the pixels of the picture given.

#include "lib/session/conversation.hpp"
#include "lib/session/job.hpp"
#include "tests/unit/session/fake_engine.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>

using namespace lmm;

namespace {

/// A folder with a tokenizer that has every printable ASCII character, and the fake family's tokens; gone with it.
class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "lmm-grounding-XXXXXX").string();
    REQUIRE(mkdtemp(name.data()) != nullptr);
    path_ = name;
    Json vocab = Json::object();
    Json added = Json::array();
    for (const auto& [id, token] : {std::pair(0, "<pad>"), {3, "<eos>"}, {5, "<fake_token_around_image>"}, {6, "<image>"}}) {
      vocab[token] = id;
      added.push_back({{"id", id}, {"content", token}, {"special", true}, {"single_word", false}, {"lstrip", false},
                       {"rstrip", false}, {"normalized", false}});
    }
    for (char c = '!'; c <= '~'; ++c) vocab[std::string(1, c)] = 100 + c;
    vocab["\u0120"] = 100;  // a blank, as byte-level vocabularies write it
    const Json bytes = {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", true}, {"use_regex", false}};
    const Json model = {{"type", "BPE"}, {"vocab", vocab}, {"merges", Json::array()}};
    const Json tokenizer = {{"version", "1.0"}, {"added_tokens", added}, {"normalizer", nullptr}, {"pre_tokenizer", bytes},
                            {"post_processor", nullptr}, {"decoder", bytes}, {"model", model}};
    std::ofstream(path_ / "tokenizer.json") << tokenizer.dump();
    std::ofstream(path_ / "tokenizer_config.json") << R"({"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": "<eos>"})";
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

struct Fixture {
  Folder folder;
  std::shared_ptr<test::FakeFamily> family = std::make_shared<test::FakeFamily>();
  std::shared_ptr<session::Engine> engine = test::fake_engine(family);

  Fixture() { engine->text = session::TextTools::load(folder.path()); }

  /// What the fake family answers, in a new conversation, to two pictures, the last of 8 x 4 pixels.
  Reply reply(std::vector<std::int32_t> script) {
    family->script = std::move(script);
    const std::vector<std::uint8_t> pixels(8 * 4 * 3, 9);
    const Image square = Image::from_pixels({pixels.data(), pixels.size(), 4, 4});
    const Image wide = Image::from_pixels({pixels.data(), pixels.size(), 8, 4});
    const auto conversation = std::make_shared<session::Conversation>(engine, SessionOptions{});
    const auto job = conversation->start(Message{square, wide, "Where?"}, {.max_tokens = 100, .raw = true});
    std::unique_lock lock(job->mutex);
    job->changed.wait(lock, [&] { return job->ended; });
    if (job->error != nullptr) std::rethrow_exception(job->error);
    return job->reply;
  }

  Reply reply(const std::string& text) {
    return reply(engine->text->tokenizer->encode(text, {.add_special_tokens = false, .parse_special = false}));
  }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "boxes are in the pixels of the last picture, whatever size the model saw it in") {
  family->seen_width = 112;
  family->seen_height = 56;
  const std::string text = R"([{"bbox_2d": [14, 28, 56, 56], "label": "cup"}])";
  for (const auto& [format, x0, y1] : {std::tuple(answer::Format::qwen2_5_vl, 1.0, 4.0),
                                       std::tuple(answer::Format::qwen3_vl, 0.112, 0.224)}) {
    engine->grounding = format;
    const Reply answer = reply(text);
    CHECK(answer.text == text);
    REQUIRE(answer.boxes.size() == 1);
    CHECK(answer.boxes[0].label == "cup");
    CHECK(answer.boxes[0].image == 1);
    CHECK(answer.boxes[0].x0 == doctest::Approx(x0));
    CHECK(answer.boxes[0].y1 == doctest::Approx(y1));
  }
  family->seen_width = 0;  // a model that does not see the picture whole
  engine->grounding = answer::Format::qwen2_5_vl;
  CHECK(reply(text).boxes.empty());
}

TEST_CASE_FIXTURE(Fixture, "ids of a padded vocabulary, which name no token, do not fail a reply") {
  engine->grounding = answer::Format::qwen3_vl;
  REQUIRE(!engine->text->tokenizer->has_token(750));
  const Reply answer = reply(std::vector<std::int32_t>{750});
  CHECK(answer.text.empty());
  CHECK(answer.token_ids == std::vector<std::int32_t>{750, 3});
}
