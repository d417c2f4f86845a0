// Operators that prepare features: the domain ai.onnx.ml.
#ifndef LAIC_MLFEATURES_TD
#define LAIC_MLFEATURES_TD

include "laic/Dialect/Laic/StructuredBase.td"

class Laic_FeatureOp<string mnemonic, string onnx, dag inputs, dag attributes = (ins)> : Laic_LoweredOp<mnemonic, onnx, 1> {
  let onnxDomain = "ai.onnx.ml";
  let dtypes = "f32 f64 i32 i64";
  let arguments = !con(inputs, attributes);
  let results = (outs Laic_Tensor:$Y);
}

def Laic_ArrayFeatureExtractorOp
    : Laic_FeatureOp<"array_feature_extractor", "ArrayFeatureExtractor", (ins Laic_Tensor:$X, Laic_Tensor:$indices)> {
  let dtypes = "f32 f64 i32 i64 string";
}
def Laic_BinarizerOp
    : Laic_FeatureOp<"binarizer", "Binarizer", (ins Laic_Tensor:$X), (ins DefaultValuedAttr<F32Attr, "0.0">:$threshold)>;
def Laic_FeatureVectorizerOp
    : Laic_FeatureOp<"feature_vectorizer", "FeatureVectorizer", (ins Variadic<Laic_Tensor>:$X),
                     (ins DenseI64ArrayAttr:$inputdimensions)>;
def Laic_ImputerOp
    : Laic_FeatureOp<"imputer", "Imputer", (ins Laic_Tensor:$X),
                     (ins OptionalAttr<DenseF32ArrayAttr>:$imputed_value_floats,
                          OptionalAttr<DenseI64ArrayAttr>:$imputed_value_int64s,
                          DefaultValuedAttr<F32Attr, "0.0">:$replaced_value_float,
                          DefaultValuedAttr<I64Attr, "0">:$replaced_value_int64)> {
  let dtypes = "f32 f64 i64";
}
def Laic_NormalizerOp
    : Laic_FeatureOp<"normalizer", "Normalizer", (ins Laic_Tensor:$X), (ins DefaultValuedAttr<StrAttr, "\"MAX\"">:$norm)>;
def Laic_OneHotEncoderOp
    : Laic_FeatureOp<"one_hot_encoder", "OneHotEncoder", (ins Laic_Tensor:$X),
                     (ins OptionalAttr<DenseI64ArrayAttr>:$cats_int64s, OptionalAttr<StrArrayAttr>:$cats_strings,
                          DefaultValuedAttr<I64Attr, "1">:$zeros)> {
  let dtypes = "f32 f64 i32 i64 string";
}
def Laic_ScalerOp
    : Laic_FeatureOp<"scaler", "Scaler", (ins Laic_Tensor:$X), (ins DenseF32ArrayAttr:$offset, DenseF32ArrayAttr:$scale)>;

#endif
