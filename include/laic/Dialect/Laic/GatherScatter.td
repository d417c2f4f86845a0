// Operators that move elements by indices that come as data; every index is checked where it is used.
#ifndef LAIC_GATHERSCATTER_TD
#define LAIC_GATHERSCATTER_TD

include "laic/Dialect/Laic/LaicBase.td"

def Laic_GatherOp : Laic_LoweredOp<"gather", "Gather", 13> {
  let dtypes = "float int uint bool string";
  let arguments = (ins Laic_Tensor:$data, Laic_Tensor:$indices, DefaultValuedAttr<I64Attr, "0">:$axis);
  let results = (outs Laic_Tensor:$output);
}
def Laic_GatherElementsOp : Laic_LoweredOp<"gather_elements", "GatherElements", 13> {
  let dtypes = "float int uint bool string";
  let arguments = (ins Laic_Tensor:$data, Laic_Tensor:$indices, DefaultValuedAttr<I64Attr, "0">:$axis);
  let results = (outs Laic_Tensor:$output);
}
def Laic_GatherNDOp : Laic_LoweredOp<"gather_nd", "GatherND", 13> {
  let dtypes = "float int uint bool string";
  let arguments = (ins Laic_Tensor:$data, Laic_Tensor:$indices, DefaultValuedAttr<I64Attr, "0">:$batch_dims);
  let results = (outs Laic_Tensor:$output);
}
def Laic_ScatterElementsOp : Laic_LoweredOp<"scatter_elements", "ScatterElements", 18> {
  let dtypes = "float int uint bool string";
  let arguments = (ins Laic_Tensor:$data, Laic_Tensor:$indices, Laic_Tensor:$updates,
                   DefaultValuedAttr<I64Attr, "0">:$axis, DefaultValuedAttr<StrAttr, "\"none\"">:$reduction);
  let results = (outs Laic_Tensor:$output);
}
def Laic_ScatterNDOp : Laic_LoweredOp<"scatter_nd", "ScatterND", 18> {
  let dtypes = "float int uint bool string";
  let arguments = (ins Laic_Tensor:$data, Laic_Tensor:$indices, Laic_Tensor:$updates,
                   DefaultValuedAttr<StrAttr, "\"none\"">:$reduction);
  let results = (outs Laic_Tensor:$output);
}
def Laic_ReverseSequenceOp : Laic_LoweredOp<"reverse_sequence", "ReverseSequence", 28> {
  let dtypes = "float int uint bool string";
  let arguments = (ins Laic_Tensor:$input, Laic_Tensor:$sequence_lens, DefaultValuedAttr<I64Attr, "1">:$batch_axis,
                   DefaultValuedAttr<I64Attr, "0">:$time_axis);
  let results = (outs Laic_Tensor:$Y);
}

#endif
