// Operators that move elements by a rule that does not depend on data.
#ifndef LAIC_DATAMOVEMENT_TD
#define LAIC_DATAMOVEMENT_TD

include "laic/Dialect/Laic/LaicBase.td"

def Laic_TransposeOp : Laic_LoweredOp<"transpose", "Transpose", 25> {
  let dtypes = "float int uint bool narrow string";
  let arguments = (ins Laic_Tensor:$data, OptionalAttr<DenseI64ArrayAttr>:$perm);
  let results = (outs Laic_Tensor:$transposed);
}
def Laic_ConcatOp : Laic_LoweredOp<"concat", "Concat", 13> {
  let dtypes = "float int uint bool string";
  let arguments = (ins Variadic<Laic_Tensor>:$inputs, I64Attr:$axis);
  let results = (outs Laic_Tensor:$concat_result);
}
def Laic_SplitOp : Laic_LoweredOp<"split", "Split", 18> {
  let dtypes = "float int uint bool string";
  let arguments = (ins Laic_Tensor:$input, Laic_OptTensor:$split, DefaultValuedAttr<I64Attr, "0">:$axis,
                   OptionalAttr<I64Attr>:$num_outputs);
  let results = (outs Variadic<Laic_Tensor>:$outputs);
}
def Laic_SliceOp : Laic_LoweredOp<"slice", "Slice", 13> {
  let dtypes = "float int uint bool string";
  let arguments = (ins Laic_Tensor:$data, Laic_Tensor:$starts, Laic_Tensor:$ends, Laic_OptTensor:$axes,
                   Laic_OptTensor:$steps);
  let results = (outs Laic_Tensor:$output);
}
def Laic_PadOp : Laic_LoweredOp<"pad", "Pad", 25> {
  let dtypes = "float int uint bool f8E4M3FN f8E4M3FNUZ f8E5M2 f8E5M2FNUZ f4E2M1 i4 u4 i2 u2"; // f8E8M0 has no zero
  let description = "Pads may be sizes. Negative pads are cut first; the mode applies to what is left.";
  let arguments = (ins Laic_Tensor:$data, Laic_Tensor:$pads, Laic_OptTensor:$constant_value, Laic_OptTensor:$axes,
                   DefaultValuedAttr<StrAttr, "\"constant\"">:$mode);
  let results = (outs Laic_Tensor:$output);
}
def Laic_DepthToSpaceOp : Laic_LoweredOp<"depth_to_space", "DepthToSpace", 28> {
  let dtypes = "float int uint bool string";
  let arguments = (ins Laic_Tensor:$input, I64Attr:$blocksize, DefaultValuedAttr<StrAttr, "\"DCR\"">:$mode);
  let results = (outs Laic_Tensor:$output);
}
def Laic_SpaceToDepthOp : Laic_LoweredOp<"space_to_depth", "SpaceToDepth", 28> {
  let dtypes = "float int uint bool string";
  let arguments = (ins Laic_Tensor:$input, I64Attr:$blocksize, DefaultValuedAttr<StrAttr, "\"DCR\"">:$mode);
  let results = (outs Laic_Tensor:$output);
}

#endif
