// Activations and other simple operators of domain com.microsoft, which graph optimisers write.
#ifndef LAIC_CONTRIBELEMENTWISE_TD
#define LAIC_CONTRIBELEMENTWISE_TD

include "laic/Dialect/Laic/LaicBase.td"

class Laic_ContribActivation<string mnemonic, string onnx, dag inputs> : Laic_DecomposedOp<mnemonic, onnx, 1> {
  let onnxDomain = "com.microsoft";
  let dtypes = "f32 f16 bf16 f64";
  let arguments = inputs;
  let results = (outs Laic_Tensor:$y);
}
def Laic_ContribGeluOp : Laic_ContribActivation<"contrib_gelu", "Gelu", (ins Laic_Tensor:$x)>;
def Laic_BiasGeluOp : Laic_ContribActivation<"bias_gelu", "BiasGelu", (ins Laic_Tensor:$x, Laic_Tensor:$bias)>;
def Laic_FastGeluOp : Laic_ContribActivation<"fast_gelu", "FastGelu", (ins Laic_Tensor:$x, Laic_OptTensor:$bias)>;
def Laic_QuickGeluOp
    : Laic_ContribActivation<"quick_gelu", "QuickGelu", (ins Laic_Tensor:$x, DefaultValuedAttr<F32Attr, "1.702">:$alpha)>;
// The first half of the last dim times the Gelu of the second.
def Laic_BiasSplitGeluOp
    : Laic_ContribActivation<"bias_split_gelu", "BiasSplitGelu", (ins Laic_Tensor:$x, Laic_Tensor:$bias)>;

def Laic_ContribTriluOp : Laic_DecomposedOp<"contrib_trilu", "Trilu", 1> {
  let onnxDomain = "com.microsoft";
  let dtypes = "float int uint";
  let arguments = (ins Laic_Tensor:$x, Laic_OptTensor:$k, DefaultValuedAttr<I64Attr, "1">:$upper);
  let results = (outs Laic_Tensor:$y);
}

#endif
