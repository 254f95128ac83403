# Finds libtorch and makes the target `lmm_torch`: its headers (as system headers) and libtorch, libtorch_cpu, libc10.
#
# CMAKE_PREFIX_PATH (the variable or the environment's) or Torch_DIR lead to it, as with find_package(Torch). Its own
# TorchConfig.cmake is not used: that one asks for the whole CUDA toolkit where libtorch is a CUDA build, of which lmm
# needs nothing, and warns of libraries that are not missed. lmm links no OpenMP of its own: torch's is the only one.

if(Torch_DIR)
  get_filename_component(torch_hint "${Torch_DIR}/../../.." ABSOLUTE)
endif()
find_path(LMM_TORCH_PREFIX share/cmake/Torch/TorchConfig.cmake HINTS "${torch_hint}"
  DOC "Folder of libtorch: the one that holds include/, lib/ and share/")
if(NOT LMM_TORCH_PREFIX)
  message(FATAL_ERROR
    "libtorch was not found. Ways to have it:\n"
    "  - run examples/quickstart.sh or tests/run.sh once: they fetch it into build/venv;\n"
    "  - pip install torch==2.13.0, then configure with -DCMAKE_PREFIX_PATH=<site-packages>/torch;\n"
    "  - unpack PyTorch's libtorch archive and configure with -DCMAKE_PREFIX_PATH=<folder>/libtorch.\n"
    "Without it, -DLMM_BUILD_ENGINE=OFF builds the part that needs no libtorch.")
endif()

find_path(LMM_TORCH_INCLUDE_DIR ATen/ATen.h HINTS "${LMM_TORCH_PREFIX}/include" NO_DEFAULT_PATH REQUIRED)
foreach(library torch torch_cpu c10)
  find_library(LMM_LIB${library} ${library} HINTS "${LMM_TORCH_PREFIX}/lib" REQUIRED)
endforeach()

include("${LMM_TORCH_PREFIX}/share/cmake/Torch/TorchConfigVersion.cmake" OPTIONAL)
set(LMM_TORCH_VERSION "${PACKAGE_VERSION}")
unset(PACKAGE_VERSION)
if(LMM_TORCH_VERSION AND LMM_TORCH_VERSION VERSION_LESS 2.7)
  # From 2.7 on the wheels use the C++11 ABI of libstdc++, as every compiler does by itself.
  message(FATAL_ERROR "libtorch ${LMM_TORCH_VERSION} in ${LMM_TORCH_PREFIX} is too old: lmm needs 2.7 or newer, "
    "and is tested with 2.13.0")
endif()
message(STATUS "libtorch ${LMM_TORCH_VERSION}: ${LMM_TORCH_PREFIX}")

add_library(lmm_torch INTERFACE IMPORTED GLOBAL)
target_include_directories(lmm_torch SYSTEM INTERFACE
  "${LMM_TORCH_INCLUDE_DIR}" "${LMM_TORCH_INCLUDE_DIR}/torch/csrc/api/include")
# libtorch.so holds nothing but the need for its parts (libtorch_cuda.so where there is one): it must stay linked.
target_link_libraries(lmm_torch INTERFACE
  "-Wl,--push-state,--no-as-needed" "${LMM_LIBtorch}" "-Wl,--pop-state" "${LMM_LIBtorch_cpu}" "${LMM_LIBc10}")
