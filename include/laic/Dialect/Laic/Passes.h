// Passes on the `laic` dialect.
#ifndef LAIC_DIALECT_LAIC_PASSES_H
#define LAIC_DIALECT_LAIC_PASSES_H

#include "mlir/Pass/Pass.h"

namespace laic {
#define GEN_PASS_DECL
#include "laic/Dialect/Laic/Passes.h.inc"
#define GEN_PASS_REGISTRATION
#include "laic/Dialect/Laic/Passes.h.inc"
} // namespace laic
#endif
