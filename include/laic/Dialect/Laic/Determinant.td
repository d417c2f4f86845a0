// Determinants.
#ifndef LAIC_DETERMINANT_TD
#define LAIC_DETERMINANT_TD

include "laic/Dialect/Laic/LaicBase.td"

def Laic_DetOp : Laic_LoweredOp<"det", "Det", 22> {
  let dtypes = "float";
  let arguments = (ins Laic_Tensor:$x);
  let results = (outs Laic_Tensor:$y);
}

def Laic_EliminateOp : Laic_Op<"eliminate", [Pure, DeclareOpInterfaceMethods<StructuredOpInterface>]> {
  let summary = "Gaussian elimination with row exchanges: [count, n, n] -> f64 [count, n, n] and the determinants [count]";
  let description = "Every matrix is a tile.";
  let arguments = (ins AnyRankedTensor:$x, Variadic<Index>:$result_sizes);
  let results = (outs AnyRankedTensor:$reduced, AnyRankedTensor:$determinant);
}

#endif
