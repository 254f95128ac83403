#include "video.hpp"

#include <utility>

#ifndef LMM_COMMAND_FFMPEG
#include <fmt/format.h>
#endif

namespace command {

void VideoFlags::add(CLI::App& app) {
  app.add_option("--video", files, "Video file, read by FFmpeg's libraries (repeatable)")
      ->type_name("VIDEO")
      ->allow_extra_args(false);
  app.add_option("--fps", fps, "Frames a second to look at, of videos; 0: as the checkpoint says")
      ->check(CLI::Range(0.0, 1000.0).description(""))
      ->capture_default_str();
}

void VideoFlags::put_into(lmm::Message& message, const lmm::Model& model) const {
  std::vector<lmm::Part> videos;
  for (const std::string& path : files) videos.emplace_back(open_video(path, model, fps));
  auto text = message.parts.end();
  while (text != message.parts.begin() && std::holds_alternative<std::string>(*(text - 1))) --text;
  message.parts.insert(text, videos.begin(), videos.end());
}

#ifndef LMM_COMMAND_FFMPEG
lmm::Video open_video(const std::string& path, const lmm::Model&, double) {
  throw lmm::Error(lmm::ErrorCode::unsupported,
                   fmt::format("{}: this lmm was built without FFmpeg's libraries (libavformat, libavcodec, libavutil, "
                               "libswscale), which read videos",
                               path));
}
#endif

}  // namespace command
