#pragma once

#include "lib/models/family.hpp"

#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

namespace lmm::session {

/// Embedding rows of pictures, videos and recordings met before, the least recently used dropped first. Thread-safe.
class MediaCache {
 public:
  explicit MediaCache(std::uint64_t capacity_bytes = 256u << 20) : capacity_(capacity_bytes) {}

  /// Null where it was not met, or was dropped.
  std::shared_ptr<const models::MediaRows> find(const std::string& key);
  void insert(const std::string& key, std::shared_ptr<const models::MediaRows> rows);

 private:
  using Entry = std::pair<std::string, std::shared_ptr<const models::MediaRows>>;
  std::mutex mutex_;
  std::list<Entry> entries_;  // most recently used first
  std::unordered_map<std::string, std::list<Entry>::iterator> index_;
  std::uint64_t bytes_ = 0;
  std::uint64_t capacity_;
};

}  // namespace lmm::session
