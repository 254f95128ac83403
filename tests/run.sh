#!/usr/bin/env bash
# Installs what is missing, builds everything and runs every test: ctest, then pytest, each with its closing count.
#   tests/run.sh          the tests; where all passed and nothing has changed since, their closing lines are shown again
#   tests/run.sh --again  the tests, whatever has passed before
#   tests/run.sh --long   the long form: the same tests with more inputs (LMM_LONG=1), and the C interface under sanitizers
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../cmake/setup.sh"

again=${LMM_LONG:+yes}
case ${1:-} in
  "") ;;
  --again) again=yes ;;
  --long) export LMM_LONG=1; again=yes ;;
  *) printf 'usage: tests/run.sh [--again | --long]\n' >&2; exit 2 ;;
esac

lmm_install_packages "${lmm_test_packages[@]}"
lmm_install_cmake
lmm_install_torch
lmm_install_test_python
lmm_configure
lmm_make

passed=$lmm_build/tests.passed  # the closing lines; as old as the start of the tests that passed
if [[ -z $again && -f $passed ]]; then
  changed=$(find "$lmm_root" -path "$lmm_build" -prune -o -path "$lmm_root/.git" -prune -o -name __pycache__ -prune -o \
    -name .pytest_cache -prune -o -type f -newer "$passed" -print -quit)
  if [[ -z $changed ]]; then
    cat "$passed"
    lmm_say "nothing has changed since all tests passed; tests/run.sh --again runs them again"
    exit 0
  fi
fi

started=$(mktemp)
failed=()
lmm_say "ctest"
ctest --test-dir "$lmm_build" --output-on-failure 2>&1 | tee "$lmm_build/ctest.log" || failed+=(ctest)

lmm_say "pytest"
cd "$lmm_root"
LMM_BUILD=$lmm_build HF_HUB_OFFLINE=1 "$lmm_venv/bin/python" -m pytest -q -rs -n 2 --dist loadfile --no-loadscope-reorder tests 2>&1 | tee "$lmm_build/pytest.log" ||
  failed+=(pytest)

# lmm is instrumented, libtorch is not, and nothing is suppressed. What forks is left out: g++ 12's AddressSanitizer holds
# no locks of its allocator over a fork, so a child may wait for ever.
under_sanitizers() {
  local lmm_build=$lmm_build/sanitized
  lmm_configure -DLMM_SANITIZE="address;undefined" -DLMM_BUILD_EXAMPLES=OFF && lmm_make fuzz_sequence capi &&
    ctest --test-dir "$lmm_build" --output-on-failure -R '^fuzz_sequence$' &&
    "$lmm_build/bin/capi" --test-case-exclude='*fork*'
}
# What runs in a child is left out here, too: ThreadSanitizer gives up where that starts threads.
under_thread_sanitizer() {
  local lmm_build=$lmm_build/threads
  local -x TSAN_OPTIONS=ignore_noninstrumented_modules=1  # what only torch or OpenMP does is not looked at
  lmm_configure -DLMM_SANITIZE=thread -DLMM_BUILD_EXAMPLES=OFF && lmm_make unit_session capi && "$lmm_build/bin/unit_session" &&
    "$lmm_build/bin/capi" --test-case-exclude='*fork*,*error closed*'
}
if [[ -n ${LMM_LONG:-} ]]; then
  lmm_say "the C interface under AddressSanitizer and UndefinedBehaviorSanitizer, and with sessions under ThreadSanitizer"
  under_sanitizers || failed+=(sanitizers)
  under_thread_sanitizer || failed+=(threads)
fi

if [[ ${#failed[@]} -gt 0 ]]; then lmm_die "failed: ${failed[*]}"; fi
{ grep 'tests passed' "$lmm_build/ctest.log"; tail -n 1 "$lmm_build/pytest.log"; } > "$passed"
touch -r "$started" "$passed"
rm -f "$started"
lmm_say "all tests passed; built: $lmm_build/bin/lmm, $lmm_build/lib/liblmm.so"
