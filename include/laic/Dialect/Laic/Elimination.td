// Determinants and inverses, by Gaussian elimination.
#ifndef LAIC_ELIMINATION_TD
#define LAIC_ELIMINATION_TD

include "laic/Dialect/Laic/StructuredBase.td"

def Laic_DetOp : Laic_LoweredOp<"det", "Det", 22> {
  let dtypes = "float";
  let arguments = (ins Laic_Tensor:$x);
  let results = (outs Laic_Tensor:$y);
}

def Laic_InverseOp : Laic_LoweredOp<"inverse", "Inverse", 1> {
  let onnxDomain = "com.microsoft";
  let dtypes = "f32 f16 f64";
  let arguments = (ins Laic_Tensor:$X);
  let results = (outs Laic_Tensor:$Y);
}

def Laic_EliminateOp : Laic_StructuredOp<"eliminate"> {
  let summary = "Gaussian elimination with row exchanges: [count, n, n] -> f64 [count, n, n] and the determinants [count]";
  let description = "Every matrix is a tile.";
  let arguments = (ins AnyRankedTensor:$x, Variadic<Index>:$result_sizes);
  let results = (outs AnyRankedTensor:$reduced, AnyRankedTensor:$determinant);
}

def Laic_InvertOp : Laic_StructuredOp<"invert"> {
  let summary = "inverses by Gauss and Jordan with row exchanges: [count, n, n] -> f64 [count, n, n] (scratch) and the inverses of this shape";
  let description = "Every matrix is a tile. A singular matrix has no finite inverse: infinities or NaN.";
  let arguments = (ins AnyRankedTensor:$x, Variadic<Index>:$result_sizes);
  let results = (outs AnyRankedTensor:$reduced, AnyRankedTensor:$inverse);
}

#endif
