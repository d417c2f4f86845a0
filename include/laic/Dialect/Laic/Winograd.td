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
  let summary = "a convolution of stride 1 over one or two dims in fewer multiplications: F(2,3), F(4,3) or F(2,5) along each";
  let description = [{
    C[n, o.., f] = epilogue( sum over k.., c of A[n, o + k - pads.., c] * W[f, k.., c], extras... ),
    computed in tiles of `tiles` outputs from T = `tiles` + `taps` - 1 inputs along each dim: Y = A^T [ (G g) * (B^T d) ], and for two dims
    Y = A^T [ (G g G^T) * (B^T d B) ] A. Elements of A outside its bounds count as 0. A dim with a filter of one tap has tiles of one output and
    stays as it is.

    - A: f32 [n, h, w, c] or [n, l, c], c a multiple of 16.
    - `u` = G g G^T: f32 [f / 32, product of T, c, 32], f a multiple of 32.
    - C: dense row-major [n, oh, ow, f] or [n, ol, f]; any size, tiles are cut at the border.
    - `tiles`, `taps`, `pads` (before the first element): one for each of the dims between n and c; tiles of 2 or 4 for 3 taps, of 2 for 5, of 1 for 1.
    - extras, `extra_maps` and the epilogue region as in laic.contract, over the dims of C; the region ends in laic.winograd_yield.
    - Interpolation points: 0, 1, -1 and infinity for T = 4; 0, +-sqrt(1/2), +-sqrt(2) and infinity for T = 6.
  }];
  let arguments = (ins AnyRankedTensor:$a, AnyRankedTensor:$u, Variadic<AnyRankedTensor>:$extras,
                   Variadic<Index>:$result_sizes,
                   DenseI64ArrayAttr:$tiles, DenseI64ArrayAttr:$taps, DenseI64ArrayAttr:$pads, AffineMapArrayAttr:$extra_maps);
  let results = (outs AnyRankedTensor:$c);
  let regions = (region SizedRegion<1>:$epilogue);
  let assemblyFormat = [{
    $a `,` $u (`extras` $extras^)? (`sizes` $result_sizes^)? attr-dict `:` functional-type(operands, results) $epilogue
  }];
  let hasVerifier = 1;
}

#endif
