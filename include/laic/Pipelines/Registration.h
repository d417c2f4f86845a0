// Everything that a program needs to know all of laic's dialects and passes.
#ifndef LAIC_PIPELINES_REGISTRATION_H
#define LAIC_PIPELINES_REGISTRATION_H

#include "mlir/IR/DialectRegistry.h"

namespace laic {

/// laic's dialects, the upstream ones that its pipelines use, and the interfaces that passes on them need.
void registerAllDialects(mlir::DialectRegistry &registry);
/// laic's passes and the upstream ones that tests use (canonicalize, cse).
void registerAllPasses();

} // namespace laic
#endif
