// Post-training quantisation of a simplified graph.
#ifndef LAIC_QUANTIZE_QUANTIZE_H
#define LAIC_QUANTIZE_QUANTIZE_H

#include "laic/Quantize/GraphRunner.h"
#include "laic/Quantize/QuantizeOptions.h"

namespace laic {

/// Rewrites @main of a module that the simplify phase has left: QuantizeLinear and DequantizeLinear around the products that are computed
/// in integers, or blocks of integers as their weights. `runner` runs the model on the samples. The same module, samples and options give
/// the same result on any number of threads. Errors and warnings are diagnostics; `summary` gets what was done and what it cost.
llvm::LogicalResult quantize(mlir::ModuleOp module, const QuantizeOptions &options, GraphRunner &runner, std::string &summary);

} // namespace laic
#endif
