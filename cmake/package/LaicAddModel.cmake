# laic_add_model(NAME MODEL model.onnx [TARGETS cpu,...] [CPU LEVELS] [DIMS NAME=VALUE ...] [OPTIONS ...])
#
# Compiles a model when it, or a file of external data that it names, has changed. Makes
#   NAME.bin   the artifact, in the current binary folder
#   NAME.h     its signature: input and output names, types, dims; and NAME_data, NAME_size
#   NAME       a library to link: the artifact's bytes on a page of their own, and Laic::runtime
include_guard(GLOBAL)
set(LAIC_PACKAGE_DIR ${CMAKE_CURRENT_LIST_DIR})

function(laic_add_model name)
  cmake_parse_arguments(arg "" "MODEL;TARGETS;CPU" "DIMS;OPTIONS" ${ARGN})
  if(NOT arg_MODEL)
    message(FATAL_ERROR "laic_add_model(${name}): MODEL is missing")
  endif()
  if(arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "laic_add_model(${name}): unknown arguments: ${arg_UNPARSED_ARGUMENTS}")
  endif()
  get_filename_component(model ${arg_MODEL} ABSOLUTE)
  set(command ${LAIC_HOST_COMPILER} ${model} -o ${CMAKE_CURRENT_BINARY_DIR}/${name}.bin --quiet
      --depfile ${CMAKE_CURRENT_BINARY_DIR}/${name}.d)
  if(arg_TARGETS)
    list(APPEND command --target=${arg_TARGETS})
  endif()
  if(arg_CPU)
    list(APPEND command --cpu=${arg_CPU})
  endif()
  foreach(dim ${arg_DIMS})
    list(APPEND command --dim ${dim})
  endforeach()
  set(bin ${CMAKE_CURRENT_BINARY_DIR}/${name}.bin)
  set(header ${CMAKE_CURRENT_BINARY_DIR}/${name}.h)
  set(source ${CMAKE_CURRENT_BINARY_DIR}/${name}_data.c)
  add_custom_command(OUTPUT ${bin} COMMAND ${command} ${arg_OPTIONS}
    DEPENDS ${model} ${LAIC_HOST_COMPILER} DEPFILE ${CMAKE_CURRENT_BINARY_DIR}/${name}.d
    COMMENT "laic ${name}" VERBATIM)
  add_custom_command(OUTPUT ${header}
    COMMAND ${CMAKE_COMMAND} -DINSPECT=${LAIC_HOST_INSPECT} -DARTIFACT=${bin} -DNAME=${name} -DOUT=${header}
            -P ${LAIC_PACKAGE_DIR}/LaicSignatureHeader.cmake
    DEPENDS ${bin} COMMENT "signature of ${name}" VERBATIM)
  file(WRITE ${source}.in [=[
/* The bytes of a laic artifact, on a page of their own. */
#include "@name@.h"
__asm__(".section .rodata.laic,\"a\"\n.balign 4096\n.globl @name@_data\n.hidden @name@_data\n@name@_data:\n"
        ".incbin \"@bin@\"\n.globl @name@_end\n.hidden @name@_end\n@name@_end:\n.balign 4096\n.previous\n");
]=])
  configure_file(${source}.in ${source} @ONLY)
  set_source_files_properties(${source} PROPERTIES OBJECT_DEPENDS "${bin};${header}")
  add_library(${name} STATIC ${source})
  target_include_directories(${name} PUBLIC ${CMAKE_CURRENT_BINARY_DIR})
  target_link_libraries(${name} PUBLIC Laic::runtime)
endfunction()
