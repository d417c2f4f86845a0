// Elementwise operators: each is this record and a test. The body computes one element (see ScalarBuilder.h).
#ifndef LAIC_ELEMENTWISE_TD
#define LAIC_ELEMENTWISE_TD

include "laic/Dialect/Laic/LaicBase.td"

// ---- arithmetic ----
let dtypes = "float int uint" in {
def Laic_AddOp : Laic_BinaryOp<"add", "Add", 14, "b.add(x, y)">;
def Laic_SubOp : Laic_BinaryOp<"sub", "Sub", 14, "b.sub(x, y)">;
def Laic_MulOp : Laic_BinaryOp<"mul", "Mul", 14, "b.mul(x, y)">;
def Laic_DivOp : Laic_BinaryOp<"div", "Div", 14, "b.div(x, y)">;
def Laic_ModOp : Laic_BinaryOp<"mod", "Mod", 28, "b.mod(x, y, getFmod() != 0)"> {
  let arguments = (ins Laic_Tensor:$x, Laic_Tensor:$y, DefaultValuedAttr<I64Attr, "0">:$fmod);
}
def Laic_AbsOp : Laic_UnaryOp<"abs", "Abs", 13, "b.abs(x)">;
def Laic_SignOp : Laic_UnaryOp<"sign", "Sign", 13, "b.sign(x)">;
}

let dtypes = "float int" in
def Laic_NegOp : Laic_UnaryOp<"neg", "Neg", 13, "b.neg(x)">;
let dtypes = "float i32 i64" in
def Laic_PowOp : Laic_BinaryOp<"pow", "Pow", 15,
    "b.pow(x, y, ::laic::isUnsignedElement(::mlir::getElementTypeOrSelf(getY().getType())))">;

// ---- functions of floats ----
let dtypes = "float" in {
def Laic_ReciprocalOp : Laic_UnaryOp<"reciprocal", "Reciprocal", 13, "b.reciprocal(x)">;
def Laic_SqrtOp : Laic_UnaryOp<"sqrt", "Sqrt", 13, "b.sqrt(x)">;
def Laic_ExpOp : Laic_UnaryOp<"exp", "Exp", 13, "b.exp(x)">;
def Laic_LogOp : Laic_UnaryOp<"log", "Log", 13, "b.log(x)">;
def Laic_FloorOp : Laic_UnaryOp<"floor", "Floor", 13, "b.floor(x)">;
def Laic_CeilOp : Laic_UnaryOp<"ceil", "Ceil", 13, "b.ceil(x)">;
def Laic_RoundOp : Laic_UnaryOp<"round", "Round", 22, "b.round(x)">;
def Laic_ErfOp : Laic_UnaryOp<"erf", "Erf", 13, "b.erf(x)">;
def Laic_SinOp : Laic_UnaryOp<"sin", "Sin", 22, "b.sin(x)">;
def Laic_CosOp : Laic_UnaryOp<"cos", "Cos", 22, "b.cos(x)">;
def Laic_TanOp : Laic_UnaryOp<"tan", "Tan", 22, "b.tan(x)">;
def Laic_AsinOp : Laic_UnaryOp<"asin", "Asin", 22, "b.asin(x)">;
def Laic_AcosOp : Laic_UnaryOp<"acos", "Acos", 22, "b.acos(x)">;
def Laic_AtanOp : Laic_UnaryOp<"atan", "Atan", 22, "b.atan(x)">;
def Laic_SinhOp : Laic_UnaryOp<"sinh", "Sinh", 22, "b.sinh(x)">;
def Laic_CoshOp : Laic_UnaryOp<"cosh", "Cosh", 22, "b.cosh(x)">;
def Laic_TanhOp : Laic_UnaryOp<"tanh", "Tanh", 13, "b.tanh(x)">;
def Laic_AsinhOp : Laic_UnaryOp<"asinh", "Asinh", 22, "b.asinh(x)">;
def Laic_AcoshOp : Laic_UnaryOp<"acosh", "Acosh", 22, "b.acosh(x)">;
def Laic_AtanhOp : Laic_UnaryOp<"atanh", "Atanh", 22, "b.atanh(x)">;
}

// ---- activations ----
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
    "b.mul(b.mul(b.cst(0.5, x), x), b.add(b.cst(1, x), b.erf(b.mul(x, b.cst(0.7071067811865476, x)))))"> {
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

// ---- comparison ----
let dtypes = "float int uint" in {
def Laic_LessOp : Laic_CompareOp<"less", "Less", 13, "b.lt(x, y)">;
def Laic_LessOrEqualOp : Laic_CompareOp<"less_or_equal", "LessOrEqual", 16, "b.le(x, y)">;
def Laic_GreaterOp : Laic_CompareOp<"greater", "Greater", 13, "b.gt(x, y)">;
def Laic_GreaterOrEqualOp : Laic_CompareOp<"greater_or_equal", "GreaterOrEqual", 16, "b.ge(x, y)">;
}
def Laic_EqualOp : Laic_CompareOp<"equal", "Equal", 19, "b.eq(x, y)">;
let dtypes = "float" in {
def Laic_IsNaNOp : Laic_UnaryOp<"is_nan", "IsNaN", 20, "b.isnan(x)", "::mlir::IntegerType::get(getContext(), 1)">;
def Laic_IsInfOp : Laic_UnaryOp<"is_inf", "IsInf", 20,
    "b.isinf(x, getDetectPositive() != 0, getDetectNegative() != 0)", "::mlir::IntegerType::get(getContext(), 1)"> {
  let arguments = (ins Laic_Tensor:$x, DefaultValuedAttr<I64Attr, "1">:$detect_negative,
                   DefaultValuedAttr<I64Attr, "1">:$detect_positive);
}
}

// ---- logic ----
let dtypes = "bool" in {
def Laic_AndOp : Laic_BinaryOp<"and", "And", 7, "b.andi(x, y)">;
def Laic_OrOp : Laic_BinaryOp<"or", "Or", 7, "b.ori(x, y)">;
def Laic_XorOp : Laic_BinaryOp<"xor", "Xor", 7, "b.xori(x, y)">;
def Laic_NotOp : Laic_UnaryOp<"not", "Not", 1, "b.noti(x)">;
}

// ---- bits ----
let dtypes = "int uint" in {
def Laic_BitwiseAndOp : Laic_BinaryOp<"bitwise_and", "BitwiseAnd", 18, "b.andi(x, y)">;
def Laic_BitwiseOrOp : Laic_BinaryOp<"bitwise_or", "BitwiseOr", 18, "b.ori(x, y)">;
def Laic_BitwiseXorOp : Laic_BinaryOp<"bitwise_xor", "BitwiseXor", 18, "b.xori(x, y)">;
def Laic_BitwiseNotOp : Laic_UnaryOp<"bitwise_not", "BitwiseNot", 18, "b.noti(x)">;
def Laic_BitShiftOp : Laic_BinaryOp<"bit_shift", "BitShift", 28, "getDirection() == \"LEFT\" ? b.shl(x, y) : b.shr(x, y)"> {
  let arguments = (ins Laic_Tensor:$x, Laic_Tensor:$y, StrAttr:$direction);
}
}

// ---- copies and selection ----
def Laic_IdentityOp : Laic_UnaryOp<"identity", "Identity", 25, "x">;
def Laic_WhereOp : Laic_ElementwiseOp<"where", "Where", 16, "b.select(x, y, z)", "in[1]"> {
  let arguments = (ins Laic_Tensor:$condition, Laic_Tensor:$x, Laic_Tensor:$y);
  let typedOperand = 1;
}
def Laic_CastOp : Laic_UnaryOp<"cast", "Cast", 25,
    "b.cast(x, computeType(), sourceUnsigned(), targetUnsigned())", "targetElement()"> {
  let arguments = (ins Laic_Tensor:$x, I64Attr:$to, DefaultValuedAttr<I64Attr, "1">:$saturate,
                   DefaultValuedAttr<StrAttr, "\"up\"">:$round_mode);
  let extraClassDeclaration = [{
    ::mlir::Type targetElement();   // of attribute `to`; null when unsupported
    ::mlir::Type computeType();     // what ScalarBuilder computes the target in
    bool sourceUnsigned();
    bool targetUnsigned();
  }];
}

#endif
