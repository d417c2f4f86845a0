// Convolution by Winograd's minimal filtering algorithm.
#ifndef LAIC_WINOGRAD_TD
#define LAIC_WINOGRAD_TD

include "laic/Dialect/Laic/LaicBase.td"

def Laic_WinogradYieldOp : Laic_Op<"winograd_yield", [Pure, Terminator, ParentOneOf<["WinogradOp"]>]> {
  let summary = "ends the epilogue of a laic.winograd";
  let arguments = (ins AnyType:$value);
  let assemblyFormat = "$value attr-dict `:` type($value)";
}

def Laic_WinogradOp : Laic_Op<"winograd", [Pure, SingleBlock, AttrSizedOperandSegments]> {
  let summary = "a 3x3 convolution of stride 1 in fewer multiplications: F(2x2,3x3) or F(4x4,3x3)";
  let description = [{
    C[n, oh, ow, f] = epilogue( sum over kh, kw, c of A[n, oh + kh - pads[0], ow + kw - pads[1], c] * W[f, kh, kw, c], extras... ),
    computed in tiles of `tile` x `tile` outputs from T x T inputs, T = `tile` + 2: Y = A^T [ (G g G^T) * (B^T d B) ] A.
    Elements of A outside its bounds count as 0.

    - A: f32 [n, h, w, c], c a multiple of 32.
    - `u` = G g G^T: f32 [f / 32, T * T, c, 32], f a multiple of 32.
    - C: dense row-major [n, oh, ow, f]; any size, tiles are cut at the border.
    - extras, `extra_maps` and the epilogue region as in laic.contract, over the dims (n, oh, ow, f); the region ends in
      laic.winograd_yield.
    - Interpolation points: 0, 1, -1 and infinity for tiles of 2; 0, +-sqrt(1/2), +-sqrt(2) and infinity for tiles of 4.
  }];
  let arguments = (ins AnyRankedTensor:$a, AnyRankedTensor:$u, Variadic<AnyRankedTensor>:$extras,
                   Variadic<Index>:$result_sizes,
                   I64Attr:$tile, DenseI64ArrayAttr:$pads, AffineMapArrayAttr:$extra_maps);
  let results = (outs AnyRankedTensor:$c);
  let regions = (region SizedRegion<1>:$epilogue);
  let assemblyFormat = [{
    $a `,` $u (`extras` $extras^)? (`sizes` $result_sizes^)? attr-dict `:` functional-type(operands, results) $epilogue
  }];
  let hasVerifier = 1;
}

#endif
