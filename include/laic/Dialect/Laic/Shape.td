// Operators that say or change shapes without computing: most of them move no data at all.
#ifndef LAIC_SHAPE_TD
#define LAIC_SHAPE_TD

include "laic/Dialect/Laic/LaicBase.td"

// ---- sizes as values ----
def Laic_ShapeOp : Laic_ShapeOnlyOp<"shape", "Shape", 25> {
  let dtypes = "float int uint bool narrow string";
  let arguments = (ins Laic_Tensor:$data, OptionalAttr<I64Attr>:$end, DefaultValuedAttr<I64Attr, "0">:$start);
  let results = (outs Laic_Tensor:$shape);
}
def Laic_SizeOfOp : Laic_ShapeOnlyOp<"size_of", "Size", 25> {
  let dtypes = "float int uint bool narrow string";
  let arguments = (ins Laic_Tensor:$data);
  let results = (outs Laic_Tensor:$size);
}

// ---- the same elements in another shape ----
def Laic_ReshapeOp : Laic_LoweredOp<"reshape", "Reshape", 25> {
  let dtypes = "float int uint bool narrow string";
  let arguments = (ins Laic_Tensor:$data, Laic_Tensor:$shape, DefaultValuedAttr<I64Attr, "0">:$allowzero);
  let results = (outs Laic_Tensor:$reshaped);
}
def Laic_FlattenOp : Laic_LoweredOp<"flatten", "Flatten", 25> {
  let dtypes = "float int uint bool narrow string";
  let arguments = (ins Laic_Tensor:$input, DefaultValuedAttr<I64Attr, "1">:$axis);
  let results = (outs Laic_Tensor:$output);
}
def Laic_SqueezeOp : Laic_LoweredOp<"squeeze", "Squeeze", 25> {
  let dtypes = "float int uint bool narrow string";
  let arguments = (ins Laic_Tensor:$data, Laic_OptTensor:$axes);
  let results = (outs Laic_Tensor:$squeezed);
}
def Laic_UnsqueezeOp : Laic_LoweredOp<"unsqueeze", "Unsqueeze", 25> {
  let dtypes = "float int uint bool narrow string";
  let arguments = (ins Laic_Tensor:$data, Laic_Tensor:$axes);
  let results = (outs Laic_Tensor:$expanded);
}

// ---- repetition ----
def Laic_ExpandOp : Laic_LoweredOp<"expand", "Expand", 13> {
  let dtypes = "float int uint bool string";
  let arguments = (ins Laic_Tensor:$input, Laic_Tensor:$shape);
  let results = (outs Laic_Tensor:$output);
}
def Laic_TileOp : Laic_LoweredOp<"tile", "Tile", 13> {
  let dtypes = "float int uint bool string";
  let arguments = (ins Laic_Tensor:$input, Laic_Tensor:$repeats);
  let results = (outs Laic_Tensor:$output);
}

// ---- generated tensors ----
def Laic_RangeOp : Laic_LoweredOp<"range", "Range", 27> {
  let dtypes = "float i16 i32 i64";
  let arguments = (ins Laic_Tensor:$start, Laic_Tensor:$limit, Laic_Tensor:$delta,
                   DefaultValuedAttr<I64Attr, "1">:$stash_type);
  let results = (outs Laic_Tensor:$output);
}
def Laic_RangeCountOp : Laic_Op<"range_count", [Pure, DeclareOpInterfaceMethods<OnnxOpInterface, ["inferShapes", "lower"]>]> {
  let summary = "how many elements a Range of floats has: max(ceil((limit - start) / delta), 0), an i64 scalar";
  let arguments = (ins Laic_Tensor:$start, Laic_Tensor:$limit, Laic_Tensor:$delta);
  let results = (outs Laic_Tensor:$count);
}
def Laic_ConstantOfShapeOp : Laic_LoweredOp<"constant_of_shape", "ConstantOfShape", 25> {
  let dtypes = "i64";
  let arguments = (ins Laic_Tensor:$input, OptionalAttr<ElementsAttr>:$value);
  let results = (outs Laic_Tensor:$output);
}
def Laic_EyeLikeOp : Laic_LoweredOp<"eye_like", "EyeLike", 22> {
  let arguments = (ins Laic_Tensor:$input, OptionalAttr<I64Attr>:$dtype, DefaultValuedAttr<I64Attr, "0">:$k);
  let results = (outs Laic_Tensor:$output);
}
def Laic_OneHotOp : Laic_LoweredOp<"one_hot", "OneHot", 28> {
  let dtypes = "float int uint bool string";
  let arguments = (ins Laic_Tensor:$indices, Laic_Tensor:$depth, Laic_Tensor:$values,
                   DefaultValuedAttr<I64Attr, "-1">:$axis);
  let results = (outs Laic_Tensor:$output);
  let typedOperand = 2;
}
def Laic_TriluOp : Laic_LoweredOp<"trilu", "Trilu", 14> {
  let arguments = (ins Laic_Tensor:$input, Laic_OptTensor:$k, DefaultValuedAttr<I64Attr, "1">:$upper);
  let results = (outs Laic_Tensor:$output);
}

// ---- a mask in training, nothing at inference; a cast ----
def Laic_DropoutOp : Laic_LoweredOp<"dropout", "Dropout", 22> {
  let dtypes = "float";
  let description = [{
    Without training mode the output is the input and the mask is true. In training mode the mask is the one that NumPy's legacy
    generator (MT19937) gives for `seed`, so that it can be compared bit by bit.
  }];
  let arguments = (ins Laic_Tensor:$data, Laic_OptTensor:$ratio, Laic_OptTensor:$training_mode,
                   OptionalAttr<I64Attr>:$seed);
  let results = (outs Laic_Tensor:$output, Laic_Tensor:$mask);
}
def Laic_CastLikeOp : Laic_DecomposedOp<"cast_like", "CastLike", 25> {
  let dtypes = "float int uint bool narrow string";
  let arguments = (ins Laic_Tensor:$input, Laic_Tensor:$target_type,
                   DefaultValuedAttr<StrAttr, "\"up\"">:$round_mode, DefaultValuedAttr<I64Attr, "1">:$saturate);
  let results = (outs Laic_Tensor:$output);
}

#endif
