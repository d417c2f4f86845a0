// Operations of `laic` that no ONNX operator stands behind: constants, sizes, and structured operations.
#ifndef LAIC_CORE_TD
#define LAIC_CORE_TD

include "laic/Dialect/Laic/LaicBase.td"

def Laic_WeightAttr : AttrDef<Laic_Dialect, "Weight", [DeclareAttrInterfaceMethods<TypedAttrInterface>]> {
  let mnemonic = "weight";
  let summary = "bytes of a large constant: dense little-endian elements at an offset of a file or of a spill buffer";
  let description = [{
    `#laic.weight<"net.onnx", 1184, 3456 : tensor<32x3x3x3xf32>>`. The bytes are found through the dialect's WeightStore
    and stay mapped; they are never printed.
  }];
  let parameters = (ins "::mlir::StringAttr":$source, "int64_t":$offset, "int64_t":$length, AttributeSelfTypeParameter<"">:$type);
  let assemblyFormat = "`<` $source `,` $offset `,` $length `>`";
}

def Laic_NoneOp : Laic_Op<"none", [Pure]> {
  let summary = "an absent optional operand";
  let results = (outs NoneType:$result);
  let assemblyFormat = "attr-dict `:` type($result)";
}

def Laic_ConstantOp : Laic_Op<"constant", [Pure]> {
  let summary = "a constant tensor: dense elements up to 1 KiB, otherwise #laic.weight";
  let description = "Before lowering, types are ONNX types (i1, ui8); after it lowered ones (i8).";
  let arguments = (ins AnyAttr:$value);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "attr-dict `:` type($result)";
}

def Laic_SizeOp : Laic_Op<"size", [Pure]> {
  let summary = "an i64 size: a one-result affine map over the function's size symbols";
  let description = [{ `%0 = laic.size affine_map<()[s0, s1] -> (s0 * s1 + 2)>`: evaluated on the host before the first kernel. }];
  let arguments = (ins AffineMapAttr:$map);
  let results = (outs Index:$result);
  let assemblyFormat = "$map attr-dict";
}

def Laic_ReadSizesOp : Laic_Op<"read_sizes", [MemoryEffects<[MemWrite]>]> {
  let summary = "makes the elements of a small integer tensor size symbols of kind `read`";
  let description = [{
    The sizes that depend on them are late: known in the middle of a call, when the tensor has been computed. Inference adds
    one where an operator asks for contents that nothing else tells (ShapeContext::sizes); every later step may use the symbols.
  }];
  let arguments = (ins AnyTensor:$tensor, I64Attr:$read);
  let assemblyFormat = "$tensor `as` $read attr-dict `:` type($tensor)";
}

def Laic_SizesTensorOp : Laic_Op<"sizes_tensor", [Pure]> {
  let summary = "a small integer tensor whose elements are sizes";
  let description = "Elements in row-major order: index operands converted to the element type (i32 or i64).";
  let arguments = (ins Variadic<Index>:$elements);
  let results = (outs AnyRankedTensor:$result);
}

def Laic_CheckIndexOp : Laic_Op<"check_index", []> {
  let summary = "refuses an index that is out of range";
  let description = [{
    Inside a kernel body. Returns `index` where 0 <= index < bound; otherwise records the kernel error `code` (LAIC_KERNEL_*) with
    `original` as its value and returns 0, so that what follows stays in bounds.
  }];
  let arguments = (ins Index:$index, Index:$bound, I64:$original, DefaultValuedAttr<I32Attr, "1">:$code);
  let results = (outs Index:$result);
  let assemblyFormat = "$index `below` $bound `value` $original attr-dict";
}

def Laic_YieldOp : Laic_Op<"yield", [Pure, Terminator, ParentOneOf<["ContractOp"]>]> {
  let summary = "ends an epilogue";
  let arguments = (ins Variadic<AnyType>:$values);
  let assemblyFormat = "attr-dict ($values^ `:` type($values))?";
}

def Laic_ContractOp : Laic_Op<"contract", [Pure, SingleBlock, AttrSizedOperandSegments]> {
  let summary = "the one contraction: matmul, batched matmul, convolution of any stride, dilation and group, depthwise";
  let description = [{
    Loop dims, in this order: P parallel dims (the last is n, the output channel or column), then R reduction dims; `parallel` = P.
    C[c(d)] = epilogue( sum over reduction dims of A[a(d)] * B(d), extras... ).

    - `a_map`: dims -> indices of A, each an affine sum of dims times constants (`oh * 2 + kh * 3`). Reads never leave A:
      padding was materialised. If a_map uses n, the contraction is depthwise and A is read as vectors.
    - B is packed in panels: B[batch..., n floordiv 32, reduction dims..., n mod 32], zero-filled to a multiple of 32 in n; `b_batch`
      lists the parallel dims (other than n) that index its leading dims, in order. Its reduction dims are all R dims in order.
      Where a loop of `b_batch` is longer than its dim of B, s instead of t, s / t neighbours share what they read, as the query heads
      of grouped attention do: the index is d floordiv (s / t). Both are static then.
    - `group`: where it is not 1, that many neighbours along the last reduction dim lie together, for instructions that sum them up:
      B[batch..., n floordiv 32, reduction dims..., last dim floordiv group, n mod 32, last dim mod group]. Its size is a multiple of
      the group, and A holds the neighbours side by side. 4 for A and B of bytes, 2 for A of f32 and B of bf16. Not for depthwise
      contractions.
    - C: indices are exactly the parallel dims in order; dense row-major, n innermost. n need not be a multiple of 32.
    - extras: epilogue operands; `extra_maps` gives each one's indices as a map from the P parallel dims (results are
      dims or the constant 0).
    - epilogue region: block arguments are the accumulator (f32 for float A and B, i32 for integers), then one scalar per
      extra; it yields the value stored to C.
    - `unsigned_a`, `unsigned_b`: how i8 operands are extended.
    Sizes of loop dims: parallel from C, n's from C, reduction dims from B (the last one times the group).
  }];
  let arguments = (ins AnyRankedTensor:$a, AnyRankedTensor:$b, Variadic<AnyRankedTensor>:$extras,
                   Variadic<Index>:$result_sizes,
                   I64Attr:$parallel, AffineMapAttr:$a_map, DenseI64ArrayAttr:$b_batch, AffineMapArrayAttr:$extra_maps,
                   UnitAttr:$unsigned_a, UnitAttr:$unsigned_b, DefaultValuedAttr<I64Attr, "1">:$group);
  let results = (outs AnyRankedTensor:$c);
  let regions = (region SizedRegion<1>:$epilogue);
  let assemblyFormat = [{
    $a `,` $b (`extras` $extras^)? (`sizes` $result_sizes^)? attr-dict `:` functional-type(operands, results) $epilogue
  }];
}

#endif
