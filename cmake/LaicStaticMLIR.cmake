# Static MLIR and LLVM for release builds and wheels: every archive of the distribution in one group, symbols hidden.
# (The exported CMake targets of Debian's packages pull in libLLVM.so; a program must not hold both.)
file(GLOB mlir_archives ${LLVM_LIBRARY_DIR}/libMLIR*.a)
list(FILTER mlir_archives EXCLUDE REGEX "Test|CAPI|Execution|Runner|TableGen|Tblgen|Python|SPIRVToLLVMIRTranslation|Tosa.*Test")
execute_process(COMMAND ${LLVM_TOOLS_BINARY_DIR}/llvm-config --link-static --libfiles
    passes x86 aarch64 nvptx object target irreader bitwriter asmparser frontendopenmp coverage
  OUTPUT_VARIABLE llvm_files OUTPUT_STRIP_TRAILING_WHITESPACE)
execute_process(COMMAND ${LLVM_TOOLS_BINARY_DIR}/llvm-config --link-static --system-libs
  OUTPUT_VARIABLE llvm_system OUTPUT_STRIP_TRAILING_WHITESPACE)
separate_arguments(llvm_files UNIX_COMMAND "${llvm_files}")
separate_arguments(llvm_system UNIX_COMMAND "${llvm_system}")
target_link_libraries(LaicMLIR INTERFACE -Wl,--start-group ${mlir_archives} ${llvm_files} -Wl,--end-group ${llvm_system})
# What LLVM could use but no code of ours reaches (Z3, libxml2) is no dependency.
target_link_options(LaicMLIR INTERFACE -Wl,--gc-sections -Wl,--as-needed -Wl,--exclude-libs,ALL)
