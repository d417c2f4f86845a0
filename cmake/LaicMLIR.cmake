# Finds MLIR 22 and provides what MLIR-based targets need.
#
# laic_add_mlir_library(NAME SOURCES ... LINK ... DEPENDS ...): a static library that uses MLIR, built on one shared
# precompiled header (an MLIR translation unit costs 15 s without it, 2 s with it).
# laic_tablegen(TARGET OUT.td-file outputs...): runs mlir-tblgen or laic-tblgen.

find_package(MLIR 22.1 REQUIRED CONFIG HINTS /usr/lib/llvm-22/lib/cmake/mlir)
list(APPEND CMAKE_MODULE_PATH ${LLVM_CMAKE_DIR} ${MLIR_CMAKE_DIR})
include(TableGen)
include(AddLLVM)
find_program(MLIR_TBLGEN NAMES mlir-tblgen-22 mlir-tblgen HINTS ${LLVM_TOOLS_BINARY_DIR} REQUIRED)

add_library(LaicMLIRHeaders INTERFACE)
target_include_directories(LaicMLIRHeaders SYSTEM INTERFACE ${LLVM_INCLUDE_DIRS} ${MLIR_INCLUDE_DIRS})
target_compile_definitions(LaicMLIRHeaders INTERFACE ${LLVM_DEFINITIONS_LIST})
target_compile_options(LaicMLIRHeaders INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-fno-rtti>)

# Linked by programs only, never by our static libraries: one copy of MLIR in a program.
add_library(LaicMLIR INTERFACE)
target_link_libraries(LaicMLIR INTERFACE LaicMLIRHeaders)
if(LAIC_STATIC_LLVM)
  include(LaicStaticMLIR)
else()
  target_link_libraries(LaicMLIR INTERFACE MLIR LLVM)
endif()

file(WRITE ${CMAKE_BINARY_DIR}/pch/LaicPCH.cpp "// Only carries the precompiled header.\n")
add_library(LaicPCH OBJECT ${CMAKE_BINARY_DIR}/pch/LaicPCH.cpp)
laic_target_defaults(LaicPCH)
target_link_libraries(LaicPCH PRIVATE LaicMLIRHeaders)
target_precompile_headers(LaicPCH PRIVATE ${PROJECT_SOURCE_DIR}/cmake/LaicPCH.h)
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  target_compile_options(LaicPCH PRIVATE "SHELL:-Xclang -fno-pch-timestamp")
endif()

function(laic_add_mlir_library name)
  cmake_parse_arguments(arg "" "" "SOURCES;LINK;DEPENDS" ${ARGN})
  add_library(${name} STATIC ${arg_SOURCES})
  laic_target_defaults(${name})
  target_link_libraries(${name} PUBLIC LaicMLIRHeaders ${arg_LINK})
  target_precompile_headers(${name} REUSE_FROM LaicPCH)
  if(CMAKE_CURRENT_SOURCE_DIR MATCHES "^${PROJECT_SOURCE_DIR}/lib/") # installed; helpers of tests are not
    set_property(GLOBAL APPEND PROPERTY LAIC_STATIC_LIBRARIES ${name})
  endif()
  if(arg_DEPENDS)
    add_dependencies(${name} ${arg_DEPENDS})
  endif()
endfunction()

# laic_mlir_tblgen(OUTPUT -gen-flag... TD file.td): one generated file in the mirrored build include tree.
function(laic_mlir_tblgen output)
  cmake_parse_arguments(arg "LAIC" "TD" "FLAGS;EXTRA_DEPENDS" ${ARGN})
  set(tool ${MLIR_TBLGEN})
  set(depends "")
  if(arg_LAIC)
    set(tool $<TARGET_FILE:laic-tblgen>)
    set(depends laic-tblgen)
  endif()
  file(GLOB_RECURSE all_td CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/include/laic/*.td)
  add_custom_command(OUTPUT ${CMAKE_CURRENT_BINARY_DIR}/${output}
    COMMAND ${tool} ${arg_FLAGS} -I ${PROJECT_SOURCE_DIR}/include -I ${MLIR_INCLUDE_DIRS}
            ${CMAKE_CURRENT_SOURCE_DIR}/${arg_TD} -o ${CMAKE_CURRENT_BINARY_DIR}/${output} --write-if-changed
    DEPENDS ${all_td} ${depends} ${arg_EXTRA_DEPENDS}
    COMMENT "tblgen ${output}")
endfunction()

# laic_add_mlir_program(NAME SOURCES ... LINK ...): a program that uses MLIR. -fPIC, since the precompiled header is.
function(laic_add_mlir_program name)
  cmake_parse_arguments(arg "" "" "SOURCES;LINK" ${ARGN})
  add_executable(${name} ${arg_SOURCES})
  laic_target_defaults(${name})
  target_compile_options(${name} PRIVATE -fPIC)
  target_precompile_headers(${name} REUSE_FROM LaicPCH)
  target_link_libraries(${name} PRIVATE ${arg_LINK} LaicMLIR)
endfunction()
