// The `plan` dialect: dispatches on tensors and the host schedule.
#ifndef LAIC_DIALECT_PLAN_PLAN_H
#define LAIC_DIALECT_PLAN_PLAN_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/AffineMap.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "laic/Dialect/Plan/PlanDialect.h.inc"

#define GET_TYPEDEF_CLASSES
#include "laic/Dialect/Plan/PlanTypes.h.inc"

#define GET_OP_CLASSES
#include "laic/Dialect/Plan/PlanOps.h.inc"

#endif
