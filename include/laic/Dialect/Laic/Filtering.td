// Operators whose results have as many elements as the data says. Inference puts two operations in the place of each: one that fills
// the front of a result of the largest size and counts, and a Slice to the count, which a call reads back.
#ifndef LAIC_FILTERING_TD
#define LAIC_FILTERING_TD

include "laic/Dialect/Laic/LaicBase.td"

class Laic_CountedOp<string mnemonic, string onnx, int since> : Laic_OnnxOp<mnemonic, onnx, since, ["inferShapes"], [Pure]>;

def Laic_NonZeroOp : Laic_CountedOp<"non_zero", "NonZero", 13> {
  let arguments = (ins Laic_Tensor:$x);
  let results = (outs Laic_Tensor:$y);
}
def Laic_CompressOp : Laic_CountedOp<"compress", "Compress", 28> {
  let dtypes = "float int uint bool string";
  let arguments = (ins Laic_Tensor:$input, Laic_Tensor:$condition, OptionalAttr<I64Attr>:$axis);
  let results = (outs Laic_Tensor:$output);
}
def Laic_UniqueOp : Laic_CountedOp<"unique", "Unique", 28> {
  let dtypes = "float int uint";
  let arguments = (ins Laic_Tensor:$x, OptionalAttr<I64Attr>:$axis, DefaultValuedAttr<I64Attr, "1">:$sorted);
  let results = (outs Laic_Tensor:$y, Laic_Tensor:$indices, Laic_Tensor:$inverse_indices, Laic_Tensor:$counts);
}
def Laic_NonMaxSuppressionOp : Laic_CountedOp<"non_max_suppression", "NonMaxSuppression", 11> {
  let dtypes = "f32";
  let arguments = (ins Laic_Tensor:$boxes, Laic_Tensor:$scores, Laic_OptTensor:$max_output_boxes_per_class,
                   Laic_OptTensor:$iou_threshold, Laic_OptTensor:$score_threshold,
                   DefaultValuedAttr<I64Attr, "0">:$center_point_box);
  let results = (outs Laic_Tensor:$selected_indices);
}

// The first halves. Results as the structured operations of Selection.td and Detection.td have them, with the count last: i64 [1].
class Laic_FillingOp<string mnemonic>
    : Laic_Op<mnemonic, [Pure, DeclareOpInterfaceMethods<OnnxOpInterface, ["inferShapes", "lower"]>]>;

def Laic_FillNonZeroOp : Laic_FillingOp<"fill_non_zero"> {
  let summary = "x -> [rank, elements] i64, count";
  let arguments = (ins Laic_Tensor:$x);
  let results = (outs Laic_Tensor:$indices, Laic_Tensor:$count);
}
def Laic_FillCompressedOp : Laic_FillingOp<"fill_compressed"> {
  let summary = "data, flags -> data with the chosen slices along `axis` in front, count";
  let arguments = (ins Laic_Tensor:$data, Laic_Tensor:$flags, I64Attr:$axis);
  let results = (outs Laic_Tensor:$selected, Laic_Tensor:$count);
}
def Laic_FillUniqueOp : Laic_FillingOp<"fill_unique"> {
  let summary = "data -> data with the different slices along `axis` in front, indices, inverse, counts ([n] i64 each), count";
  let arguments = (ins Laic_Tensor:$data, I64Attr:$axis, UnitAttr:$sorted);
  let results = (outs Laic_Tensor:$slices, Laic_Tensor:$indices, Laic_Tensor:$inverse, Laic_Tensor:$counts, Laic_Tensor:$count);
}
def Laic_FillKeptBoxesOp : Laic_FillingOp<"fill_kept_boxes"> {
  let summary = "boxes, scores, limit i64 [1], overlap f32 [1], least f32 [1] -> [capacity, 3] i64, count";
  let arguments = (ins Laic_Tensor:$boxes, Laic_Tensor:$scores, Laic_Tensor:$limit, Laic_Tensor:$overlap, Laic_Tensor:$least,
                   UnitAttr:$center_point_box);
  let results = (outs Laic_Tensor:$kept, Laic_Tensor:$count);
}

#endif
