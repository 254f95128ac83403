#include "lib/nn/kernels/cpu.hpp"

#if defined(__x86_64__)
#include <cpuid.h>
#endif
#include <sched.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>

namespace lmm::nn::kernels {
namespace {

namespace fs = std::filesystem;

#if defined(__x86_64__)
// XCR0 says which registers the operating system saves; __builtin_cpu_supports looks at it in newer compilers only.
bool os_saves(unsigned long long mask) noexcept {
  unsigned eax = 1, ebx = 0, ecx = 0, edx = 0;
  __asm__("cpuid" : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx));
  constexpr unsigned osxsave = 1u << 27;
  if ((ecx & osxsave) == 0) return false;
  unsigned low = 0, high = 0;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return ((static_cast<unsigned long long>(high) << 32 | low) & mask) == mask;
}
constexpr unsigned long long kYmmState = 0x6;   // xmm, ymm
constexpr unsigned long long kZmmState = 0xe6;  // and opmask, upper halves, zmm16-31
#endif

// Whole processors of "quota period" text; 0 for no limit or text that is neither.
int whole_processors(long long quota, long long period) {
  if (quota <= 0 || period <= 0) return 0;
  return static_cast<int>(std::clamp(quota / period, 1LL, 1LL << 20));
}

int quota_v2(const fs::path& group) {
  std::ifstream file(group / "cpu.max");
  long long quota = 0, period = 0;
  return file >> quota >> period ? whole_processors(quota, period) : 0;  // "max 100000" does not read as a number
}

int quota_v1(const fs::path& group) {
  std::ifstream quota_file(group / "cpu.cfs_quota_us"), period_file(group / "cpu.cfs_period_us");
  long long quota = 0, period = 0;
  return quota_file >> quota && period_file >> period ? whole_processors(quota, period) : 0;
}

// The tightest quota from `group` up to `mount`. In a container the group's path may lie outside what is mounted: then
// only the mount itself says something.
template <typename Quota>
int tightest(const fs::path& mount, const std::string& group, Quota quota) {
  int least = 0;
  fs::path path = fs::path(group).relative_path().lexically_normal();
  for (;;) {
    const int here = quota(path.empty() ? mount : mount / path);
    if (here > 0 && (least == 0 || here < least)) least = here;
    if (path.empty()) return least;
    path = path.parent_path();
  }
}

bool names_cpu(const std::string& controllers) {
  std::istringstream list(controllers);
  for (std::string name; std::getline(list, name, ',');) {
    if (name == "cpu") return true;
  }
  return false;
}

Isa detect() noexcept {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (!os_saves(kYmmState) || !__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) return Isa::portable;
  if (!os_saves(kZmmState) || !__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("avx512bw") ||
      !__builtin_cpu_supports("avx512vl") || !__builtin_cpu_supports("avx512dq")) {
    return Isa::avx2;
  }
  return __builtin_cpu_supports("avx512bf16") ? Isa::avx512_bf16 : Isa::avx512;
#else
  return Isa::portable;
#endif
}

// cpuid is slow under a hypervisor: asked once.
Isa widest_isa() noexcept {
  static const Isa widest = std::min(detect(), find_isa(isa_limit()).value_or(Isa::avx512_bf16));
  return widest;
}

}  // namespace

std::string_view isa_limit() noexcept {
  static const std::string limit = [] {  // a copy: the host may change its environment
    const char* value = std::getenv("LMM_MAX_ISA");
    return std::string(value == nullptr ? "" : value);
  }();
  return limit;
}

std::optional<Isa> find_isa(std::string_view name) noexcept {
  for (const Isa isa : {Isa::portable, Isa::avx2, Isa::avx512, Isa::avx512_bf16}) {
    if (name == isa_name(isa)) return isa;
  }
  return std::nullopt;
}

bool isa_available(Isa isa) noexcept { return isa <= widest_isa(); }

Isa best_isa() noexcept {
#if defined(__x86_64__)
  if (widest_isa() == Isa::avx512_bf16 && __builtin_cpu_is("intel")) return Isa::avx512;
#endif
  return widest_isa();
}

bool has_bf16_tiles() noexcept {
#if defined(__x86_64__)
  return isa_limit().empty() && __builtin_cpu_supports("amx-bf16") != 0;
#else
  return false;
#endif
}

bool has_int8_dots(Isa isa, int bits) noexcept {
#if defined(__x86_64__)
  if (!isa_available(isa)) return false;
  if (bits == 512) return isa >= Isa::avx512 && __builtin_cpu_supports("avx512vnni") != 0;
  static const bool avx_vnni = [] {  // compilers differ in whether they know its name
    unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
    return __get_cpuid_count(7, 1, &eax, &ebx, &ecx, &edx) != 0 && (eax >> 4 & 1u) != 0;
  }();
  return isa >= Isa::avx2 && avx_vnni && find_isa(isa_limit()) != Isa::avx2;
#else
  (void)isa;
  (void)bits;
  return false;
#endif
}

const char* isa_name(Isa isa) noexcept {
  switch (isa) {
    case Isa::portable:
      return "portable";
    case Isa::avx2:
      return "avx2";
    case Isa::avx512:
      return "avx512";
    case Isa::avx512_bf16:
      return "avx512_bf16";
  }
  return "unknown";
}

int cgroup_quota(const fs::path& cgroup_of_process, const fs::path& mount) {
  int least = 0;
  const auto take = [&least](int quota) {
    if (quota > 0 && (least == 0 || quota < least)) least = quota;
  };
  std::ifstream file(cgroup_of_process);
  for (std::string line; std::getline(file, line);) {  // hierarchy:controllers:path
    const auto first = line.find(':');
    const auto second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const std::string group = line.substr(second + 1);
    if (controllers.empty()) {
      take(tightest(mount, group, quota_v2));
      take(tightest(mount / "unified", group, quota_v2));
    } else if (names_cpu(controllers)) {
      take(tightest(mount / controllers, group, quota_v1));
      take(tightest(mount / "cpu", group, quota_v1));
    }
  }
  return least;
}

int usable_threads() {
  int threads = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) == 0) threads = std::max(1, CPU_COUNT(&set));
  const int quota = cgroup_quota("/proc/self/cgroup", "/sys/fs/cgroup");
  return quota > 0 ? std::min(threads, quota) : threads;
}

int bounded_threads(int wanted) {
  const int usable = usable_threads();
  return wanted <= 0 ? usable : std::min(wanted, usable);
}

}  // namespace lmm::nn::kernels
