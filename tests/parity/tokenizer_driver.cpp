// Encodes and decodes for tests/parity/test_tokenizer.py: `tokenizer_driver FOLDER`, little-endian records on stdin.
//   E u8:add_special u8:parse_special u32:spans (u32:begin u32:end)... u32:bytes text  -> u32:count i32...
//   D u8:skip_special u32:count i32...                                                -> u32:bytes text
//   S u8:skip_special u32:count i32...                 streamed                       -> u32:pieces (u32:bytes text)...
//   I                                                                                 -> u32:bytes JSON
// A failed call answers 0xFFFFFFFF u32:bytes message.
#include "lib/core/error.hpp"
#include "lib/core/json.hpp"
#include "lib/tokenizer/tokenizer.hpp"

#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

namespace {

using lmm::tokenizer::Tokenizer;

class Records {
 public:
  explicit Records(std::string bytes) : bytes_(std::move(bytes)) {}
  bool done() const { return at_ == bytes_.size(); }
  std::uint8_t byte() { return number<std::uint8_t>(); }
  std::uint32_t count() { return number<std::uint32_t>(); }
  std::string_view text(std::size_t size) {
    need(size);
    const std::string_view out = std::string_view(bytes_).substr(at_, size);
    at_ += size;
    return out;
  }
  std::vector<std::int32_t> ids() {
    std::vector<std::int32_t> out(count());
    for (std::int32_t& id : out) id = number<std::int32_t>();
    return out;
  }

 private:
  template <typename T>
  T number() {
    need(sizeof(T));
    T value;
    std::memcpy(&value, bytes_.data() + at_, sizeof(T));
    at_ += sizeof(T);
    return value;
  }
  void need(std::size_t size) const {
    if (bytes_.size() - at_ < size) lmm::fail(lmm::ErrorCode::bad_file, "driver: truncated record");
  }

  std::string bytes_;
  std::size_t at_ = 0;
};

void put(std::string& out, std::uint32_t number) { out.append(reinterpret_cast<const char*>(&number), sizeof(number)); }

void put_text(std::string& out, std::string_view text) {
  put(out, static_cast<std::uint32_t>(text.size()));
  out += text;
}

std::string info(const Tokenizer& tokenizer) {
  lmm::Json json{{"vocab_size", tokenizer.vocab_size()}, {"special_tokens", lmm::Json::object()}};
  for (const auto& [name, text] : tokenizer.special_tokens()) json["special_tokens"][name] = text;
  const auto id = [](const std::optional<std::int32_t>& value) {
    return value ? lmm::Json(*value) : lmm::Json(nullptr);
  };
  json["bos_id"] = id(tokenizer.bos_id());
  json["eos_id"] = id(tokenizer.eos_id());
  json["pad_id"] = id(tokenizer.pad_id());
  json["unk_id"] = id(tokenizer.unk_id());
  json["pieces"] = lmm::Json::array();
  json["special_ids"] = lmm::Json::array();
  std::size_t seen = 0;
  for (std::int32_t i = 0; seen < tokenizer.vocab_size() && i < (1 << 24); ++i) {
    if (!tokenizer.has_token(i)) continue;
    ++seen;
    json["pieces"].push_back(tokenizer.piece(i));
    if (tokenizer.is_special(i)) json["special_ids"].push_back(i);
  }
  return json.dump();
}

void answer(const std::shared_ptr<const Tokenizer>& tokenizer, Records& in, std::string& out) {
  switch (in.byte()) {
    case 'E': {
      lmm::tokenizer::EncodeOptions options;
      options.add_special_tokens = in.byte() != 0;
      options.parse_special = in.byte() != 0;
      std::vector<lmm::tokenizer::TextSpan> spans(in.count());
      for (auto& span : spans) {
        span.begin = in.count();
        span.end = in.count();
      }
      options.literal = spans;
      const std::string_view text = in.text(in.count());
      const std::vector<std::int32_t> ids = tokenizer->encode(text, options);
      put(out, static_cast<std::uint32_t>(ids.size()));
      out.append(reinterpret_cast<const char*>(ids.data()), 4 * ids.size());
      return;
    }
    case 'D': {
      const bool skip = in.byte() != 0;
      const std::vector<std::int32_t> ids = in.ids();
      put_text(out, tokenizer->decode(ids, skip));
      return;
    }
    case 'S': {
      lmm::tokenizer::StreamDecoder stream(tokenizer, in.byte() != 0);
      std::vector<std::string> pieces;
      for (const std::int32_t id : in.ids()) pieces.push_back(stream.push(id));
      pieces.push_back(stream.finish());
      put(out, static_cast<std::uint32_t>(pieces.size()));
      for (const std::string& piece : pieces) put_text(out, piece);
      return;
    }
    case 'I':
      put_text(out, info(*tokenizer));
      return;
    default:
      lmm::fail(lmm::ErrorCode::bad_file, "driver: unknown record");
  }
}

std::string read_all() {
  std::string out;
  char buffer[1 << 16];
  for (std::size_t n; (n = std::fread(buffer, 1, sizeof(buffer), stdin)) > 0;) out.append(buffer, n);
  return out;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: tokenizer_driver FOLDER < records\n");
    return 2;
  }
  try {
    const auto tokenizer = Tokenizer::load(argv[1]);
    Records in(read_all());
    std::string out;
    while (!in.done()) {
      std::string reply;
      try {
        answer(tokenizer, in, reply);
      } catch (const lmm::Error& error) {
        reply.clear();
        put(reply, 0xFFFFFFFF);
        put_text(reply, error.what());
      }
      out += reply;
    }
    return std::fwrite(out.data(), 1, out.size(), stdout) == out.size() ? 0 : 1;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
