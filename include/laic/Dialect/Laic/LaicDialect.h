// The `laic` dialect itself, its attributes and interfaces: what every family of operations needs.
#ifndef LAIC_DIALECT_LAIC_LAICDIALECT_H
#define LAIC_DIALECT_LAIC_LAICDIALECT_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinAttributeInterfaces.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include <memory>

namespace laic {
class ShapeContext;
class LowerContext;
class ScalarBuilder;
class WeightStore;
class LaicDialect;

/// A call reads at most so many elements of a tensor back for sizes.
constexpr int64_t kMaxReadElements = 64;
/// Of operations that laic-resolve-control-flow replaces before shapes are inferred.
template <typename ConcreteType> class StructuralOp : public mlir::OpTrait::TraitBase<ConcreteType, StructuralOp> {};
} // namespace laic

#include "laic/Dialect/Laic/LaicDialect.h.inc"

#define GET_TYPEDEF_CLASSES
#include "laic/Dialect/Laic/LaicTypes.h.inc"

#define GET_ATTRDEF_CLASSES
#include "laic/Dialect/Laic/LaicAttrs.h.inc"

#include "laic/Dialect/Laic/LaicInterfaces.h.inc"

#endif
