#include "lib/weights/safetensors.hpp"

#include "tests/unit/weights/files.hpp"

#include <doctest/doctest.h>

#include <random>
#include <vector>

using lmm::ErrorCode;
using lmm::weights::parse_safetensors;
using lmm::weights::ScalarType;
using lmm::weights::TensorView;

namespace {

constexpr const char* kSmall = R"({"b":{"dtype":"F16","shape":[2,3],"data_offsets":[4,16]},)"
                               R"("__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[],"data_offsets":[0,4]}})";

std::vector<TensorView> parse(const std::string& file) { return parse_safetensors(bytes_of(file), "x.safetensors"); }

Caught refused(const std::string& file) {
  return error_of([&] { static_cast<void>(parse(file)); });
}

/// The error for this one entry, of a file with `data` bytes of data.
Caught refused_entry(std::string_view entry, std::size_t data) {
  return refused(safetensors(std::string(R"({"t":)").append(entry).append("}"), data));
}

}  // namespace

TEST_CASE("tensors come in the order of their data, with type, shape and place") {
  const std::string file = safetensors(kSmall, "abcdefghijklmnop");
  const std::vector<TensorView> views = parse(file);
  REQUIRE(views.size() == 2);
  CHECK(views[0].name == "a");
  CHECK(views[0].dtype == ScalarType::f32);
  CHECK(views[0].shape.empty());
  CHECK(views[0].bytes == 4);
  CHECK(views[0].elements() == 1);
  CHECK(std::string_view(reinterpret_cast<const char*>(views[0].data), 4) == "abcd");
  CHECK(views[1].name == "b");
  CHECK(views[1].dtype == ScalarType::f16);
  CHECK(views[1].shape == std::vector<std::int64_t>{2, 3});
  CHECK(views[1].elements() == 6);
  CHECK(std::string_view(reinterpret_cast<const char*>(views[1].data), 12) == "efghijklmnop");
}

TEST_CASE("every element type by name and size") {
  const std::pair<const char*, std::size_t> kTypes[] = {
      {"BOOL", 1},        {"U8", 1},  {"I8", 1},  {"F8_E5M2", 1}, {"F8_E4M3", 1}, {"F8_E8M0", 1}, {"F8_E4M3FNUZ", 1},
      {"F8_E5M2FNUZ", 1}, {"I16", 2}, {"U16", 2}, {"F16", 2},     {"BF16", 2},    {"I32", 4},     {"U32", 4},
      {"F32", 4},         {"C64", 8}, {"F64", 8}, {"I64", 8},     {"U64", 8}};
  for (const auto& [name, size] : kTypes) {
    CAPTURE(name);
    const std::string entry =
        fmt::format(R"({{"t":{{"dtype":"{}","shape":[3],"data_offsets":[0,{}]}}}})", name, 3 * size);
    const std::vector<TensorView> views = parse(safetensors(entry, 3 * size));
    CHECK(lmm::weights::scalar_type_name(views[0].dtype) == name);
    CHECK(lmm::weights::scalar_size(views[0].dtype) == size);
  }
}

TEST_CASE("an empty header, empty tensors, spaces after the header and names of any kind are fine") {
  CHECK(parse(safetensors("{}", 0)).empty());
  CHECK(parse(safetensors("{}   ", 0)).empty());
  CHECK(parse(safetensors(R"({"__metadata__":null})", 0)).empty());
  const auto views = parse(safetensors(
      R"({"":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"leer":{"dtype":"F32","shape":[0,7],"data_offsets":[4,4]},)"
      R"("é\n":{"dtype":"U8","shape":[1],"data_offsets":[4,5],"more":{"x":[1]}}})",
      5));
  REQUIRE(views.size() == 3);
  CHECK(views[0].name == "");
  CHECK(views[1].elements() == 0);
  CHECK(views[2].name == "é\n");
}

TEST_CASE("files that are too short say how long they are and should be") {
  const std::string whole = safetensors(kSmall, 16);
  CHECK(refused("").says("0 bytes, a safetensors file has at least 8"));
  CHECK(refused(whole.substr(0, 7)).says("7 bytes"));
  const Caught in_header = refused(whole.substr(0, 50));
  CHECK(in_header.code == ErrorCode::bad_file);
  CHECK(in_header.says(fmt::format("truncated: 50 bytes, the header alone ends at {}", whole.size() - 16)));
  const Caught in_data = refused(whole.substr(0, whole.size() - 3));
  CHECK(in_data.code == ErrorCode::bad_file);
  CHECK(in_data.says(fmt::format("truncated: {} bytes, expected {}", whole.size() - 3, whole.size())));
  for (std::size_t size = 0; size < whole.size(); ++size)
    CHECK(refused(whole.substr(0, size)).code == ErrorCode::bad_file);
  CHECK(refused(whole + "!").says("bytes after the last tensor"));
}

TEST_CASE("a header that is none") {
  CHECK(refused(std::string(8, '\xFF')).says("header of 18446744073709551615 bytes, expected at most 100000000"));
  CHECK(refused(std::string("\x01\xE1\xF5\x05\0\0\0\0", 8)).says("100000001"));
  CHECK(refused(std::string("\x00\xE1\xF5\x05\0\0\0\0", 8)).says("truncated"));  // exactly 100,000,000
  CHECK(refused("<!DOCTYPE html><html>").code == ErrorCode::bad_file);
  CHECK(refused("version https://git-lfs.github.com/spec/v1\noid sha256:12\nsize 99\n").says("Git LFS pointer"));
  CHECK(refused(safetensors("", 0)).says("does not begin with {"));
  CHECK(refused(safetensors("[]", 0)).says("does not begin with {"));
  CHECK(refused(safetensors(" {}", 0)).says("does not begin with {"));
  CHECK(refused(safetensors("{", 0)).says("invalid JSON at line 1, column 2"));
  CHECK(refused(safetensors("{} x", 0)).says("invalid JSON"));
  CHECK(refused(safetensors("{\"a\xFF\":1}", 0)).says("invalid JSON"));
  CHECK(refused(safetensors(std::string(R"({"a":)").append(5000, '['), 0)).says("more entries"));
  CHECK(refused(safetensors(std::string(R"({"a":{"b":[)") + std::string(200, '{'), 0)).code == ErrorCode::bad_file);
  CHECK(refused(safetensors(R"({"t":{"dtype":"F32","shape":[1e999],"data_offsets":[0,4]}})", 4)).says("too large"));
}

TEST_CASE("names stand once") {
  const char* entry = R"({"dtype":"U8","shape":[1],"data_offsets":[0,1]})";
  const Caught twice = refused(safetensors(fmt::format(R"({{"a.b":{},"a.\u0062":{}}})", entry, entry), 1));
  CHECK(twice.code == ErrorCode::bad_file);
  CHECK(twice.says("x.safetensors: a.b stands twice"));
  CHECK(refused_entry(R"({"dtype":"U8","dtype":"U8","shape":[1],"data_offsets":[0,1]})", 1)
            .says("t: dtype stands twice"));
  CHECK(refused(safetensors(R"({"__metadata__":{"a":"1","a":"2"}})", 0)).says("a stands twice"));
  CHECK(refused(safetensors(R"({"__metadata__":{},"__metadata__":{}})", 0)).says("__metadata__ stands twice"));
}

TEST_CASE("entries that are malformed") {
  for (const char* entry : {"1", "[]", "null", "\"F32\""})
    CHECK(refused_entry(entry, 4).says("t: the entry is not a JSON object"));
  CHECK(refused_entry(R"({"shape":[1],"data_offsets":[0,4]})", 4).says("t: dtype is missing"));
  CHECK(refused_entry(R"({"dtype":4,"shape":[1],"data_offsets":[0,4]})", 4).says("t: dtype"));
  CHECK(refused_entry(R"({"dtype":"F32","data_offsets":[0,4]})", 4).says("t: shape is missing"));
  CHECK(refused_entry(R"({"dtype":"F32","shape":1,"data_offsets":[0,4]})", 4).says("t: shape is"));
  CHECK(refused_entry(R"({"dtype":"F32","shape":[1.0],"data_offsets":[0,4]})", 4)
            .says("t: shape is not only whole numbers"));
  CHECK(refused_entry(R"({"dtype":"F32","shape":[-1],"data_offsets":[0,4]})", 4)
            .says("t: shape is not only whole numbers"));
  CHECK(refused_entry(R"({"dtype":"F32","shape":[[1]],"data_offsets":[0,4]})", 4)
            .says("t: shape is not only whole numbers"));
  CHECK(refused_entry(R"({"dtype":"F32","shape":[1]})", 4).says("t: data_offsets is missing"));
  CHECK(refused_entry(R"({"dtype":"F32","shape":[1],"data_offsets":[0]})", 4)
            .says("t: data_offsets is 1 numbers, expected 2"));
  CHECK(refused_entry(R"({"dtype":"F32","shape":[1],"data_offsets":[0,4,8]})", 4).says("3 numbers"));
  CHECK(refused_entry(R"({"dtype":"F32","shape":[1],"data_offsets":["0","4"]})", 4).says("data_offsets"));
  for (const char* metadata : {"1", "[]", R"({"a":1})", R"({"a":{}})", "\"x\""}) {
    CHECK(refused(safetensors(fmt::format(R"({{"__metadata__":{}}})", metadata), 0)).says("__metadata__"));
  }
  const Caught type = refused_entry(R"({"dtype":"F4","shape":[2],"data_offsets":[0,1]})", 1);
  CHECK(type.code == ErrorCode::unsupported);
  CHECK(type.says("t: dtype is \"F4\""));
  std::string many = "1";
  for (int i = 0; i < 100; ++i) many += ",1";
  CHECK(
      refused_entry(fmt::format(R"({{"dtype":"F32","shape":[{}],"data_offsets":[0,4]}})", many), 4).says("at most 64"));
}

TEST_CASE("sizes that do not fit or match") {
  const auto sized = [](const char* shape, const char* offsets, std::size_t data) {
    return refused_entry(fmt::format(R"({{"dtype":"F32","shape":{},"data_offsets":{}}})", shape, offsets), data);
  };
  CHECK(sized("[2]", "[0,4]", 4).says("t: data of 4 bytes, expected 8 for F32 of shape [2]"));
  CHECK(sized("[1]", "[0,8]", 8).says("t: data of 8 bytes, expected 4"));
  CHECK(sized("[0]", "[0,4]", 4).says("expected 0"));
  CHECK(sized("[1]", "[4,0]", 4).says("the end before the beginning"));
  CHECK(sized("[1]", "[0,4]", 0).says("truncated"));
  CHECK(sized("[4611686018427387904]", "[0,0]", 0).says("does not fit into 64 bits"));
  CHECK(sized("[9223372036854775807,3]", "[0,4]", 4).says("does not fit into 64 bits"));
  CHECK(sized("[9223372036854775807,3,0]", "[0,0]", 0).says("does not fit into 64 bits"));  // as the reference
  CHECK(sized("[9223372036854775808]", "[0,4]", 4).says("beyond 63 bits"));
  CHECK(sized("[18446744073709551616]", "[0,4]", 4).code == ErrorCode::bad_file);
  CHECK(sized("[1]", "[18446744073709551612,18446744073709551616]", 4).code == ErrorCode::bad_file);
  CHECK(sized("[4611686018427387903]", "[0,18446744073709551612]", 4).says("does not fit into 64 bits"));
}

TEST_CASE("tensors that overlap, leave holes or begin late") {
  const auto pair = [](const char* first, const char* second, std::size_t data) {
    return refused(safetensors(fmt::format(R"({{"a":{{"dtype":"U8","shape":[4],"data_offsets":{}}},)"
                                           R"("b":{{"dtype":"U8","shape":[4],"data_offsets":{}}}}})",
                                           first, second),
                               data));
  };
  CHECK(pair("[0,4]", "[4,8]", 8).code == ErrorCode{});
  CHECK(pair("[0,4]", "[2,6]", 6).says("b: data begins at 2, expected 4 where the tensor before it ends (overlap)"));
  CHECK(pair("[0,4]", "[0,4]", 4).says("(overlap)"));
  CHECK(pair("[0,4]", "[5,9]", 9).says("b: data begins at 5, expected 4 where the tensor before it ends (hole)"));
  CHECK(pair("[1,5]", "[5,9]", 9).says("a: data begins at 1, expected 0"));
}

TEST_CASE("names in errors stay on one line") {
  const Caught error = refused(safetensors(R"({"a\nb\u0007":1})", 0));
  CHECK(error.says("a?b?: the entry"));
  CHECK(refused(safetensors(fmt::format(R"({{"{}":1}})", std::string(3000, 'n')), 0)).text.size() < 400);
}

TEST_CASE("opening a file") {
  const TempFolder folder;
  const auto path = folder.write("a.safetensors", safetensors(kSmall, 16));
  std::vector<TensorView> views = lmm::weights::open_safetensors(path);
  CHECK(views[1].file->path() == path);
  const std::weak_ptr<const lmm::MappedFile> mapping = views[0].file;
  views.pop_back();
  CHECK(!mapping.expired());
  views.clear();
  CHECK(mapping.expired());
  CHECK(error_of([&] { lmm::weights::open_safetensors(folder.path() / "none"); }).code == ErrorCode::not_found);
  CHECK(error_of([&] { lmm::weights::open_safetensors(folder.path()); }).code == ErrorCode::io);
}

// Whatever is done to a file, it is read as one that is consistent or refused by an Error.
TEST_CASE("mutated files are refused or consistent") {
  std::mt19937_64 random(20251124);
  const auto pick = [&](std::size_t below) { return static_cast<std::size_t>(random() % below); };
  const std::string kTokens[] = {
      "0",   "4", "-1", "1e3",    "9223372036854775807", "18446744073709551615", "\"F32\"", "null", "[[",
      "{\"", "}", "],", "\"a\":", "__metadata__",        "\"data_offsets\":",    "\\u0000", "\xC3"};
  int accepted = 0;
  int refusals = 0;
  for (int round = 0; round < 40000; ++round) {
    std::string header = kSmall;
    std::string file = safetensors(header, 16);
    const std::size_t edits = 1 + pick(3);
    for (std::size_t edit = 0; edit < edits; ++edit) {
      const std::size_t at = pick(file.size());
      switch (pick(6)) {
        case 0:
          file[at] = static_cast<char>(random());
          break;
        case 1:
          file[at] = static_cast<char>(file[at] ^ (1 << pick(8)));
          break;
        case 2:
          file.resize(at + 1);
          break;
        case 3:
          file.erase(at, 1 + pick(8));
          break;
        case 4:
          file.insert(at, kTokens[pick(std::size(kTokens))]);
          break;
        default:
          file.insert(at, file.substr(pick(file.size()), pick(40)));
          break;
      }
      if (file.empty()) file.push_back('x');
    }
    if (file.size() > 8 && pick(2) == 0) {  // the length of the header made right again, so that its content is reached
      const std::size_t brace = file.rfind('}');
      if (brace != std::string::npos && brace >= 8) {
        const std::uint64_t length = brace + 1 - 8;
        std::memcpy(file.data(), &length, 8);
        if (pick(2) == 0) file.resize(brace + 1 + 16);
      }
    }
    try {
      std::uint64_t position = 0;
      for (const TensorView& view : parse(file)) {
        REQUIRE(view.bytes <= file.size());
        REQUIRE(view.data >= bytes_of(file).data() + 8);
        REQUIRE(view.data + view.bytes <= bytes_of(file).data() + file.size());
        position += view.bytes;
      }
      REQUIRE(position <= file.size() - 8);
      ++accepted;
    } catch (const lmm::Error& error) {
      REQUIRE((error.code() == ErrorCode::bad_file || error.code() == ErrorCode::unsupported));
      ++refusals;
    }
  }
  CHECK(accepted > 500);  // both ways are taken
  CHECK(refusals > 20000);
}
