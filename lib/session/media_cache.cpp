#include "lib/session/media_cache.hpp"

namespace lmm::session {

std::shared_ptr<const models::MediaRows> MediaCache::find(const std::string& key) {
  const std::lock_guard lock(mutex_);
  const auto found = index_.find(key);
  if (found == index_.end()) return nullptr;
  entries_.splice(entries_.begin(), entries_, found->second);
  return found->second->second;
}

void MediaCache::insert(const std::string& key, std::shared_ptr<const models::MediaRows> rows) {
  const std::lock_guard lock(mutex_);
  if (index_.contains(key)) return;
  bytes_ += rows->bytes;
  entries_.emplace_front(key, std::move(rows));
  index_.emplace(key, entries_.begin());
  while (bytes_ > capacity_ && entries_.size() > 1) {
    bytes_ -= entries_.back().second->bytes;
    index_.erase(entries_.back().first);
    entries_.pop_back();
  }
}

}  // namespace lmm::session
