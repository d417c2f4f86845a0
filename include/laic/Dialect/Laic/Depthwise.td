// Depthwise convolution of images whose channels are not innermost.
#ifndef LAIC_DEPTHWISE_TD
#define LAIC_DEPTHWISE_TD

include "laic/Dialect/Laic/LaicBase.td"

def Laic_DepthwiseYieldOp : Laic_Op<"depthwise_yield", [Pure, Terminator, ParentOneOf<["DepthwiseOp"]>]> {
  let summary = "ends the epilogue of a laic.depthwise";
  let arguments = (ins AnyType:$value);
  let assemblyFormat = "$value attr-dict `:` type($value)";
}

def Laic_DepthwiseOp : Laic_Op<"depthwise", [Pure, SingleBlock, AttrSizedOperandSegments]> {
  let summary = "a depthwise convolution over one or two dims, plane by plane";
  let description = [{
    C[n, c, o..] = epilogue( sum over k.. of A[n, c, o * strides.. + k * dilations.. - pads..] * W[c, k..], extras... )

    Elements of A outside its bounds count as 0. Where laic.contract needs channels innermost, this reads and writes planes as they are.

    - A: f32 [n, c, h, w] or [n, c, l], dense row-major; c is known.
    - W: f32 [c / 32 rounded up, k.., 32], channels beyond the last of any value; dims of one tap may be missing.
    - C: dense row-major [n, c, oh, ow] or [n, c, ol]; any size.
    - `taps`, `strides`, `dilations`, `pads` (before the first element): one for each of the dims behind c.
    - extras, `extra_maps` and the epilogue region as in laic.contract, over the dims of C; the same for all of the last dim. The region
      ends in laic.depthwise_yield.

    ```mlir
    %c = laic.depthwise %a, %w extras %bias {taps = array<i64: 3, 3>, strides = array<i64: 2, 2>, dilations = array<i64: 1, 1>,
        pads = array<i64: 1, 1>, extra_maps = [affine_map<(n, c, h, w) -> (c)>]}
        : (tensor<1x40x8x8xf32>, tensor<2x3x3x32xf32>, tensor<40xf32>) -> tensor<1x40x4x4xf32> {
    ^bb0(%sum: f32, %b: f32):
      %y = arith.addf %sum, %b : f32
      laic.depthwise_yield %y : f32
    }
    ```
  }];
  let arguments = (ins AnyRankedTensor:$a, AnyRankedTensor:$w, Variadic<AnyRankedTensor>:$extras,
                   Variadic<Index>:$result_sizes, DenseI64ArrayAttr:$taps, DenseI64ArrayAttr:$strides,
                   DenseI64ArrayAttr:$dilations, DenseI64ArrayAttr:$pads, AffineMapArrayAttr:$extra_maps);
  let results = (outs AnyRankedTensor:$c);
  let regions = (region SizedRegion<1>:$epilogue);
  let assemblyFormat = [{
    $a `,` $w (`extras` $extras^)? (`sizes` $result_sizes^)? attr-dict `:` functional-type(operands, results) $epilogue
  }];
  let hasVerifier = 1;
}

#endif
