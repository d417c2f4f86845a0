// Tables from values to values: the domain ai.onnx.ml.
#ifndef LAIC_MLLABELS_TD
#define LAIC_MLLABELS_TD

include "laic/Dialect/Laic/MlAttributes.td"
include "laic/Dialect/Laic/StructuredBase.td"

// Keys and values, numbers or strings, in one of the spellings each.
def Laic_LabelEncoderOp : Laic_LoweredOp<"label_encoder", "LabelEncoder", 4> {
  let onnxDomain = "ai.onnx.ml";
  let dtypes = "f32 f64 i16 i32 i64 string";
  let arguments = (ins Laic_Tensor:$X, DefaultValuedAttr<F32Attr, "-0.0">:$default_float,
                   DefaultValuedAttr<I64Attr, "-1">:$default_int64, DefaultValuedAttr<StrAttr, "\"_Unused\"">:$default_string,
                   OptionalAttr<Laic_TensorAttr>:$default_tensor, OptionalAttr<DenseF32ArrayAttr>:$keys_floats,
                   OptionalAttr<DenseI64ArrayAttr>:$keys_int64s, OptionalAttr<StrArrayAttr>:$keys_strings,
                   OptionalAttr<Laic_TensorAttr>:$keys_tensor, OptionalAttr<DenseF32ArrayAttr>:$values_floats,
                   OptionalAttr<DenseI64ArrayAttr>:$values_int64s, OptionalAttr<StrArrayAttr>:$values_strings,
                   OptionalAttr<Laic_TensorAttr>:$values_tensor);
  let results = (outs Laic_Tensor:$Y);
}

def Laic_CategoryMapperOp : Laic_LoweredOp<"category_mapper", "CategoryMapper", 1> {
  let onnxDomain = "ai.onnx.ml";
  let dtypes = "i64 string";
  let arguments = (ins Laic_Tensor:$X, OptionalAttr<DenseI64ArrayAttr>:$cats_int64s, OptionalAttr<StrArrayAttr>:$cats_strings,
                   DefaultValuedAttr<I64Attr, "-1">:$default_int64, DefaultValuedAttr<StrAttr, "\"_Unused\"">:$default_string);
  let results = (outs Laic_Tensor:$Y);
}

def Laic_LookUpOp : Laic_StructuredOp<"look_up"> {
  let summary = "the value whose key equals each element of x, or the last value: x [n], keys [k], values [k + 1] -> [n]";
  let description = "Keys are of x's type and ascend without repetition; a NaN is above all others and equals a NaN.";
  let arguments = (ins AnyRankedTensor:$x, AnyRankedTensor:$keys, AnyRankedTensor:$values, Variadic<Index>:$result_sizes);
  let results = (outs AnyRankedTensor:$y);
}

#endif
