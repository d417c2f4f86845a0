// Maps from integers or strings to single values: the domain ai.onnx.ml. A map is two vectors of one length, its keys and its values;
// keys differ. Import makes two operands of an input that is a map.
#ifndef LAIC_MLMAPS_TD
#define LAIC_MLMAPS_TD

include "laic/Dialect/Laic/LaicBase.td"

class Laic_MapOp<string mnemonic, string onnx, dag inputs, dag attributes> : Laic_DecomposedOp<mnemonic, onnx, 1> {
  let onnxDomain = "ai.onnx.ml";
  let arguments = !con(inputs, attributes);
  let results = (outs Laic_Tensor:$Y);
}

// One value per key, in ascending order of the keys, or with map_form SPARSE at the place that the key is.
def Laic_CastMapOp : Laic_MapOp<"cast_map", "CastMap", (ins Laic_Tensor:$keys, Laic_Tensor:$values),
                                (ins DefaultValuedAttr<StrAttr, "\"TO_FLOAT\"">:$cast_to,
                                     DefaultValuedAttr<StrAttr, "\"DENSE\"">:$map_form, DefaultValuedAttr<I64Attr, "1">:$max_map)> {
  let dtypes = "f32 string";
  let typedOperand = 1;
}

// One column per key of the vocabulary: its value, or zero where the map has none. Keys outside of the vocabulary are passed over.
def Laic_DictVectorizerOp : Laic_MapOp<"dict_vectorizer", "DictVectorizer", (ins Laic_Tensor:$keys, Laic_Tensor:$values),
                                       (ins OptionalAttr<DenseI64ArrayAttr>:$int64_vocabulary,
                                            OptionalAttr<StrArrayAttr>:$string_vocabulary)> {
  let dtypes = "f32 f64 i64 string";
  let typedOperand = 1;
}

// A sequence of maps with the same keys: the keys once, and a row of values per map.
def Laic_ZipMapOp : Laic_MapOp<"zip_map", "ZipMap", (ins Laic_Tensor:$X),
                               (ins OptionalAttr<DenseI64ArrayAttr>:$classlabels_int64s,
                                    OptionalAttr<StrArrayAttr>:$classlabels_strings)> {
  let dtypes = "f32";
  let results = (outs Laic_Tensor:$keys, Laic_Tensor:$values);
}

#endif
