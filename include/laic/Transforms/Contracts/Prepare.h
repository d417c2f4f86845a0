// Layouts and contractions, so that every data-moving operation becomes one kernel: what all targets with kernels do before dispatches
// are formed, so that they share the bytes of packed weights.
#ifndef LAIC_TRANSFORMS_CONTRACTS_PREPARE_H
#define LAIC_TRANSFORMS_CONTRACTS_PREPARE_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

#include <memory>

namespace laic::contracts {

#define GEN_PASS_DECL
#include "laic/Transforms/Contracts/Passes.h.inc"
#define GEN_PASS_REGISTRATION
#include "laic/Transforms/Contracts/Passes.h.inc"

struct PrepareOptions {
  bool rows = false;          // chains along rows become laic.rows, for targets with code for it
  bool panels = false;        // operands that are no constants are packed by laic.pack_panels
  int64_t group = 1;          // neighbours along a reduction over bytes that the target's products take together
  bool blockProducts = false; // products with matrices of few bits become laic.block_product
  bool roundRows = false;     // those with many rows round them to bytes where the model allows it
  bool depthwise = false;     // depthwise convolutions that stand alone become laic.depthwise
  bool winograd = false;      // convolutions of few taps become laic.winograd, likewise
  bool bf16 = false;          // constant f32 operands of products are rounded to bf16
};

/// The passes above in the order of the dispatch phase, with canonicalization between them, on functions.
void buildPrepare(mlir::OpPassManager &functions, const PrepareOptions &options = {});

/// Runs them on a lowered module. Afterwards every operation that moves data is one
/// of linalg.generic, laic.contract, tensor.pad, tensor.concat, tensor.extract_slice, tensor.insert_slice,
/// linalg.transpose, laic.sizes_tensor, laic.rows, laic.block_product, laic.pack_panels, laic.depthwise, laic.winograd, a structured operation, or a linalg.fill. Emits remarks on what was
/// decided; fails on invalid IR only.
llvm::LogicalResult prepare(mlir::ModuleOp module, const PrepareOptions &options = {});

} // namespace laic::contracts
#endif
