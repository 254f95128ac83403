#pragma once

#include <lmm/message.hpp>

#include <SDL.h>

#include <memory>
#include <vector>

namespace game {

struct Sdl {
  void operator()(SDL_Window* window) const { SDL_DestroyWindow(window); }
  void operator()(SDL_Renderer* renderer) const { SDL_DestroyRenderer(renderer); }
  void operator()(SDL_Texture* texture) const { SDL_DestroyTexture(texture); }
};

/// A window in which a picture floats over a moving ground. What it shows can be read back, for a model to look at.
class Scene {
 public:
  /// Throws std::runtime_error where SDL can't open a window (SDL_VIDEODRIVER=dummy needs no screen).
  Scene(int width, int height, const lmm::Image& thing);
  ~Scene();

  void draw(double seconds);

  /// Copies the frame buffer out of SDL, into memory that is kept from frame to frame; valid until the next call.
  lmm::PixelView read_frame_buffer();

  void present() { SDL_RenderPresent(renderer_.get()); }
  void title(const char* text) { SDL_SetWindowTitle(window_.get(), text); }

 private:
  int width_;
  int height_;
  std::unique_ptr<SDL_Window, Sdl> window_;
  std::unique_ptr<SDL_Renderer, Sdl> renderer_;
  std::unique_ptr<SDL_Texture, Sdl> thing_;
  std::vector<unsigned char> pixels_;
};

}  // namespace game
