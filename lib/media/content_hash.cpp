#include "lib/media/content_hash.hpp"

#include <fmt/format.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <array>
#include <cstdint>
#include <random>

namespace lmm::media {
namespace {

constexpr std::size_t kSecretWords = 48;  // 192 bytes, as many as XXH3's own
static_assert(kSecretWords * sizeof(std::uint32_t) >= XXH3_SECRET_SIZE_MIN);

const std::array<std::uint32_t, kSecretWords>& secret() {
  static const auto chosen = [] {
    std::array<std::uint32_t, kSecretWords> words;
    std::random_device random;
    for (std::uint32_t& word : words) word = random();
    return words;
  }();
  return chosen;
}

std::string hexadecimal(XXH128_hash_t hash) { return fmt::format("{:016x}{:016x}", hash.high64, hash.low64); }

}  // namespace

struct ContentHash::State {
  XXH3_state_t xxh3;
};

ContentHash::ContentHash() : state_(std::make_unique<State>()) {
  XXH3_INITSTATE(&state_->xxh3);
  XXH3_128bits_reset_withSecret(&state_->xxh3, secret().data(), sizeof(secret()));
}

ContentHash::~ContentHash() = default;

void ContentHash::update(std::span<const std::byte> bytes) { XXH3_128bits_update(&state_->xxh3, bytes.data(), bytes.size()); }

std::string ContentHash::digest() const { return hexadecimal(XXH3_128bits_digest(&state_->xxh3)); }

std::string ContentHash::of(std::span<const std::byte> bytes) {
  return hexadecimal(XXH3_128bits_withSecret(bytes.data(), bytes.size(), secret().data(), sizeof(secret())));
}

}  // namespace lmm::media
