#include "lib/weights/packed_cache.hpp"

#include "tests/unit/weights/files.hpp"

#include <doctest/doctest.h>

#include <fstream>
#include <thread>
#include <vector>

using lmm::ErrorCode;
using lmm::weights::PackedCache;

namespace {

std::shared_ptr<const std::byte> bytes_of(std::size_t size, int first) {
  auto bytes = std::make_shared<std::vector<std::byte>>(size);
  for (std::size_t i = 0; i < size; ++i) (*bytes)[i] = static_cast<std::byte>(static_cast<std::size_t>(first) + i);
  return {bytes, bytes->data()};
}

/// Two packed weights of 64 and 192 bytes.
void write_two(const std::filesystem::path& path) {
  PackedCache cache(path);
  cache.add("int8 one", bytes_of(64, 1), 64);
  cache.add("int8 two", bytes_of(192, 2), 192);
  cache.write();
}

bool has(PackedCache& cache, const char* key, std::size_t size, int first) {
  const auto found = cache.find(key, size);
  return found != nullptr && std::memcmp(found.get(), bytes_of(size, first).get(), size) == 0 &&
         reinterpret_cast<std::uintptr_t>(found.get()) % 64 == 0;
}

}  // namespace

TEST_CASE("what was written is found, aligned, while the cache is gone") {
  const TempFolder folder;
  const auto path = folder.path() / "below" / "file.packed";
  write_two(path);
  std::shared_ptr<const std::byte> kept;
  {
    PackedCache cache(path);
    CHECK(has(cache, "int8 one", 64, 1));
    CHECK(has(cache, "int8 two", 192, 2));
    CHECK(cache.found() == 2);
    CHECK(cache.made() == 0);
    CHECK(cache.find("int8 one", 128) == nullptr);
    CHECK(cache.find("int4 one", 64) == nullptr);
    kept = cache.find("int8 two", 192);
  }
  CHECK(std::memcmp(kept.get(), bytes_of(192, 2).get(), 192) == 0);
}

TEST_CASE("a file that was cut short or altered counts as one without what it had, and is replaced") {
  const TempFolder folder;
  const auto path = folder.path() / "file.packed";
  write_two(path);
  std::string whole;
  {
    std::ifstream in(path, std::ios::binary);
    whole.assign(std::istreambuf_iterator<char>(in), {});
  }
  const auto write = [&](const std::string& bytes) { std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes; };
  for (const std::size_t size : {std::size_t{0}, std::size_t{7}, std::size_t{40}, whole.size() - 200, whole.size() - 1}) {
    CAPTURE(size);
    write(whole.substr(0, size));
    PackedCache cache(path);
    CHECK(cache.find("int8 one", 64) == nullptr);
    cache.add("int8 one", bytes_of(64, 1), 64);
    CHECK(cache.made() == 1);
    cache.write();
    PackedCache again(path);
    CHECK(has(again, "int8 one", 64, 1));
    CHECK(again.find("int8 two", 192) == nullptr);
  }
  std::string altered = whole;
  altered[whole.size() - 1] ^= 1;  // the last byte of "two"
  write(altered);
  PackedCache cache(path);
  CHECK(has(cache, "int8 one", 64, 1));
  CHECK(cache.find("int8 two", 192) == nullptr);
  cache.add("int8 two", bytes_of(192, 2), 192);
  cache.write();
  PackedCache again(path);
  CHECK(has(again, "int8 one", 64, 1));  // what was found is kept
  CHECK(has(again, "int8 two", 192, 2));
}

TEST_CASE("many at once leave a whole file, and nothing beside it") {
  const TempFolder folder;
  const auto path = folder.path() / "file.packed";
  std::vector<std::thread> threads;
  for (int i = 0; i < 6; ++i) {
    threads.emplace_back([&path] {
      for (int round = 0; round < 10; ++round) write_two(path);
    });
  }
  for (std::thread& thread : threads) thread.join();
  PackedCache cache(path);
  CHECK(has(cache, "int8 one", 64, 1));
  CHECK(has(cache, "int8 two", 192, 2));
  CHECK(std::distance(std::filesystem::directory_iterator(folder.path()), {}) == 1);
}

TEST_CASE("a folder that cannot be written to is an error with its name, and leaves nothing") {
  const TempFolder folder;
  folder.write("file", "no folder");
  PackedCache cache(folder.path() / "file" / "x.packed");
  cache.add("int8 one", bytes_of(64, 1), 64);
  const Caught caught = error_of([&] { cache.write(); });
  CHECK(caught.code == ErrorCode::io);
  CHECK(caught.text.find("x.packed") != std::string::npos);
  PackedCache unused(folder.path() / "file" / "y.packed");
  CHECK_NOTHROW(unused.write());  // nothing was added
}

TEST_CASE("keys and files are told apart by source, packing and folder") {
  const std::byte source[4] = {std::byte{1}, std::byte{2}, std::byte{3}, std::byte{4}};
  const std::byte other[4] = {std::byte{1}, std::byte{2}, std::byte{3}, std::byte{5}};
  CHECK(PackedCache::key(source, "int8") == PackedCache::key(source, "int8"));
  CHECK(PackedCache::key(source, "int8") != PackedCache::key(other, "int8"));
  CHECK(PackedCache::key(source, "int8") != PackedCache::key(source, "int4"));
  const auto file = [](const char* checkpoint, const char* how) { return PackedCache::file_in("/cache", checkpoint, how).string(); };
  CHECK(file("/models/a", "int8") == file("/models/b/../a", "int8"));
  CHECK(file("/models/a/", "int8").starts_with("/cache/a-"));
  CHECK(file("/models/a", "int8") != file("/other/a", "int8"));
  CHECK(file("/models/a", "int8") != file("/models/a", "int4"));
}
