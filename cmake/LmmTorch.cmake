# Finds libtorch and makes the target `lmm_torch`: its headers (as system headers) and its libraries.
# Used by lmm's own build, and installed beside lmmConfig.cmake to find it again for whoever links lmm.
#
# LMM_TORCH_PREFIX, Torch_DIR or CMAKE_PREFIX_PATH (the variable or the environment's) lead to it, in this order; then
# LMM_TORCH_BUILT_WITH, which lmmConfig.cmake sets. Sets LMM_TORCH_PREFIX, LMM_TORCH_LIBRARY_DIR, LMM_TORCH_LIBRARIES,
# LMM_TORCH_VERSION, and where there is none LMM_TORCH_ERROR, in plain words.
#
# TorchConfig.cmake is not used: it asks for the whole CUDA toolkit where libtorch is a CUDA build, of which lmm needs
# nothing, and warns of libraries that are not missed.

unset(LMM_TORCH_ERROR)
set(LMM_TORCH_DOC "Folder of libtorch: the one that holds include/, lib/ and share/")
if(Torch_DIR)  # as find_package(Torch) leaves it
  get_filename_component(lmm_torch_hint "${Torch_DIR}/../../.." ABSOLUTE)
  find_path(LMM_TORCH_PREFIX share/cmake/Torch/TorchConfig.cmake PATHS "${lmm_torch_hint}" NO_DEFAULT_PATH
    DOC "${LMM_TORCH_DOC}")
endif()
find_path(LMM_TORCH_PREFIX share/cmake/Torch/TorchConfig.cmake PATHS ${LMM_TORCH_BUILT_WITH} DOC "${LMM_TORCH_DOC}")

if(NOT LMM_TORCH_PREFIX)
  string(CONCAT LMM_TORCH_ERROR
    "libtorch was not found. Ways to have it:\n"
    "  - pip install torch==2.13.0, then configure with -DCMAKE_PREFIX_PATH=<site-packages>/torch;\n"
    "  - unpack PyTorch's libtorch archive and configure with -DCMAKE_PREFIX_PATH=<folder>/libtorch;\n"
    "  - in lmm's own folder, examples/quickstart.sh fetches it into build/venv.")
  if(LMM_TORCH_BUILT_WITH)
    string(APPEND LMM_TORCH_ERROR "\nlmm was built with ${LMM_TORCH_BUILT_WITH}, where there is none now.")
  endif()
  return()
endif()

include("${LMM_TORCH_PREFIX}/share/cmake/Torch/TorchConfigVersion.cmake" OPTIONAL)
set(LMM_TORCH_VERSION "${PACKAGE_VERSION}")
unset(PACKAGE_VERSION)
if(LMM_TORCH_VERSION AND LMM_TORCH_VERSION VERSION_LESS 2.7)
  # From 2.7 on the wheels use the C++11 ABI of libstdc++, as every compiler does by itself.
  set(LMM_TORCH_ERROR "libtorch ${LMM_TORCH_VERSION} in ${LMM_TORCH_PREFIX} is too old: lmm needs 2.7 or newer, \
and is tested with 2.13.0")
  return()
endif()

set(LMM_TORCH_LIBRARY_DIR "${LMM_TORCH_PREFIX}/lib")
if(CMAKE_LIBRARY_ARCHITECTURE AND EXISTS "${LMM_TORCH_PREFIX}/lib/${CMAKE_LIBRARY_ARCHITECTURE}/libtorch.so")
  set(LMM_TORCH_LIBRARY_DIR "${LMM_TORCH_PREFIX}/lib/${CMAKE_LIBRARY_ARCHITECTURE}")  # a distribution's own
endif()
foreach(lmm_torch_file IN ITEMS
    "${LMM_TORCH_PREFIX}/include/ATen/ATen.h" "${LMM_TORCH_LIBRARY_DIR}/libtorch.so"
    "${LMM_TORCH_LIBRARY_DIR}/libtorch_cpu.so" "${LMM_TORCH_LIBRARY_DIR}/libc10.so")
  if(NOT EXISTS "${lmm_torch_file}")
    set(LMM_TORCH_ERROR "libtorch in ${LMM_TORCH_PREFIX} is not whole: ${lmm_torch_file} is missing")
    return()
  endif()
endforeach()

# libtorch.so holds nothing but the need for its parts (libtorch_cuda.so where there is one): it must stay linked.
# The wheels bring an OpenMP runtime, under the compiler's soname or one of their own. It has to be the only one in the
# process, so lmm links that one, and the compiler's where libtorch uses that.
file(GLOB lmm_torch_gomp "${LMM_TORCH_LIBRARY_DIR}/libgomp*.so*")
if(NOT lmm_torch_gomp)
  set(lmm_torch_gomp gomp)
endif()
set(LMM_TORCH_LIBRARIES
  "-Wl,--push-state,--no-as-needed" "${LMM_TORCH_LIBRARY_DIR}/libtorch.so" "${LMM_TORCH_LIBRARY_DIR}/libtorch_cpu.so"
  "${LMM_TORCH_LIBRARY_DIR}/libc10.so" "-Wl,--pop-state" ${lmm_torch_gomp})
if(NOT TARGET lmm_torch)
  add_library(lmm_torch INTERFACE IMPORTED GLOBAL)
  target_include_directories(lmm_torch SYSTEM INTERFACE
    "${LMM_TORCH_PREFIX}/include" "${LMM_TORCH_PREFIX}/include/torch/csrc/api/include")
  target_link_libraries(lmm_torch INTERFACE ${LMM_TORCH_LIBRARIES})
endif()
