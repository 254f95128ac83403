#include "lib/media/resample.hpp"
#include "lib/media/resample_kernels.hpp"

#include <doctest/doctest.h>

#include <cstring>
#include <random>
#include <thread>
#include <vector>

namespace lmm::media {
namespace {

Picture noise(std::int64_t width, std::int64_t height, unsigned seed) {
  std::mt19937 random(seed);
  Picture picture = make_picture(width, height, "test");
  for (std::size_t i = 0; i < picture.bytes(); ++i) picture.rgb[i] = static_cast<std::uint8_t>(random());
  return picture;
}

bool same(const Picture& a, const Picture& b) {
  return a.width == b.width && a.height == b.height && std::memcmp(a.rgb.get(), b.rgb.get(), a.bytes()) == 0;
}

constexpr Resample kFilters[] = {Resample::nearest, Resample::lanczos, Resample::bilinear, Resample::bicubic,
                                 Resample::box,     Resample::hamming, Resample::mks2013,  Resample::mks2021};

}  // namespace

TEST_CASE("Pillow's own bytes") {
  // Image.frombytes("RGB", (4, 3), bytes(i * 37 % 256 for i in range(36))).resize((3, 2), filter).tobytes()
  Picture picture = make_picture(4, 3, "test");
  for (std::size_t i = 0; i < picture.bytes(); ++i) picture.rgb[i] = static_cast<std::uint8_t>(i * 37 % 256);
  const auto check = [&](Resample filter, const std::vector<int>& expected) {
    const Picture out = resize(picture, 3, 2, filter);
    CHECK(std::vector<int>(out.rgb.get(), out.rgb.get() + out.bytes()) == expected);
  };
  check(Resample::nearest, {0, 37, 74, 222, 3, 40, 77, 114, 151, 120, 157, 194, 86, 123, 160, 197, 234, 15});
  check(Resample::lanczos, {56, 118, 74, 150, 103, 145, 92, 70, 119, 164, 142, 95, 132, 85, 140, 116, 178, 87});
  check(Resample::bilinear, {75, 112, 82, 142, 99, 136, 95, 84, 121, 150, 140, 109, 137, 94, 131, 122, 159, 84});
  check(Resample::bicubic, {64, 114, 76, 147, 100, 140, 91, 76, 121, 158, 143, 105, 135, 88, 135, 120, 170, 81});
  check(Resample::box, {94, 131, 40, 133, 106, 143, 43, 80, 117, 120, 157, 194, 159, 68, 105, 197, 234, 15});
  check(Resample::hamming, {58, 95, 72, 148, 93, 130, 80, 89, 126, 145, 154, 131, 142, 87, 124, 139, 176, 56});
}

TEST_CASE("torch's own bytes") {
  // torch.nn.functional.interpolate(..., mode="bicubic", antialias=True) of the same picture, as uint8
  Picture picture = make_picture(4, 3, "test");
  for (std::size_t i = 0; i < picture.bytes(); ++i) picture.rgb[i] = static_cast<std::uint8_t>(i * 37 % 256);
  const auto check = [&](std::int64_t width, std::int64_t height, const std::vector<int>& expected) {
    for (const Kernel kernel : {Kernel::portable, Kernel::sse4, Kernel::avx2}) {
      if (!has_kernel(kernel)) continue;
      const Picture out = resize_as_torch(picture, width, height, Resample::bicubic, {}, kernel);
      CHECK(std::vector<int>(out.rgb.get(), out.rgb.get() + out.bytes()) == expected);
    }
  };
  check(3, 2, {64, 114, 76, 147, 100, 140, 91, 76, 121, 158, 143, 105, 135, 88, 135, 120, 170, 81});
  check(7, 3, {0,   28,  65, 29,  76,  113, 103, 147, 184, 183, 76, 113, 219, 4,   41,  125, 75, 112, 65,  123, 160,
               200, 237, 0,  140, 177, 35,  46,  83,  109, 99, 136, 189, 151, 188, 225, 57,  94, 131, 0,   34,  71,
               111, 169, 206, 159, 109, 146, 230, 15, 52, 159, 52, 105, 87, 131, 157, 158, 205, 63, 206, 243, 3});
}

TEST_CASE("all kernels give the same bytes") {
  REQUIRE(has_kernel(Kernel::portable));
  int compared = 0;
  for (const auto& [width, height] : {std::pair{1, 1}, {2, 3}, {5, 4}, {33, 17}, {9, 130}, {257, 3}, {100, 75}}) {
    const Picture in = noise(width, height, 3);
    for (const auto& [w, h] : {std::pair{1, 1}, {3, 2}, {11, 13}, {64, 64}, {200, 5}, {7, 150}}) {
      for (const Resample filter : kFilters) {
        const Picture expected = resize(in, w, h, filter, {}, Kernel::portable);
        for (const Kernel kernel : {Kernel::automatic, Kernel::sse4, Kernel::avx2}) {
          if (!has_kernel(kernel)) continue;
          ++compared;
          CHECK(same(resize(in, w, h, filter, {}, kernel), expected));
        }
      }
    }
  }
  MESSAGE("compared ", compared);
  CHECK(compared >= 336);
}

TEST_CASE("many threads give the bytes of one") {
  const ParallelFor threads = [](std::int64_t count, const std::function<void(std::int64_t)>& task) {
    std::vector<std::thread> team;
    for (int t = 0; t < 3; ++t) {
      team.emplace_back([=] {
        for (std::int64_t i = t; i < count; i += 3) task(i);
      });
    }
    for (std::thread& thread : team) thread.join();
  };
  const Picture in = noise(301, 407, 4);
  for (const auto& [w, h] : {std::pair{301, 200}, {150, 407}, {150, 190}, {300, 100}, {500, 900}}) {
    for (const Resample filter : {Resample::lanczos, Resample::box, Resample::nearest}) {
      CHECK(same(resize(in, w, h, filter, threads), resize(in, w, h, filter)));
    }
  }
}

TEST_CASE("a flat picture stays flat, and the same size is a copy") {
  Picture flat = make_picture(37, 23, "test");
  std::memset(flat.rgb.get(), 201, flat.bytes());
  for (const Resample filter : kFilters) {
    const Picture out = resize(flat, 91, 11, filter);
    for (std::size_t i = 0; i < out.bytes(); ++i) REQUIRE(out.rgb[i] == 201);
  }
  const Picture in = noise(20, 10, 5);
  CHECK(same(resize(in, 20, 10, Resample::lanczos), in));
}

TEST_CASE("coefficients of every output sum to one and stay within the input") {
  for (const Resample filter : kFilters) {
    if (filter == Resample::nearest) continue;
    for (const auto& [in, out] : {std::pair{1, 5}, {5, 1}, {100, 99}, {4000, 2048}, {7, 1000}}) {
      const Taps taps = make_taps(in, out, filter);
      for (std::size_t i = 0; i < taps.first.size(); ++i) {
        std::int64_t sum = 0;
        for (std::int32_t j = 0; j < taps.stride; ++j) sum += taps.coefficient[i * taps.stride + j];
        CHECK(std::abs(sum - (1 << kCoefficientBits)) <= taps.count[i]);
        CHECK(taps.first[i] >= 0);
        CHECK(taps.count[i] >= 1);
        CHECK(taps.first[i] + taps.count[i] <= in);
      }
    }
  }
}

TEST_CASE("weights as torch has them fit 16 bits and sum to one as nearly as they can") {
  for (const auto& [in, out] : {std::pair{1, 5}, {5, 1}, {100, 99}, {4000, 2048}, {7, 1000}}) {
    const Taps taps = make_taps(in, out, Resample::bicubic, Rounding::torch);
    std::int32_t common = 0;  // bits that any weight has
    for (const std::int32_t coefficient : taps.coefficient) common |= coefficient;
    const int spare = common == 0 ? 0 : __builtin_ctz(static_cast<unsigned>(common));
    for (std::size_t i = 0; i < taps.first.size(); ++i) {
      std::int64_t sum = 0;
      for (std::int32_t j = 0; j < taps.stride; ++j) {
        const std::int32_t weight = taps.coefficient[i * taps.stride + j];
        CHECK((std::abs(weight) >> spare) <= INT16_MAX);
        sum += weight;
      }
      CHECK(std::abs(sum - (1 << kCoefficientBits)) <= (static_cast<std::int64_t>(taps.count[i]) << spare));
    }
  }
}

TEST_CASE("impossible sizes are errors") {
  const Picture in = noise(3, 3, 6);
  for (const auto& [w, h] : {std::pair<std::int64_t, std::int64_t>{0, 1}, {1, 0}, {-5, 5}, {1 << 20, 1 << 20}}) {
    try {
      resize(in, w, h, Resample::lanczos);
      FAIL("no error");
    } catch (const Error& error) {
      CHECK(error.code() == ErrorCode::invalid_argument);
    }
  }
  CHECK_THROWS_AS(resize(in, 5, 5, static_cast<Resample>(8)), Error);
  CHECK_THROWS_WITH(make_taps(100'000'000, 2048, Resample::lanczos),
                    "resizing 100000000 pixels to 2048 needs 600004608 coefficients, more than 268435455");
}

}  // namespace lmm::media
