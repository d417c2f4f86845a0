// Activations: elementwise functions of floats (see ScalarBuilder.h).
#ifndef LAIC_ACTIVATION_TD
#define LAIC_ACTIVATION_TD

include "laic/Dialect/Laic/LaicBase.td"

let dtypes = "float" in {
def Laic_SigmoidOp : Laic_UnaryOp<"sigmoid", "Sigmoid", 13, "b.sigmoid(x)">;
def Laic_SoftplusOp : Laic_UnaryOp<"softplus", "Softplus", 22, "b.softplus(x)">;
def Laic_SoftsignOp : Laic_UnaryOp<"softsign", "Softsign", 22, "b.div(x, b.add(b.cst(1, x), b.abs(x)))">;
def Laic_HardSwishOp : Laic_UnaryOp<"hard_swish", "HardSwish", 22,
  "b.mul(x, b.clamp(b.add(b.mul(x, b.cst(1.0 / 6, x)), b.cst(0.5, x)), b.cst(0, x), b.cst(1, x)))">;
def Laic_MishOp : Laic_UnaryOp<"mish", "Mish", 22, "b.mul(x, b.tanh(b.softplus(x)))">;
def Laic_LeakyReluOp : Laic_UnaryOp<"leaky_relu", "LeakyRelu", 16,
    "b.select(b.lt(x, b.cst(0, x)), b.mul(x, b.cst(getAlpha().convertToDouble(), x)), x)"> {
  let arguments = (ins Laic_Tensor:$x, DefaultValuedAttr<F32Attr, "0.01">:$alpha);
}
def Laic_EluOp : Laic_UnaryOp<"elu", "Elu", 22,
    "b.select(b.lt(x, b.cst(0, x)), b.mul(b.cst(getAlpha().convertToDouble(), x), b.sub(b.exp(x), b.cst(1, x))), x)"> {
  let arguments = (ins Laic_Tensor:$x, DefaultValuedAttr<F32Attr, "1.0">:$alpha);
}
def Laic_CeluOp : Laic_UnaryOp<"celu", "Celu", 28,
    "b.add(b.max(x, b.cst(0, x)), b.min(b.cst(0, x), b.mul(b.cst(getAlpha().convertToDouble(), x), "
    "b.sub(b.exp(b.div(x, b.cst(getAlpha().convertToDouble(), x))), b.cst(1, x)))))"> {
  let arguments = (ins Laic_Tensor:$x, DefaultValuedAttr<F32Attr, "1.0">:$alpha);
}
def Laic_SeluOp : Laic_UnaryOp<"selu", "Selu", 22,
    "b.mul(b.cst(getGamma().convertToDouble(), x), b.select(b.lt(b.cst(0, x), x), x, "
    "b.mul(b.cst(getAlpha().convertToDouble(), x), b.sub(b.exp(x), b.cst(1, x)))))"> {
  let arguments = (ins Laic_Tensor:$x, DefaultValuedAttr<F32Attr, "1.67326319217681884765625">:$alpha,
                   DefaultValuedAttr<F32Attr, "1.05070102214813232421875">:$gamma);
}
def Laic_HardSigmoidOp : Laic_UnaryOp<"hard_sigmoid", "HardSigmoid", 22,
    "b.clamp(b.add(b.mul(x, b.cst(getAlpha().convertToDouble(), x)), b.cst(getBeta().convertToDouble(), x)), b.cst(0, x), b.cst(1, x))"> {
  let arguments = (ins Laic_Tensor:$x, DefaultValuedAttr<F32Attr, "0.2">:$alpha, DefaultValuedAttr<F32Attr, "0.5">:$beta);
}
def Laic_ThresholdedReluOp : Laic_UnaryOp<"thresholded_relu", "ThresholdedRelu", 22,
    "b.select(b.lt(b.cst(getAlpha().convertToDouble(), x), x), x, b.cst(0, x))"> {
  let arguments = (ins Laic_Tensor:$x, DefaultValuedAttr<F32Attr, "1.0">:$alpha);
}
def Laic_GeluOp : Laic_UnaryOp<"gelu", "Gelu", 20,
    "getApproximate() == \"tanh\" ? "
    "b.mul(b.mul(b.cst(0.5, x), x), b.add(b.cst(1, x), b.tanh(b.mul(b.cst(0.7978845608028654, x), "
    "b.add(x, b.mul(b.cst(0.044715, x), b.mul(x, b.mul(x, x)))))))) : "
    "b.gelu(x)"> {
  let arguments = (ins Laic_Tensor:$x, DefaultValuedAttr<StrAttr, "\"none\"">:$approximate);
}
def Laic_SwishOp : Laic_UnaryOp<"swish", "Swish", 24, "b.mul(x, b.sigmoid(b.mul(b.cst(getAlpha().convertToDouble(), x), x)))"> {
  let arguments = (ins Laic_Tensor:$x, DefaultValuedAttr<F32Attr, "1.0">:$alpha);
}
}

let dtypes = "float int" in
def Laic_ReluOp : Laic_UnaryOp<"relu", "Relu", 14, "b.max(x, b.cst(0, x))">;
let dtypes = "float i32 i64 u32 u64" in
def Laic_PReluOp : Laic_BinaryOp<"prelu", "PRelu", 16, "b.select(b.lt(x, b.cst(0, x)), b.mul(x, y), x)">;
let dtypes = "f32 f16 f64 int uint" in
def Laic_ShrinkOp : Laic_UnaryOp<"shrink", "Shrink", 9,
    "b.shrink(x, getLambd().convertToDouble(), getBias().convertToDouble())"> {
  let arguments = (ins Laic_Tensor:$x, DefaultValuedAttr<F32Attr, "0.0">:$bias, DefaultValuedAttr<F32Attr, "0.5">:$lambd);
}

#endif
