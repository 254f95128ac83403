#pragma once

#include <filesystem>
#include <optional>
#include <string_view>

namespace lmm::nn::kernels {

/// Instruction sets that the kernels are compiled for, from the narrowest to the widest. `portable` is what the
/// compiler makes of the same code for the build's base architecture, and runs everywhere; `avx512_bf16` has dot products
/// of bf16 numbers.
enum class Isa { portable, avx2, avx512, avx512_bf16 };

/// The environment variable LMM_MAX_ISA names the widest set that this process takes, for measuring what another processor
/// would get: none above it is available, there are no bf16 tiles, and avx2 is without VNNI. It is read once; torch has
/// limits of its own. Empty: no limit.
std::string_view isa_limit() noexcept;

/// The set of that name; none where it is not one.
std::optional<Isa> find_isa(std::string_view name) noexcept;

/// True where this processor and this operating system (saved register state) can run `isa`, and it was compiled.
bool isa_available(Isa isa) noexcept;

/// The one to take: the widest available, but avx512 for avx512_bf16 where its dot products, which do twice the work of a
/// fp32 multiply-add, take four times as long (Intel's Sapphire Rapids).
Isa best_isa() noexcept;

/// True where bf16 matrices are multiplied in tiles (AMX), which lmm leaves to torch.
bool has_bf16_tiles() noexcept;

/// Static storage: "portable", "avx2", "avx512", "avx512_bf16".
const char* isa_name(Isa isa) noexcept;

/// True where the machine has dot products of 8-bit integers (VNNI) in vectors of 512 or 256 `bits` and `isa` has such vectors.
bool has_int8_dots(Isa isa, int bits) noexcept;

/// How many threads of this process can run at the same time: its CPU affinity, bounded by the CPU quota of its control
/// groups (v1 and v2; a share of a processor is rounded down). At least 1.
int usable_threads();

/// `wanted` bounded by usable_threads(); 0 or less asks for all of them.
int bounded_threads(int wanted);

/// The quota alone, in whole processors (at least 1), or 0 where there is none. `cgroup_of_process` is
/// /proc/self/cgroup and `mount` /sys/fs/cgroup, or a test's picture of them.
int cgroup_quota(const std::filesystem::path& cgroup_of_process, const std::filesystem::path& mount);

}  // namespace lmm::nn::kernels
