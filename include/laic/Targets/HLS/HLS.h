// The `hls` dialect and its passes; see HLSOps.td.
#ifndef LAIC_TARGETS_HLS_HLS_H
#define LAIC_TARGETS_HLS_HLS_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinAttributeInterfaces.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Pass/Pass.h"

#include "laic/Targets/HLS/HLSDialect.h.inc"

#include "laic/Targets/HLS/HLSEnums.h.inc"

#define GET_TYPEDEF_CLASSES
#include "laic/Targets/HLS/HLSTypes.h.inc"

#define GET_OP_CLASSES
#include "laic/Targets/HLS/HLSOps.h.inc"

namespace laic::hls {

#define GEN_PASS_DECL
#include "laic/Targets/HLS/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "laic/Targets/HLS/Passes.h.inc"

} // namespace laic::hls
#endif
