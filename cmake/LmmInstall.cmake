# cmake --install: a tree that may be moved as a whole.
#   bin/lmm  lib/liblmm.so  lib/liblmm_static.a  lib/cmake/lmm  lib/pkgconfig  include/lmm.h  include/lmm/
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(lmm_cmake_dir ${CMAKE_INSTALL_LIBDIR}/cmake/lmm)
set(lmm_pkgconfig_dir ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

# Where liblmm.so looks for libtorch: beside itself, as in a program that brings all its libraries, then where it was
# at build time. libtorch is in no folder that the loader knows: without the second nothing would run after installing.
set_target_properties(lmm PROPERTIES BUILD_WITH_INSTALL_RPATH ON INSTALL_RPATH "$ORIGIN;${LMM_TORCH_LIBRARY_DIR}")
install(TARGETS lmm lmm_static
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/lmm DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(FILES ${PROJECT_SOURCE_DIR}/capi/lmm.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
if(TARGET lmm_command)
  file(RELATIVE_PATH lmm_bin_to_lib /${CMAKE_INSTALL_BINDIR} /${CMAKE_INSTALL_LIBDIR})
  set_target_properties(lmm_command PROPERTIES INSTALL_RPATH "$ORIGIN/${lmm_bin_to_lib}")
  install(TARGETS lmm_command RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()

set(lmm_shared_file ${CMAKE_SHARED_LIBRARY_PREFIX}lmm${CMAKE_SHARED_LIBRARY_SUFFIX}.${PROJECT_VERSION})
set(lmm_shared_soname ${CMAKE_SHARED_LIBRARY_PREFIX}lmm${CMAKE_SHARED_LIBRARY_SUFFIX}.${PROJECT_VERSION_MAJOR})
set(lmm_static_file ${CMAKE_STATIC_LIBRARY_PREFIX}lmm_static${CMAKE_STATIC_LIBRARY_SUFFIX})
get_target_property(LMM_STATIC_LINK_OPTIONS lmm_static INTERFACE_LINK_OPTIONS)
configure_package_config_file(cmake/lmmConfig.cmake.in ${PROJECT_BINARY_DIR}/package/lmmConfig.cmake
  INSTALL_DESTINATION ${lmm_cmake_dir} PATH_VARS CMAKE_INSTALL_INCLUDEDIR CMAKE_INSTALL_LIBDIR
  NO_SET_AND_CHECK_MACRO NO_CHECK_REQUIRED_COMPONENTS_MACRO)
# Before 1.0 a minor version may change the C++ interface.
write_basic_package_version_file(${PROJECT_BINARY_DIR}/package/lmmConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/package/lmmConfig.cmake ${PROJECT_BINARY_DIR}/package/lmmConfigVersion.cmake
  ${PROJECT_SOURCE_DIR}/cmake/LmmTorch.cmake DESTINATION ${lmm_cmake_dir})

file(RELATIVE_PATH lmm_pc_to_prefix /${lmm_pkgconfig_dir} /)
string(REGEX REPLACE "/$" "" lmm_pc_to_prefix "${lmm_pc_to_prefix}")
string(REPLACE ";" " " lmm_pc_options "${LMM_STATIC_LINK_OPTIONS}")
get_filename_component(lmm_pc_gomp "${lmm_torch_gomp}" NAME)
if(NOT lmm_pc_gomp STREQUAL gomp)
  string(PREPEND lmm_pc_gomp :)
endif()
foreach(name lmm lmm_static)
  configure_file(cmake/${name}.pc.in ${PROJECT_BINARY_DIR}/package/${name}.pc @ONLY)
  install(FILES ${PROJECT_BINARY_DIR}/package/${name}.pc DESTINATION ${lmm_pkgconfig_dir})
endforeach()
