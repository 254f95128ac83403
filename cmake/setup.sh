# What a fresh machine needs to build lmm. Sourced by examples/quickstart.sh and tests/run.sh; bash only.
# Each step looks first and does nothing where nothing is missing, so that a second run takes seconds and no network.
#
#   LMM_BUILD           build folder (default: build/ of the project)
#   LMM_PYTHON          the Python that makes the virtual environment (default: python3)
#   CMAKE_PREFIX_PATH   where it leads to a libtorch already, that one is used
#   LMM_ALLOW_CUDA=1    take the CUDA build of torch where pip brings that one
#   LMM_SKIP_PACKAGES=1 never call apt-get

lmm_root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
lmm_build=${LMM_BUILD:-$lmm_root/build}
lmm_venv=$lmm_build/venv
lmm_torch_version=2.13.0

lmm_say() { printf '== %s\n' "$*" >&2; }
lmm_die() { printf 'error: %s\n' "$*" >&2; exit 1; }

# Alternatives are separated by |: any of them will do, the first is installed.
lmm_packages=(
  g++ make pkg-config ccache
  nlohmann-json3-dev libfmt-dev libpcre2-dev libutf8proc-dev libxxhash-dev libcli11-dev doctest-dev
  "libjpeg-dev|libjpeg62-turbo-dev|libjpeg-turbo8-dev" libpng-dev libwebp-dev libgif-dev
  libsndfile1-dev libmpg123-dev libsoxr-dev libwebrtc-audio-processing-dev libeigen3-dev zlib1g-dev
  libavformat-dev libavcodec-dev libavutil-dev libswscale-dev
)
# Only for tests/run.sh: the game loop example, and the comparison of ABIs.
lmm_test_packages=(libsdl2-dev abigail-tools locales)

lmm_has_package() {
  local name
  for name in ${1//|/ }; do
    [[ $(dpkg-query -W -f='${db:Status-Status}' "$name" 2>/dev/null) == installed ]] && return 0
  done
  return 1
}

# Compiler and libraries, from the distribution, and what else is named.
lmm_install_packages() {
  [[ ${LMM_SKIP_PACKAGES:-} != 1 ]] || return 0
  local wanted=("${lmm_packages[@]}" "$@") missing=() package
  command -v python3 >/dev/null || wanted+=(python3)
  "${LMM_PYTHON:-python3}" -c 'import ensurepip, venv' 2>/dev/null || wanted+=(python3-venv)
  command -v dpkg-query >/dev/null || lmm_die "no dpkg here: install the counterparts of these packages, then" \
    "run this again with LMM_SKIP_PACKAGES=1: ${wanted[*]}"
  for package in "${wanted[@]}"; do
    lmm_has_package "$package" || missing+=("${package%%|*}")
  done
  [[ ${#missing[@]} -gt 0 ]] || return 0
  local as_root=()
  if [[ $(id -u) != 0 ]]; then
    command -v sudo >/dev/null || lmm_die "neither root nor sudo; as root, run: apt-get install ${missing[*]}"
    as_root=(sudo)
  fi
  lmm_say "installing Debian packages: ${missing[*]}"
  "${as_root[@]}" apt-get update -q >&2
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "${missing[@]}" >&2 ||
    lmm_die "apt-get could not install: ${missing[*]}"
}

lmm_make_venv() {
  [[ -x $lmm_venv/bin/pip ]] || "${LMM_PYTHON:-python3}" -m venv "$lmm_venv"
}

lmm_pip_install() {
  "$lmm_venv/bin/pip" install --disable-pip-version-check -q "$@" >&2 || lmm_die "pip could not install: $*"
}

# CMake 3.24 or newer and Ninja: the machine's own, else from pip.
lmm_install_cmake() {
  local version
  version=$(cmake --version 2>/dev/null | sed -n '1s/^cmake version //p') || true
  if [[ $(printf '%s\n' 3.24 "${version:-0}" | sort -V | head -n 1) == 3.24 ]] && command -v ninja >/dev/null; then
    return
  fi
  lmm_make_venv
  if [[ ! -x $lmm_venv/bin/cmake || ! -x $lmm_venv/bin/ninja ]]; then
    lmm_say "installing CMake and Ninja from pip into $lmm_venv"
    lmm_pip_install 'cmake>=3.24,<5' ninja
  fi
  PATH=$lmm_venv/bin:$PATH
}

# libtorch; sets lmm_torch to its folder.
lmm_install_torch() {
  local folder
  local IFS=':;'
  for folder in ${CMAKE_PREFIX_PATH:-}; do
    if [[ -f $folder/share/cmake/Torch/TorchConfig.cmake ]]; then
      lmm_torch=$folder
      return
    fi
  done
  unset IFS
  lmm_make_venv
  lmm_install_venv_torch
  lmm_torch=$(echo "$lmm_venv"/lib/python3*/site-packages/torch)
}

lmm_install_venv_torch() {
  [[ $(cat "$lmm_venv/.torch" 2>/dev/null) != "$lmm_torch_version" ]] || return 0
  local found
  found=$("$lmm_venv/bin/python" "$lmm_root/cmake/torch_wheel.py" "$lmm_torch_version") || exit 1
  if [[ $found == cuda* ]]; then
    cat >&2 <<EOF
pip would bring the CUDA build of PyTorch: ${found#cuda }, and with the CUDA libraries
that it needs several gigabytes in all. lmm needs the CPU build only (about 190 MB). To give it that one, either
  - put PyTorch's CPU wheel index (on PyTorch's site: "Get Started", Pip, CPU) into PIP_EXTRA_INDEX_URL, as in:
    PIP_EXTRA_INDEX_URL=<that index> $0
  - or let CMAKE_PREFIX_PATH lead to a libtorch that you have, as in: CMAKE_PREFIX_PATH=<folder>/libtorch $0
or take the CUDA build all the same: LMM_ALLOW_CUDA=1 $0
EOF
    [[ ${LMM_ALLOW_CUDA:-} == 1 ]] || exit 1
  fi
  lmm_say "installing torch $lmm_torch_version from pip into $lmm_venv: ${found#* }"
  lmm_pip_install "torch==$lmm_torch_version"
  echo "$lmm_torch_version" >"$lmm_venv/.torch"
}

# What the tests need of Python: the reference implementation that lmm is compared with. The second list is installed
# without what it depends on, of which nothing is used. So is the third, in a folder of its own:
# torchvision, which transformers needs for videos and for Qwen's and SmolVLM2's pictures, and whose wheel wants another torch.
lmm_install_test_python() {
  lmm_make_venv
  lmm_install_venv_torch
  local lists=("$lmm_root/tests/requirements.txt" "$lmm_root/tests/requirements-data.txt" "$lmm_root/tests/requirements-video.txt")
  if ! cat "${lists[@]}" | cmp -s - "$lmm_venv/.tests"; then
    lmm_say "installing what the tests need from pip into $lmm_venv"
    lmm_pip_install "torch==$lmm_torch_version" -r "${lists[0]}"
    lmm_pip_install --no-deps -r "${lists[1]}"
    lmm_pip_install --no-deps --upgrade --target "$lmm_venv/torchvision" -r "${lists[2]}"
    cat "${lists[@]}" >"$lmm_venv/.tests"
  fi
}

lmm_configure() {
  cmake -S "$lmm_root" -B "$lmm_build" -G Ninja -DLMM_TORCH_PREFIX="$lmm_torch" --log-level=WARNING "$@" >&2
}

# Builds the targets named, or all.
lmm_make() {
  if [[ $# -gt 0 ]]; then set -- --target "$@"; fi
  cmake --build "$lmm_build" "$@" >&2
}
