// Matrix products.
#ifndef LAIC_LINEAR_TD
#define LAIC_LINEAR_TD

include "laic/Dialect/Laic/LaicBase.td"

def Laic_MatMulOp : Laic_LoweredOp<"matmul", "MatMul", 13> {
  let dtypes = "float i32 i64 u32 u64";
  let arguments = (ins Laic_Tensor:$a, Laic_Tensor:$b);
  let results = (outs Laic_Tensor:$y);
}
def Laic_GemmOp : Laic_LoweredOp<"gemm", "Gemm", 13> {
  let dtypes = "float i32 i64 u32 u64";
  let arguments = (ins Laic_Tensor:$a, Laic_Tensor:$b, Laic_OptTensor:$c, DefaultValuedAttr<F32Attr, "1.0">:$alpha,
                   DefaultValuedAttr<F32Attr, "1.0">:$beta, DefaultValuedAttr<I64Attr, "0">:$transA,
                   DefaultValuedAttr<I64Attr, "0">:$transB);
  let results = (outs Laic_Tensor:$y);
}

#endif
