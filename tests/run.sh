#!/usr/bin/env bash
# Installs what is missing, builds everything and runs every test: ctest, then pytest, each with its closing count.
#   tests/run.sh          the tests
#   tests/run.sh --long   the long form: the same tests with more inputs (LMM_LONG=1)
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../cmake/setup.sh"

case ${1:-} in
  "") ;;
  --long) export LMM_LONG=1 ;;
  *) printf 'usage: tests/run.sh [--long]\n' >&2; exit 2 ;;
esac

lmm_install_packages
lmm_install_cmake
lmm_install_torch
lmm_install_test_python
lmm_configure
lmm_make

failed=()
lmm_say "ctest"
ctest --test-dir "$lmm_build" --output-on-failure || failed+=(ctest)

lmm_say "pytest"
cd "$lmm_root"
LMM_BUILD=$lmm_build HF_HUB_OFFLINE=1 "$lmm_venv/bin/python" -m pytest -q -rs tests || failed+=(pytest)

if [[ ${#failed[@]} -gt 0 ]]; then lmm_die "failed: ${failed[*]}"; fi
lmm_say "all tests passed; built: $lmm_build/bin/lmm, $lmm_build/lib/liblmm.so"
