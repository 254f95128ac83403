#include "lib/nn/kernels/cpu.hpp"

#include <doctest/doctest.h>
#include <sched.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

namespace {

using namespace lmm::nn::kernels;
namespace fs = std::filesystem;

class Folder {
 public:
  Folder() {
    std::string name = (fs::temp_directory_path() / "lmm-cgroup-XXXXXX").string();
    REQUIRE(mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ~Folder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  void write(const std::string& name, const std::string& text) const {
    fs::create_directories((path_ / name).parent_path());
    std::ofstream(path_ / name) << text;
  }
  int quota() const { return cgroup_quota(path_ / "cgroup", path_ / "fs"); }

 private:
  fs::path path_;
};

}  // namespace

TEST_CASE("instruction sets") {
  CHECK(isa_available(Isa::portable));
  CHECK(isa_available(best_isa()));
  if (isa_available(Isa::avx512)) CHECK(isa_available(Isa::avx2));
  CHECK(std::string(isa_name(Isa::avx512)) == "avx512");
  for (const Isa isa : {Isa::portable, Isa::avx2, Isa::avx512, Isa::avx512_bf16}) CHECK(find_isa(isa_name(isa)) == isa);
  CHECK_FALSE(find_isa("avx3"));
  CHECK_FALSE(find_isa(""));

  // The kernel lists only what it saves state for, so its list is a second opinion.
  std::ifstream cpuinfo("/proc/cpuinfo");
  std::string line, flags;
  while (std::getline(cpuinfo, line) && flags.empty()) {
    if (line.rfind("flags", 0) == 0) flags = line + " ";
  }
  if (!flags.empty() && isa_limit().empty()) {
    const auto has = [&flags](const std::string& flag) { return flags.find(" " + flag + " ") != std::string::npos; };
    CHECK(isa_available(Isa::avx2) == (has("avx2") && has("fma")));
    CHECK(isa_available(Isa::avx512_bf16) == (isa_available(Isa::avx512) && has("avx512_bf16")));
    CHECK(isa_available(Isa::avx512) ==
          (has("avx2") && has("fma") && has("avx512f") && has("avx512bw") && has("avx512vl") && has("avx512dq")));
  }
}

TEST_CASE("usable threads follow the affinity") {
  cpu_set_t before;
  CPU_ZERO(&before);
  REQUIRE(sched_getaffinity(0, sizeof before, &before) == 0);
  const int usable = usable_threads();
  CHECK(usable >= 1);
  CHECK(usable <= CPU_COUNT(&before));
  CHECK(bounded_threads(0) == usable);
  CHECK(bounded_threads(-3) == usable);
  CHECK(bounded_threads(1) == 1);
  CHECK(bounded_threads(100000) == usable);

  cpu_set_t one;
  CPU_ZERO(&one);
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &before)) {
      CPU_SET(cpu, &one);
      break;
    }
  }
  REQUIRE(sched_setaffinity(0, sizeof one, &one) == 0);
  CHECK(usable_threads() == 1);
  REQUIRE(sched_setaffinity(0, sizeof before, &before) == 0);
}

TEST_CASE("control group quotas") {
  Folder folder;
  SUBCASE("none") {
    CHECK(folder.quota() == 0);  // no file at all
    folder.write("cgroup", "0::/\n");
    CHECK(folder.quota() == 0);
  }
  SUBCASE("v2, the tightest of the group and those above") {
    folder.write("cgroup", "0::/user/app\n");
    folder.write("fs/user/app/cpu.max", "max 100000\n");
    CHECK(folder.quota() == 0);
    folder.write("fs/user/cpu.max", "350000 100000\n");
    CHECK(folder.quota() == 3);
    folder.write("fs/user/app/cpu.max", "200000 100000\n");
    CHECK(folder.quota() == 2);
  }
  SUBCASE("v2 in a container, where the path lies outside the mount") {
    folder.write("cgroup", "0::/../../pod7/x\n");
    folder.write("fs/cpu.max", "150000 100000\n");
    CHECK(folder.quota() == 1);
  }
  SUBCASE("less than one processor is one") {
    folder.write("cgroup", "0::/\n");
    folder.write("fs/cpu.max", "5000 100000\n");
    CHECK(folder.quota() == 1);
  }
  SUBCASE("v1, alone or among controllers") {
    folder.write("cgroup", "8:pids:/x\n2:cpu,cpuacct:/x\n1:cpuset:/y\n");
    folder.write("fs/cpu,cpuacct/x/cpu.cfs_quota_us", "-1\n");
    folder.write("fs/cpu,cpuacct/x/cpu.cfs_period_us", "100000\n");
    CHECK(folder.quota() == 0);
    folder.write("fs/cpu,cpuacct/x/cpu.cfs_quota_us", "400000\n");
    CHECK(folder.quota() == 4);
  }
  SUBCASE("nonsense is no quota") {
    folder.write("cgroup", "zzz\n0::/\n");
    folder.write("fs/cpu.max", "many few\n");
    CHECK(folder.quota() == 0);
    folder.write("fs/cpu.max", "100000 0\n");
    CHECK(folder.quota() == 0);
  }
}
