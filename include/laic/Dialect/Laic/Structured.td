// Structured operations on lowered tensors for what linalg says badly: search, scan, scatter, recurrence.
#ifndef LAIC_STRUCTURED_TD
#define LAIC_STRUCTURED_TD

include "laic/Dialect/Laic/StructuredBase.td"

def Laic_ArgReduceRowsOp : Laic_StructuredOp<"arg_reduce_rows"> {
  let summary = "index of the largest (or `smallest`) element of every row: [rows, n] -> [rows]";
  let arguments = (ins AnyRankedTensor:$x, Variadic<Index>:$result_sizes, UnitAttr:$smallest, UnitAttr:$last_index,
                   UnitAttr:$is_unsigned);
  let results = (outs AnyRankedTensor:$index);
}
def Laic_ArgReduceColumnsOp : Laic_StructuredOp<"arg_reduce_columns", ["workspaceBytes"]> {
  let summary = "index of the largest (or `smallest`) element along the middle dim: [outer, n, inner] -> [outer, inner]";
  let arguments = (ins AnyRankedTensor:$x, Variadic<Index>:$result_sizes, UnitAttr:$smallest, UnitAttr:$last_index,
                   UnitAttr:$is_unsigned);
  let results = (outs AnyRankedTensor:$index);
}
def Laic_TopKRowsOp : Laic_StructuredOp<"top_k_rows"> {
  let summary = "the k best elements of every row, best first: [rows, n] -> [rows, k], [rows, k]";
  let description = "Equal values keep the order of their indices. k > n is a kernel error.";
  let arguments = (ins AnyRankedTensor:$x, Variadic<Index>:$result_sizes, UnitAttr:$smallest, UnitAttr:$is_unsigned);
  let results = (outs AnyRankedTensor:$values, AnyRankedTensor:$indices);
}
def Laic_ScanOp : Laic_StructuredOp<"scan"> {
  let summary = "running sums (or products) along the middle dim of [outer, n, inner]";
  let arguments = (ins AnyRankedTensor:$x, Variadic<Index>:$result_sizes, UnitAttr:$exclusive, UnitAttr:$reverse,
                   UnitAttr:$product);
  let results = (outs AnyRankedTensor:$y);
}

def Laic_ScatterAlongOp : Laic_StructuredOp<"scatter_along"> {
  let summary = "a copy of `data` with `updates` put where `indices` say along one axis (ONNX ScatterElements)";
  let description = [{
    `reduction` is none, add, mul, max or min. Later updates win in row-major order. The dims before `axis` are tiles.
  }];
  let arguments = (ins AnyRankedTensor:$data, AnyRankedTensor:$indices, AnyRankedTensor:$updates,
                   Variadic<Index>:$result_sizes, I64Attr:$axis, StrAttr:$reduction, UnitAttr:$is_unsigned);
  let results = (outs AnyRankedTensor:$result);
}
def Laic_ScatterTuplesOp : Laic_StructuredOp<"scatter_tuples"> {
  let summary = "a copy of `data` with slices replaced at the index tuples of `indices`' last dim (ONNX ScatterND)";
  let description = "The first dim of a slice is the tiles.";
  let arguments = (ins AnyRankedTensor:$data, AnyRankedTensor:$indices, AnyRankedTensor:$updates,
                   Variadic<Index>:$result_sizes, StrAttr:$reduction, UnitAttr:$is_unsigned);
  let results = (outs AnyRankedTensor:$result);
}

def Laic_AppendOp : Laic_StructuredOp<"append", [], [AttrSizedOperandSegments]> {
  let summary = "a cache with new elements written into it along one axis (concatenation, ONNX TensorScatter)";
  let description = [{
    With i the index along `axis` and p where the new elements begin, an element of `present` is
      - that of `now` at i - p, where `now` has one;
      - otherwise that of `past` at i, where `past` has one;
      - otherwise 0.

    p is the element of `positions` (integers, one for each of dim 0 of `past`), or how long `past` is. `past` is no longer than `present`;
    new elements that would reach beyond it are a kernel error.

    Where both lie at the same address, `past` is not copied: so a key-value cache grows in place (laic-grow-in-place). Elements are
    tiles.
  }];
  let arguments = (ins AnyRankedTensor:$past, AnyRankedTensor:$now, Optional<AnyRankedTensor>:$positions,
                   Variadic<Index>:$result_sizes, I64Attr:$axis);
  let results = (outs AnyRankedTensor:$present);
  let assemblyFormat = [{
    $past `,` $now (`at` $positions^)? (`sizes` $result_sizes^)? attr-dict `:` functional-type(operands, results)
  }];
}

def Laic_RecurrenceOp : Laic_StructuredOp<"recurrence", ["workspaceBytes"], [AttrSizedOperandSegments]> {
  let summary = "the time loop of one direction of an LSTM, GRU or RNN whose input projections are known";
  let description = [{
    `xw` [T, B, G * H]: X * W^T plus every bias that is added before the recurrent part; G is 4 (gates i o f c), 3 (z r h) or 1.
    `r` [H, G * H]: the transposed recurrence weights. `h0`, `c0` [B, H]. `lens` [B] i32: steps of each row; later outputs
    are 0 and the state stays. `peephole` [3 * H] (i o f). `hidden_bias` [H]: GRU's Rb of gate h with `linear_before_reset`.
    Results: y [T, B, H], the last h [B, H] and, for LSTMs, the last c. Activations are named as in ONNX, with one alpha and
    one beta each; `clip` bounds what enters the gates' activations (0: not at all). Blocks of rows of the batch are tiles.
  }];
  let arguments = (ins AnyRankedTensor:$xw, AnyRankedTensor:$r, AnyRankedTensor:$h0, Optional<AnyRankedTensor>:$c0,
                   Optional<AnyRankedTensor>:$lens, Optional<AnyRankedTensor>:$peephole,
                   Optional<AnyRankedTensor>:$hidden_bias, Variadic<Index>:$result_sizes,
                   StrAttr:$cell, StrArrayAttr:$activations, DenseF32ArrayAttr:$alpha, DenseF32ArrayAttr:$beta, F32Attr:$clip,
                   UnitAttr:$reverse, UnitAttr:$input_forget, UnitAttr:$linear_before_reset);
  let results = (outs AnyRankedTensor:$y, AnyRankedTensor:$h, Optional<AnyRankedTensor>:$c);
  let extraClassDeclaration = [{
    int64_t gates() { return getCell() == "lstm" ? 4 : getCell() == "gru" ? 3 : 1; }
    int64_t hiddenSize() { return ::llvm::cast<::mlir::RankedTensorType>(getR().getType()).getDimSize(0); }
  }];
}

#endif
