// The second operand of a product of activations: packed in panels for many rows, read where it lies for few.
#ifndef LAIC_PANELS_TD
#define LAIC_PANELS_TD

include "laic/Dialect/Laic/LaicBase.td"

def Laic_PackPanelsOp : Laic_Op<"pack_panels", [Pure, AttrSizedOperandSegments]> {
  let summary = "packs the second operand of a laic.contract";
  let description = [{
    result[batch..., p, reductions..., c] = source[map(batch..., 32 p + c, reductions...)], and 0 where 32 p + c is beyond n. `map` takes
    `batch` batch loops, n, and the reduction loops; its results are these loops, each once, or the constant 0.
    With `rows`, nothing need be written where rows < 4: what reads the panels reads the source then (laic.panels).
    `result_sizes`: the sizes of the result's dynamic dims, in order.
  }];
  let arguments = (ins AnyRankedTensor:$source, Optional<Index>:$rows, Variadic<Index>:$result_sizes, AffineMapAttr:$map,
                   I64Attr:$batch);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = [{
    $source (`rows` $rows^)? (`sizes` $result_sizes^)? attr-dict `:` functional-type(operands, results)
  }];
  let extraClassDeclaration = [{
    /// Rows of A from which on packing B costs less than reading it where it lies.
    static constexpr int64_t kManyRows = 4;
  }];
}

def Laic_PanelsOp : Laic_Op<"panels", [Pure]> {
  let summary = "the panels of a source that is read where it lies";
  let description = [{
    B of a laic.contract whose rows are few, or may be: `source` instead of what laic.pack_panels would make of it. `map` and `batch` as
    there. In the body of laic.rows `packed` is what was packed beside it, for calls with many rows; without it rows are always few.
  }];
  let arguments = (ins AnyRankedTensor:$source, Optional<AnyRankedTensor>:$packed, AffineMapAttr:$map, I64Attr:$batch);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "$source (`packed` $packed^)? attr-dict `:` functional-type(operands, results)";
  let extraClassDeclaration = [{
    /// Sizes of the result where those of the source are known.
    llvm::SmallVector<mlir::AffineExpr> resultShape(llvm::ArrayRef<mlir::AffineExpr> source);
  }];
}

#endif
