#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>

namespace lmm::media {

/// 128-bit XXH3 of a content, with a secret that this process has chosen at random: equal for equal contents within the process,
/// and nobody outside can make two contents whose hashes are equal, as is easy for XXH3 without one.
class ContentHash {
 public:
  ContentHash();
  ~ContentHash();
  ContentHash(const ContentHash&) = delete;
  ContentHash& operator=(const ContentHash&) = delete;

  void update(std::span<const std::byte> bytes);
  std::string digest() const;  ///< 32 hexadecimal digits

  /// Of one piece.
  static std::string of(std::span<const std::byte> bytes);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace lmm::media
