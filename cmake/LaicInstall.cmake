# What `cmake --install` copies: a tree that works wherever it is moved.
#
#   bin/                  laic, laic-run, laic-inspect and the developers' tools
#   lib/                  liblaic.so, liblaic_runtime.so and .a; the runtime's optional libraries liblaic_runtime_text.so and
#                         liblaic_runtime_image.so; static compiler libraries for out-of-tree targets
#   lib/cmake/Laic/       find_package(Laic): laic_add_model(), and with COMPONENTS Compiler laic_add_compiler()
#   include/              laic/runtime.h, laic/kernel_abi.h, laic-c/laic.h; the compiler's headers
#   lib/python/laic/      the Python package
include(CMakePackageConfigHelpers)
set(package_dir lib/cmake/Laic)

# Dev builds use the shared MLIR of the distribution; release builds carry it.
set(install_rpath "$ORIGIN/../lib")
if(LAIC_BUILD_COMPILER AND NOT LAIC_STATIC_LLVM)
  list(APPEND install_rpath ${LLVM_LIBRARY_DIR})
endif()
set(programs "")
foreach(program laic laic-run laic-inspect laic-opt laic-lsp-server laic-reduce)
  if(TARGET ${program})
    set_target_properties(${program} PROPERTIES INSTALL_RPATH "${install_rpath}")
    list(APPEND programs ${program})
  endif()
endforeach()
install(TARGETS ${programs} RUNTIME DESTINATION bin)

install(TARGETS laic_runtime laic_runtime_static EXPORT LaicRuntimeTargets
  LIBRARY DESTINATION lib ARCHIVE DESTINATION lib INCLUDES DESTINATION include)
foreach(library IN LISTS LAIC_HOST_LIBRARIES) # optional ones, beside the runtime that opens them
  install(TARGETS ${library} LIBRARY DESTINATION lib)
endforeach()
install(FILES runtime/include/laic/runtime.h runtime/include/laic/kernel_abi.h DESTINATION include/laic)
set_target_properties(laic_runtime PROPERTIES EXPORT_NAME runtime)
set_target_properties(laic_runtime_static PROPERTIES EXPORT_NAME runtime_static)
install(EXPORT LaicRuntimeTargets NAMESPACE Laic:: DESTINATION ${package_dir})

if(LAIC_BUILD_COMPILER)
  set_target_properties(laic_compiler PROPERTIES INSTALL_RPATH "${install_rpath}")
  install(TARGETS laic_compiler LIBRARY DESTINATION lib)
  install(DIRECTORY include/laic-c DESTINATION include)
  # For out-of-tree targets: headers, generated headers, static libraries, and the sources of the `laic` command.
  install(DIRECTORY include/laic ${PROJECT_BINARY_DIR}/include/laic DESTINATION include
    FILES_MATCHING PATTERN "*.h" PATTERN "*.td" PATTERN "*.inc" PATTERN "CMakeFiles" EXCLUDE)
  get_property(libraries GLOBAL PROPERTY LAIC_STATIC_LIBRARIES)
  install(TARGETS ${libraries} LaicMLIRHeaders LaicArtifactSchema EXPORT LaicCompilerTargets
    ARCHIVE DESTINATION lib/laic INCLUDES DESTINATION include)
  install(EXPORT LaicCompilerTargets NAMESPACE Laic:: DESTINATION ${package_dir})
  install(FILES lib/Targets/Targets.cpp.in lib/CAPI/LaicC.cpp tools/laic/laic.cpp DESTINATION share/laic)
  install(FILES cmake/LaicTargetRegistry.cmake cmake/package/LaicAddCompiler.cmake DESTINATION ${package_dir})
  install(FILES LICENSE DESTINATION share/laic OPTIONAL)
endif()
install(FILES cmake/package/LaicAddModel.cmake cmake/package/LaicSignatureHeader.cmake DESTINATION ${package_dir})
configure_package_config_file(cmake/package/LaicConfig.cmake.in ${PROJECT_BINARY_DIR}/LaicConfig.cmake
  INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/LaicConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/LaicConfig.cmake ${PROJECT_BINARY_DIR}/LaicConfigVersion.cmake DESTINATION ${package_dir})
