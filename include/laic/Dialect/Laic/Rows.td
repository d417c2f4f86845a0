// Chains of reductions and pointwise operations along the same rows, as one operation.
#ifndef LAIC_ROWS_TD
#define LAIC_ROWS_TD

include "laic/Dialect/Laic/LaicBase.td"

def Laic_RowsOp : Laic_Op<"rows", [SingleBlock, RecursiveMemoryEffects]> {
  let summary = "operations on the same rows, computed a few rows at a time";
  let description = [{
    Softmax, layer norm and attention are chains in which every operation needs one row of what the one before it made. The body holds
    linalg.generic and laic.contract on whole tensors; it captures its inputs and ends in laic.outputs. A target computes the
    body for some rows, then for the next ones: what the body does not yield never exists as a whole.

    - Row dims: `rows` = k. Every tensor that the body makes and uses has k leading row dims, of the same sizes in all of them;
      each use reads only the row that its own result belongs to. What is yielded may have its dims in another order.
    - Contractions take rows as A (or make them); B comes from outside.
    - `result_sizes`: the sizes of the results' dynamic dims, in order.
  }];
  let arguments = (ins Variadic<Index>:$result_sizes, I64Attr:$rows);
  let results = (outs Variadic<AnyRankedTensor>:$results);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = "(`sizes` $result_sizes^)? attr-dict `:` type($results) $body";
  let hasRegionVerifier = 1;
  let extraClassDeclaration = [{
    /// The loops of `op` that stand for the row dims, in their order, where the values that `isInside` names are made by the same
    /// body; nullopt where it does not walk rows.
    static std::optional<::llvm::SmallVector<unsigned>> rowLoops(::mlir::Operation *op, unsigned rows,
                                                              ::llvm::function_ref<bool(::mlir::Value)> isInside);
    /// True where the results of `op` have these row loops as their leading dims.
    static bool makesRows(::mlir::Operation *op, ::llvm::ArrayRef<unsigned> loops);
  }];
}

#endif
