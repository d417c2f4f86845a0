// Normalisations that onnxruntime defines: with the sums that stand in front of them, and with their lookups.
#ifndef LAIC_CONTRIBNORM_TD
#define LAIC_CONTRIBNORM_TD

include "laic/Dialect/Laic/LaicBase.td"

class Laic_ContribNormOp<string mnemonic, string onnx, dag inputs, dag outputs> : Laic_DecomposedOp<mnemonic, onnx, 1> {
  let onnxDomain = "com.microsoft";
  let dtypes = "float";
  let arguments = inputs;
  let results = outputs;
}

def Laic_SkipLayerNormalizationOp
    : Laic_ContribNormOp<"skip_layer_normalization", "SkipLayerNormalization",
                         (ins Laic_Tensor:$input, Laic_Tensor:$skip, Laic_Tensor:$gamma, Laic_OptTensor:$beta,
                              Laic_OptTensor:$bias, DefaultValuedAttr<F32Attr, "1e-12">:$epsilon),
                         (outs Laic_Tensor:$output, Laic_Tensor:$mean, Laic_Tensor:$inv_std_var,
                               Laic_Tensor:$input_skip_bias_sum)>;
def Laic_SkipSimplifiedLayerNormalizationOp
    : Laic_ContribNormOp<"skip_simplified_layer_normalization", "SkipSimplifiedLayerNormalization",
                         (ins Laic_Tensor:$input, Laic_Tensor:$skip, Laic_Tensor:$gamma, Laic_OptTensor:$bias,
                              DefaultValuedAttr<F32Attr, "1e-12">:$epsilon),
                         (outs Laic_Tensor:$output, Laic_Tensor:$mean, Laic_Tensor:$inv_std_var,
                               Laic_Tensor:$input_skip_bias_sum)>;
// Of domain ai.onnx, though the standard does not define it.
def Laic_SimplifiedLayerNormalizationOp
    : Laic_ContribNormOp<"simplified_layer_normalization", "SimplifiedLayerNormalization",
                         (ins Laic_Tensor:$x, Laic_Tensor:$scale, DefaultValuedAttr<I64Attr, "-1">:$axis,
                              DefaultValuedAttr<F32Attr, "1e-5">:$epsilon, DefaultValuedAttr<I64Attr, "1">:$stash_type),
                         (outs Laic_Tensor:$y, Laic_Tensor:$inv_std_var)> {
  let onnxDomain = "";
}

def Laic_EmbedLayerNormalizationOp
    : Laic_ContribNormOp<"embed_layer_normalization", "EmbedLayerNormalization",
                         (ins Laic_Tensor:$input_ids, Laic_OptTensor:$segment_ids, Laic_Tensor:$word_embedding,
                              Laic_Tensor:$position_embedding, Laic_OptTensor:$segment_embedding, Laic_Tensor:$gamma,
                              Laic_Tensor:$beta, Laic_OptTensor:$mask, Laic_OptTensor:$position_ids,
                              DefaultValuedAttr<F32Attr, "1e-12">:$epsilon, DefaultValuedAttr<I64Attr, "0">:$mask_index_type),
                         (outs Laic_Tensor:$output, Laic_Tensor:$mask_index, Laic_Tensor:$embedding_sum)> {
  let typedOperand = 2;
}

def Laic_GroupNormOp
    : Laic_ContribNormOp<"group_norm", "GroupNorm",
                         (ins Laic_Tensor:$x, Laic_Tensor:$gamma, Laic_Tensor:$beta, I64Attr:$activation,
                              DefaultValuedAttr<I64Attr, "1">:$channels_last, DefaultValuedAttr<F32Attr, "1e-5">:$epsilon,
                              I64Attr:$groups),
                         (outs Laic_Tensor:$y)>;
def Laic_SkipGroupNormOp
    : Laic_ContribNormOp<"skip_group_norm", "SkipGroupNorm",
                         (ins Laic_Tensor:$x, Laic_Tensor:$gamma, Laic_Tensor:$beta, Laic_Tensor:$skip, Laic_OptTensor:$bias,
                              I64Attr:$activation, DefaultValuedAttr<I64Attr, "1">:$channels_last,
                              DefaultValuedAttr<F32Attr, "1e-5">:$epsilon, I64Attr:$groups),
                         (outs Laic_Tensor:$y, Laic_Tensor:$s)>;

#endif
