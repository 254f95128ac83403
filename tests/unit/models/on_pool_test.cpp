#include "lib/models/on_pool.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <memory>
#include <new>

using namespace lmm;

TEST_CASE("what a task of preprocessing throws comes out, and the pool goes on") {  // it ended the process
  nn::Placement placement;
  CHECK_FALSE(models::on_pool(placement));
  placement.pool = std::make_shared<nn::kernels::ThreadPool>(2);
  const media::ParallelFor share_out = models::on_pool(placement);
  std::atomic<int> done = 0;
  CHECK_THROWS_AS(share_out(16, [&](std::int64_t i) {
    if (i % 4 == 0) throw std::bad_alloc();
    ++done;
  }), std::bad_alloc);
  CHECK(done == 12);
  share_out(16, [&](std::int64_t) { ++done; });
  CHECK(done == 28);
}
