// Object detection: pooling of regions, and which boxes to keep.
#ifndef LAIC_DETECTION_TD
#define LAIC_DETECTION_TD

include "laic/Dialect/Laic/LaicBase.td"

def Laic_RoiAlignOp : Laic_LoweredOp<"roi_align", "RoiAlign", 22> {
  let dtypes = "float";
  let arguments = (ins Laic_Tensor:$x, Laic_Tensor:$rois, Laic_Tensor:$batch_indices,
                   DefaultValuedAttr<StrAttr, "\"half_pixel\"">:$coordinate_transformation_mode,
                   DefaultValuedAttr<StrAttr, "\"avg\"">:$mode, DefaultValuedAttr<I64Attr, "1">:$output_height,
                   DefaultValuedAttr<I64Attr, "1">:$output_width, DefaultValuedAttr<I64Attr, "0">:$sampling_ratio,
                   DefaultValuedAttr<F32Attr, "1.0">:$spatial_scale);
  let results = (outs Laic_Tensor:$y);
}
def Laic_MaxRoiPoolOp : Laic_LoweredOp<"max_roi_pool", "MaxRoiPool", 22> {
  let dtypes = "float";
  let arguments = (ins Laic_Tensor:$x, Laic_Tensor:$rois, DenseI64ArrayAttr:$pooled_shape,
                   DefaultValuedAttr<F32Attr, "1.0">:$spatial_scale);
  let results = (outs Laic_Tensor:$y);
}

class Laic_DetectionLoops<string mnemonic> : Laic_Op<mnemonic, [Pure, DeclareOpInterfaceMethods<StructuredOpInterface>]>;

def Laic_AlignRoisOp : Laic_DetectionLoops<"align_rois"> {
  let summary = "every region's bins, sampled bilinearly: [N, C, H, W], [R, 4], [R] -> [R, C, height, width]";
  let description = [{
    f32 or f64. `rois` are x1, y1, x2, y2; `samples` per bin and dim, 0: as many as there are elements in it. With `half_pixel` the
    positions of elements are their centres; without it regions are at least 1 wide. With `max` the largest weighted corner counts,
    otherwise the mean. A channel of a region is a tile. A batch index out of range is a kernel error.
  }];
  let arguments = (ins AnyRankedTensor:$x, AnyRankedTensor:$rois, AnyRankedTensor:$batch, Variadic<Index>:$result_sizes,
                   F64Attr:$scale, I64Attr:$samples, UnitAttr:$half_pixel, UnitAttr:$max);
  let results = (outs AnyRankedTensor:$y);
}
def Laic_PoolRoisOp : Laic_DetectionLoops<"pool_rois"> {
  let summary = "the largest element of every region's bins: [N, C, H, W], [R, 5] -> [R, C, height, width]";
  let description = [{
    f32 or f64. `rois` are batch index, x1, y1, x2, y2, scaled and rounded, ends inclusive. Empty bins are 0. A channel of a region is a
    tile. A batch index out of range is a kernel error.
  }];
  let arguments = (ins AnyRankedTensor:$x, AnyRankedTensor:$rois, Variadic<Index>:$result_sizes, F64Attr:$scale);
  let results = (outs AnyRankedTensor:$y);
}
def Laic_SelectBoxesOp : Laic_DetectionLoops<"select_boxes"> {
  let summary = "non-maximum suppression: which boxes to keep, and how many these are";
  let description = [{
    `boxes` [B, n, 4], `scores` [B, C, n], both f32; `limit` i64 [1]: boxes per batch entry and class; `overlap` f32 [1]: intersection
    over union above which the box of the lower score goes; `least` f32 [1]: scores must be above it. Results: `kept`
    i64 [capacity, 3] with (batch, class, box), best first in every class, zeros behind the last; `count` i64 [1]; `open` i8 [n] is
    scratch. capacity >= B * C * min(n, limit). `center_point_box`: boxes are (x, y, width, height), otherwise two opposite corners
    (y1, x1, y2, x2). One tile.
  }];
  let arguments = (ins AnyRankedTensor:$boxes, AnyRankedTensor:$scores, AnyRankedTensor:$limit, AnyRankedTensor:$overlap,
                   AnyRankedTensor:$least, Variadic<Index>:$result_sizes, UnitAttr:$center_point_box);
  let results = (outs AnyRankedTensor:$kept, AnyRankedTensor:$count, AnyRankedTensor:$open);
}

#endif
