#include "lib/core/file.hpp"

#include <lmm/error.hpp>

#include <doctest/doctest.h>

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

using lmm::ErrorCode;
using lmm::MappedFile;

namespace {

struct Folder {
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "lmm_test_XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path = name;
  }
  ~Folder() { std::filesystem::remove_all(path); }
  std::filesystem::path write(const std::string& name, const std::string& text) const {
    std::ofstream(path / name, std::ios::binary) << text;
    return path / name;
  }
  std::filesystem::path path;
};

template <typename Call>
ErrorCode code_of(const Call& call) {
  try {
    call();
  } catch (const lmm::Error& error) {
    return error.code();
  }
  return ErrorCode{};
}

}  // namespace

TEST_CASE("a mapped file shows its bytes and outlives its name") {
  const Folder folder;
  const std::string text = std::string("abc\0def", 7) + std::string(10000, 'x');
  const auto path = folder.write("a", text);
  const auto file = MappedFile::open(path);
  CHECK(file->path() == path);
  std::filesystem::remove(path);
  REQUIRE(file->bytes().size() == text.size());
  CHECK(std::string(reinterpret_cast<const char*>(file->bytes().data()), text.size()) == text);
  file->will_need(0, text.size());
  file->will_need(5000, UINT64_MAX);
  file->will_need(UINT64_MAX, UINT64_MAX);
  file->not_needed(1, text.size() - 1);  // read again, though the file has no name any more
  file->not_needed(5000, UINT64_MAX);
  file->not_needed(UINT64_MAX, UINT64_MAX);
  CHECK(std::string(reinterpret_cast<const char*>(file->bytes().data()), text.size()) == text);
}

TEST_CASE("an empty file") {
  const Folder folder;
  const auto path = folder.write("empty", "");
  CHECK(MappedFile::open(path)->bytes().empty());
  MappedFile::open(path)->will_need(0, 1);
  CHECK(lmm::read_text_file(path).empty());
}

TEST_CASE("what cannot be opened as a file") {
  const Folder folder;
  const auto file = folder.write("a", "x");
  CHECK(code_of([&] { MappedFile::open(folder.path / "none"); }) == ErrorCode::not_found);
  CHECK(code_of([&] { MappedFile::open(file / "below"); }) == ErrorCode::not_found);
  CHECK(code_of([&] { MappedFile::open(""); }) == ErrorCode::not_found);
  CHECK(code_of([&] { MappedFile::open(folder.path); }) == ErrorCode::io);
  CHECK(code_of([&] { lmm::read_text_file(folder.path); }) == ErrorCode::io);
  CHECK(code_of([&] { lmm::read_text_file(folder.path / "none"); }) == ErrorCode::not_found);
  CHECK(code_of([&] { MappedFile::open("/dev/null"); }) == ErrorCode::io);
  std::filesystem::create_symlink("nowhere", folder.path / "dangling");
  CHECK(code_of([&] { MappedFile::open(folder.path / "dangling"); }) == ErrorCode::not_found);
  if (::geteuid() != 0) {  // root reads everything
    ::chmod(file.c_str(), 0);
    CHECK(code_of([&] { MappedFile::open(file); }) == ErrorCode::io);
  }
}

TEST_CASE("a pipe that nobody writes to is refused at once") {
  const Folder folder;
  const auto pipe = folder.path / "pipe";
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  CHECK(code_of([&] { MappedFile::open(pipe); }) == ErrorCode::io);
  CHECK(code_of([&] { lmm::read_text_file(pipe); }) == ErrorCode::io);
}

TEST_CASE("read_text_file keeps every byte and its limit") {
  const Folder folder;
  const std::string text("\xEF\xBB\xBFline\r\n\0end", 14);
  const auto path = folder.write("a", text);
  CHECK(lmm::read_text_file(path) == text);
  CHECK(lmm::read_text_file(path, text.size()) == text);
  CHECK_THROWS_WITH_AS(lmm::read_text_file(path, text.size() - 1),
                       (path.string() + ": 14 bytes, expected at most 13").c_str(), lmm::Error);
}
