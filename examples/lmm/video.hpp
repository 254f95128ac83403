#pragma once

#include <CLI/CLI.hpp>
#include <lmm/lmm.hpp>

#include <string>
#include <vector>

namespace command {

/// --video FILE, once a video, and how many of its frames are looked at.
struct VideoFlags {
  std::vector<std::string> files;
  double fps = 0;

  void add(CLI::App& app);

  /// The videos, as `model` would be shown them, behind the pictures of `message` and before its text.
  void put_into(lmm::Message& message, const lmm::Model& model) const;
};

/// Decodes those frames of a video file that `model` would be shown, `fps` a second (0: as the checkpoint says), and no
/// others. Throws Error: not_found, bad_file (no video, of unknown kind, damaged, cut off), unsupported (built without
/// FFmpeg's libraries), out_of_memory (too many frames), cancelled (Ctrl-C), and what Model::sample_frames throws.
lmm::Video open_video(const std::string& path, const lmm::Model& model, double fps);

}  // namespace command
