#include "lib/nn/kernels/thread_pool.hpp"

#include <doctest/doctest.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cfenv>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

using lmm::nn::kernels::ThreadPool;

TEST_CASE("each chunk is done exactly once") {
  for (const int threads : {-1, 1, 2, 3, 4, 8}) {
    ThreadPool pool(threads);
    CHECK(pool.size() == std::max(threads, 1));
    for (const int chunks : {0, 1, 2, 3, 7, 64, 1000}) {
      std::vector<std::atomic<int>> hits(static_cast<std::size_t>(chunks));
      pool.parallel_for(chunks, [&](int chunk) noexcept { hits[static_cast<std::size_t>(chunk)]++; });
      for (const auto& hit : hits) CHECK(hit == 1);
    }
  }
}

TEST_CASE("many short regions, each seen whole by the next") {
  for (const int threads : {2, 3, 4}) {
    ThreadPool pool(threads);
    std::vector<int> cells(37, 0);  // plain memory: what one region writes the next must see
    bool as_expected = true;
    for (int region = 0; region < 20000; ++region) {
      const int chunks = 1 + region % 37;
      pool.parallel_for(chunks, [&](int chunk) noexcept { cells[static_cast<std::size_t>(chunk)] += region; });
      if (region % 997 == 0) std::this_thread::sleep_for(std::chrono::microseconds(200));  // workers fall asleep
    }
    for (int cell = 0; cell < 37; ++cell) {
      int expected = 0;
      for (int region = 0; region < 20000; ++region) expected += cell < 1 + region % 37 ? region : 0;
      as_expected = as_expected && cells[static_cast<std::size_t>(cell)] == expected;
    }
    CHECK(as_expected);
  }
}

TEST_CASE("slow chunks are shared") {
  ThreadPool pool(3);
  std::atomic<int> at_once{0}, most{0};
  pool.parallel_for(12, [&](int) noexcept {
    const int now = ++at_once;
    int before = most;
    while (before < now && !most.compare_exchange_weak(before, now)) {
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    --at_once;
  });
  CHECK(most == 3);  // chunks that sleep overlap even on one processor
}

TEST_CASE("a region within a region, and two leaders at once") {
  ThreadPool pool(4);
  std::atomic<int> count{0};
  pool.parallel_for(8, [&](int) noexcept { pool.parallel_for(8, [&](int) noexcept { ++count; }); });
  CHECK(count == 64);

  count = 0;
  std::vector<std::thread> leaders;
  for (int i = 0; i < 4; ++i) {
    leaders.emplace_back([&] {
      for (int j = 0; j < 500; ++j) pool.parallel_for(9, [&](int) noexcept { ++count; });
    });
  }
  for (std::thread& leader : leaders) leader.join();
  CHECK(count == 4 * 500 * 9);
}

TEST_CASE("pools come and go") {
  for (int i = 0; i < 200; ++i) {
    ThreadPool pool(1 + i % 4);
    int sum = 0;
    if (i % 3 != 0) pool.parallel_for(1, [&](int) noexcept { ++sum; });
    CHECK(sum == (i % 3 != 0 ? 1 : 0));
  }
}

TEST_CASE("workers carry a name and leave signals to the host's threads") {
  sigset_t before, after;
  pthread_sigmask(SIG_SETMASK, nullptr, &before);
  ThreadPool pool(2);
  pthread_sigmask(SIG_SETMASK, nullptr, &after);
  for (const int number : {SIGINT, SIGTERM, SIGSEGV}) {
    CHECK(sigismember(&after, number) == sigismember(&before, number));
  }

  std::atomic<int> arrived{0};
  char names[2][16] = {};
  sigset_t masks[2];
  pool.parallel_for(2, [&](int chunk) noexcept {  // each waits for the other, so they are on two threads
    pthread_getname_np(pthread_self(), names[chunk], 16);
    pthread_sigmask(SIG_SETMASK, nullptr, &masks[chunk]);
    ++arrived;
    for (int i = 0; i < 2000 && arrived < 2; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  });
  const int worker = std::string(names[1]) == "lmm-kernel-1" ? 1 : 0;
  CHECK(std::string(names[worker]) == "lmm-kernel-1");
  CHECK(sigismember(&masks[worker], SIGINT) == 1);
  CHECK(sigismember(&masks[worker], SIGTERM) == 1);
  CHECK(sigismember(&masks[worker], SIGSEGV) == 0);
}

TEST_CASE("workers round as usual, whatever the thread that made them does") {
  std::fesetround(FE_UPWARD);
  ThreadPool pool(2);
  std::fesetround(FE_TONEAREST);
  std::atomic<int> arrived{0};
  int rounding[2] = {-1, -1};
  pool.parallel_for(2, [&](int chunk) noexcept {
    rounding[chunk] = std::fegetround();
    ++arrived;
    for (int i = 0; i < 2000 && arrived < 2; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  });
  CHECK(rounding[0] == FE_TONEAREST);
  CHECK(rounding[1] == FE_TONEAREST);
}

TEST_CASE("a child of fork does all chunks itself, and can let go of the pool") {
  auto* const pool = new ThreadPool(4);
  std::atomic<int> count{0};
  pool->parallel_for(16, [&](int) noexcept { ++count; });
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    alarm(20);  // a hang ends the child, and the test with it
    count = 0;
    for (int i = 0; i < 10; ++i) pool->parallel_for(16, [&](int) noexcept { ++count; });
    delete pool;
    _exit(count == 160 ? 0 : 1);
  }
  int status = -1;
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
  delete pool;
}
