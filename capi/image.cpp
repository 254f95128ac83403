#include "capi/objects.hpp"

using namespace lmm;
using namespace lmm::capi;

lmm_code lmm_image_open(const lmm_allocator* allocator, const char* path, size_t path_length, lmm_image** image,
                        lmm_error** error) {
  return call(usable_allocator(allocator), error, [&] {
    require(image, "image");
    const lmm_allocator& memory = allocator_or_default(allocator);
    *image = make<lmm_image>(memory, Image::open(path_argument(path, path_length, "path")));
  });
}

lmm_code lmm_image_decode(const lmm_allocator* allocator, const void* data, size_t size, lmm_image** image,
                          lmm_error** error) {
  return call(usable_allocator(allocator), error, [&] {
    require(image, "image");
    const lmm_allocator& memory = allocator_or_default(allocator);
    const std::string_view bytes = data_argument(data, size, "data");
    *image = make<lmm_image>(memory, Image::from_memory(bytes.data(), bytes.size()));
  });
}

lmm_code lmm_image_from_pixels(const lmm_allocator* allocator, const void* data, size_t size, int64_t width,
                               int64_t height, int64_t stride, lmm_pixel_format format, lmm_bool bottom_up,
                               lmm_image** image, lmm_error** error) {
  return call(usable_allocator(allocator), error, [&] {
    require(image, "image");
    const lmm_allocator& memory = allocator_or_default(allocator);
    if (format < LMM_PIXEL_RGB || format > LMM_PIXEL_GRAY) {
      fail(ErrorCode::invalid_argument, "format is {}, expected 0 (rgb), 1 (bgr), 2 (rgba), 3 (bgra) or 4 (gray)",
           format);
    }
    const std::string_view bytes = data_argument(data, size, "data");
    PixelView view;
    view.data = bytes.data();
    view.size = bytes.size();
    view.width = width;
    view.height = height;
    view.stride = stride;
    view.format = static_cast<PixelFormat>(format);
    view.bottom_up = bottom_up != LMM_FALSE;
    *image = make<lmm_image>(memory, Image::from_pixels(view));
  });
}

int64_t lmm_image_width(const lmm_image* image) { return alive(image) ? image->image.width() : 0; }

int64_t lmm_image_height(const lmm_image* image) { return alive(image) ? image->image.height() : 0; }

const uint8_t* lmm_image_rgb(const lmm_image* image, size_t* size) {
  const bool there = alive(image);
  if (size != nullptr) *size = there ? static_cast<size_t>(image->image.width() * image->image.height() * 3) : 0;
  return there ? image->image.rgb() : nullptr;
}

void lmm_image_free(lmm_image* image) { destroy(image); }
