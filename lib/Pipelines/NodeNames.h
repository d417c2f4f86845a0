// What users know an operation by: the names of the ONNX nodes in its location.
#ifndef LAIC_LIB_PIPELINES_NODENAMES_H
#define LAIC_LIB_PIPELINES_NODENAMES_H

#include "mlir/IR/Location.h"
#include <string>

namespace laic {

/// Distinct names in the order of the computation, joined by '+'; after a few of them only how many more
/// there are.
std::string nodeNames(mlir::Location loc);

} // namespace laic
#endif
