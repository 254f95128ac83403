#include "scene.hpp"

#include <cmath>
#include <stdexcept>
#include <string>

namespace game {
namespace {

template <typename T>
T* need(T* pointer, const char* what) {
  if (pointer == nullptr) throw std::runtime_error(std::string(what) + ": " + SDL_GetError());
  return pointer;
}

}  // namespace

Scene::Scene(int width, int height, const lmm::Image& thing)
    : width_(width), height_(height), pixels_(static_cast<std::size_t>(width) * height * 3) {
  if (SDL_Init(SDL_INIT_VIDEO) != 0) throw std::runtime_error(std::string("SDL_Init: ") + SDL_GetError());
  window_.reset(need(SDL_CreateWindow("lmm", SDL_WINDOWPOS_CENTERED, SDL_WINDOWPOS_CENTERED, width, height, 0), "SDL_CreateWindow"));
  renderer_.reset(need(SDL_CreateRenderer(window_.get(), -1, SDL_RENDERER_SOFTWARE), "SDL_CreateRenderer"));
  const int w = static_cast<int>(thing.width());
  const int h = static_cast<int>(thing.height());
  thing_.reset(need(SDL_CreateTexture(renderer_.get(), SDL_PIXELFORMAT_RGB24, SDL_TEXTUREACCESS_STATIC, w, h), "SDL_CreateTexture"));
  SDL_UpdateTexture(thing_.get(), nullptr, thing.rgb(), w * 3);
}

Scene::~Scene() {
  thing_.reset();
  renderer_.reset();
  window_.reset();
  SDL_Quit();
}

void Scene::draw(double seconds) {
  SDL_SetRenderDrawColor(renderer_.get(), 250, 248, 240, 255);
  SDL_RenderClear(renderer_.get());
  constexpr int kStripes = 12;
  for (int i = 0; i < kStripes; ++i) {
    const double phase = std::fmod(seconds * 0.15 + static_cast<double>(i) / kStripes, 1.0);
    SDL_SetRenderDrawColor(renderer_.get(), 232, 236, static_cast<Uint8>(215 + 20 * std::sin(seconds + i)), 255);
    const SDL_Rect stripe{static_cast<int>(phase * (width_ + 20)) - 20, 0, 14, height_};
    SDL_RenderFillRect(renderer_.get(), &stripe);
  }
  const int side = height_ * 3 / 4;
  const SDL_Rect place{(width_ - side) / 2 + static_cast<int>(std::sin(seconds * 1.3) * width_ / 10),
                       (height_ - side) / 2 + static_cast<int>(std::cos(seconds * 0.9) * height_ / 12), side, side};
  SDL_RenderCopy(renderer_.get(), thing_.get(), nullptr, &place);
}

lmm::PixelView Scene::read_frame_buffer() {
  SDL_RenderReadPixels(renderer_.get(), nullptr, SDL_PIXELFORMAT_RGB24, pixels_.data(), width_ * 3);
  return {.data = pixels_.data(), .size = pixels_.size(), .width = width_, .height = height_, .stride = width_ * 3};
}

}  // namespace game
