#pragma once

#include "capi/lmm.h"
#include "lib/core/error.hpp"

#include <lmm/options.hpp>

#include <memory>
#include <string>
#include <utility>

namespace lmm::capi {

/// `user` of a callback that is kept, released with its last owner.
struct KeptUser {
  explicit KeptUser(void* given) : user(given) {}
  ~KeptUser() {
    try {
      if (release != nullptr) release(user);
    } catch (...) {  // a C++ host's own
    }
  }
  KeptUser(const KeptUser&) = delete;
  KeptUser& operator=(const KeptUser&) = delete;

  void* user;
  lmm_release release = nullptr;  ///< set once nothing can fail any more
};

/// What a host's callback answered; what it threw counts as LMM_STOP.
template <typename Callback, typename... Args>
bool goes_on(Callback callback, Args... args) noexcept {
  try {
    return callback(args...) != LMM_STOP;
  } catch (...) {
    return false;
  }
}

/// Empty for a null callback.
inline OnProgress progress_function(lmm_on_progress on_progress, const std::shared_ptr<KeptUser>& kept) {
  if (on_progress == nullptr) return {};
  return [on_progress, kept](const Progress& progress) {
    return goes_on(on_progress, kept->user, progress.stage.data(), progress.done, progress.total);
  };
}

/// The same for the text of a reply; `user` is needed during the call only.
inline OnPiece piece_function(lmm_on_piece on_piece, void* user) {
  if (on_piece == nullptr) return {};
  return [on_piece, user](std::string_view piece) {
    const std::string text(piece);  // ends with a zero byte
    return goes_on(on_piece, user, text.c_str(), text.size());
  };
}

}  // namespace lmm::capi
