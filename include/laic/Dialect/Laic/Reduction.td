// Operators that reduce, search or scan along axes.
#ifndef LAIC_REDUCTION_TD
#define LAIC_REDUCTION_TD

include "laic/Dialect/Laic/LaicBase.td"

class Laic_ReduceOp<string mnemonic, string onnx, int since> : Laic_LoweredOp<mnemonic, onnx, since> {
  let arguments = (ins Laic_Tensor:$data, Laic_OptTensor:$axes, DefaultValuedAttr<I64Attr, "1">:$keepdims,
                   DefaultValuedAttr<I64Attr, "0">:$noop_with_empty_axes);
  let results = (outs Laic_Tensor:$reduced);
}
let dtypes = "float i32 i64 u32 u64" in {
def Laic_ReduceSumOp : Laic_ReduceOp<"reduce_sum", "ReduceSum", 13>;
def Laic_ReduceMeanOp : Laic_ReduceOp<"reduce_mean", "ReduceMean", 18>;
}
let dtypes = "float i8 i32 i64 u8 u32 u64 bool" in {
def Laic_ReduceMaxOp : Laic_ReduceOp<"reduce_max", "ReduceMax", 20>;
def Laic_ReduceMinOp : Laic_ReduceOp<"reduce_min", "ReduceMin", 20>;
}
let dtypes = "float i32 i64 u32 u64" in {
def Laic_ReduceProdOp : Laic_ReduceOp<"reduce_prod", "ReduceProd", 18>;
def Laic_ReduceL1Op : Laic_ReduceOp<"reduce_l1", "ReduceL1", 18>;
def Laic_ReduceL2Op : Laic_ReduceOp<"reduce_l2", "ReduceL2", 18>;
}
let dtypes = "float" in {
def Laic_ReduceLogSumOp : Laic_ReduceOp<"reduce_log_sum", "ReduceLogSum", 28>;
def Laic_ReduceLogSumExpOp : Laic_ReduceOp<"reduce_log_sum_exp", "ReduceLogSumExp", 28>;
}
let dtypes = "float i32 i64 u32 u64" in
def Laic_ReduceSumSquareOp : Laic_ReduceOp<"reduce_sum_square", "ReduceSumSquare", 18>;

class Laic_ArgReduceOp<string mnemonic, string onnx> : Laic_LoweredOp<mnemonic, onnx, 13> {
  let arguments = (ins Laic_Tensor:$data, DefaultValuedAttr<I64Attr, "0">:$axis,
                   DefaultValuedAttr<I64Attr, "1">:$keepdims, DefaultValuedAttr<I64Attr, "0">:$select_last_index);
  let results = (outs Laic_Tensor:$reduced);
}
let dtypes = "float int uint" in {
def Laic_ArgMaxOp : Laic_ArgReduceOp<"arg_max", "ArgMax">;
def Laic_ArgMinOp : Laic_ArgReduceOp<"arg_min", "ArgMin">;
}

def Laic_HardmaxOp : Laic_LoweredOp<"hardmax", "Hardmax", 13> {
  let dtypes = "float";
  let arguments = (ins Laic_Tensor:$input, DefaultValuedAttr<I64Attr, "-1">:$axis);
  let results = (outs Laic_Tensor:$output);
}
def Laic_TopKOp : Laic_LoweredOp<"top_k", "TopK", 24> {
  let dtypes = "float int uint";
  let description = "`K` must be known when compiling (a constant or a size). Equal values keep the order of their indices.";
  let arguments = (ins Laic_Tensor:$X, Laic_Tensor:$K, DefaultValuedAttr<I64Attr, "-1">:$axis,
                   DefaultValuedAttr<I64Attr, "1">:$largest, DefaultValuedAttr<I64Attr, "1">:$sorted);
  let results = (outs Laic_Tensor:$Values, Laic_Tensor:$Indices);
}
def Laic_CumSumOp : Laic_LoweredOp<"cum_sum", "CumSum", 14> {
  let dtypes = "float i32 i64 u32 u64";
  let arguments = (ins Laic_Tensor:$x, Laic_Tensor:$axis, DefaultValuedAttr<I64Attr, "0">:$exclusive,
                   DefaultValuedAttr<I64Attr, "0">:$reverse);
  let results = (outs Laic_Tensor:$y);
}
def Laic_CumProdOp : Laic_LoweredOp<"cum_prod", "CumProd", 26> {
  let dtypes = "float i32 i64 u32 u64";
  let arguments = (ins Laic_Tensor:$x, Laic_Tensor:$axis, DefaultValuedAttr<I64Attr, "0">:$exclusive,
                   DefaultValuedAttr<I64Attr, "0">:$reverse);
  let results = (outs Laic_Tensor:$y);
}
def Laic_EinsumOp : Laic_LoweredOp<"einsum", "Einsum", 28> {
  let dtypes = "float int uint";
  let arguments = (ins Variadic<Laic_Tensor>:$Inputs, StrAttr:$equation);
  let results = (outs Laic_Tensor:$Output);
}

#endif
