// Structured operations whose results have a size that only the data tells: what is there is put first, zeros follow, and `count` [1] i64
// says how much is there.
#ifndef LAIC_SELECTION_TD
#define LAIC_SELECTION_TD

include "laic/Dialect/Laic/StructuredBase.td"

def Laic_SelectSlicesOp : Laic_StructuredOp<"select_slices"> {
  let summary = "the slices of the middle dim whose flag is set: data [outer, n, inner], flags [m] i8 -> [outer, n, inner], count";
  let description = "Flags beyond n are not looked at; slices beyond m are not selected.";
  let arguments = (ins AnyRankedTensor:$data, AnyRankedTensor:$flags, Variadic<Index>:$result_sizes);
  let results = (outs AnyRankedTensor:$selected, AnyRankedTensor:$count);
}
def Laic_NonZeroIndicesOp : Laic_StructuredOp<"non_zero_indices"> {
  let summary = "the indices of all elements other than 0, in row-major order: x [dims...] -> [rank, elements] i64, count";
  let arguments = (ins AnyRankedTensor:$x, Variadic<Index>:$result_sizes);
  let results = (outs AnyRankedTensor:$indices, AnyRankedTensor:$count);
}
def Laic_UniqueSlicesOp : Laic_StructuredOp<"unique_slices"> {
  let summary = "the different slices of the middle dim: data [outer, n, inner] -> [outer, n, inner] and, [n] i64 each, where each one "
                "is first, which one every slice of the data is, and how often each one is there; count";
  let description = [{
    Slices are compared element by element in row-major order; a NaN is above all numbers and equal to a NaN. They come in ascending order
    with `sorted`, otherwise in the order of their first occurrence. `inverse` is complete, the others are zero beyond the count.
  }];
  let arguments = (ins AnyRankedTensor:$data, Variadic<Index>:$result_sizes, UnitAttr:$sorted, UnitAttr:$is_unsigned);
  let results = (outs AnyRankedTensor:$slices, AnyRankedTensor:$indices, AnyRankedTensor:$inverse, AnyRankedTensor:$counts,
                      AnyRankedTensor:$count);
}

#endif
