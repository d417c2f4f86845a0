# Build settings that every library and program of the project shares.
#
# laic_target_defaults(T): warnings as errors, include roots, sanitizers. Every target of ours calls it.
# laic_add_library(NAME SOURCES ... LINK ...): an MLIR-free static library.

find_program(LAIC_CCACHE ccache)
if(LAIC_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  # The precompiled header is part of what ccache hashes; its time stamp is not.
  set(launcher ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
      CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} CCACHE_NOHASHDIR=1 ${LAIC_CCACHE})
  set(CMAKE_C_COMPILER_LAUNCHER ${launcher})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${launcher})
endif()
find_program(LAIC_LLD NAMES ld.lld-22 ld.lld)
if(LAIC_LLD AND CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  add_link_options(--ld-path=${LAIC_LLD})
endif()

find_package(Threads REQUIRED)

function(laic_target_defaults target)
  target_include_directories(${target} PUBLIC
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<BUILD_INTERFACE:${PROJECT_BINARY_DIR}/include>
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/runtime/include>)
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wno-unused-parameter -Werror
    $<$<AND:$<COMPILE_LANGUAGE:CXX>,$<CXX_COMPILER_ID:GNU>>:-Wno-maybe-uninitialized -Wno-dangling-reference>)
  if(LAIC_SANITIZE)
    target_compile_options(${target} PRIVATE -fsanitize=${LAIC_SANITIZE} -fno-omit-frame-pointer
      -fno-sanitize-recover=all)
    target_link_options(${target} PUBLIC -fsanitize=${LAIC_SANITIZE})
  endif()
endfunction()

function(laic_add_library name)
  cmake_parse_arguments(arg "" "" "SOURCES;LINK" ${ARGN})
  add_library(${name} STATIC ${arg_SOURCES})
  laic_target_defaults(${name})
  target_link_libraries(${name} PUBLIC ${arg_LINK})
  if(CMAKE_CURRENT_SOURCE_DIR MATCHES "^${PROJECT_SOURCE_DIR}/lib/") # installed; helpers of tests are not
    set_property(GLOBAL APPEND PROPERTY LAIC_STATIC_LIBRARIES ${name})
  endif()
endfunction()
