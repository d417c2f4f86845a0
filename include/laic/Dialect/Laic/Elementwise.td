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

// ---- copies and selection ----
let dtypes = "float int uint bool narrow string" in
def Laic_IdentityOp : Laic_UnaryOp<"identity", "Identity", 25, "x">;
def Laic_WhereOp : Laic_ElementwiseOp<"where", "Where", 16, "b.select(x, y, z)", "in[1]"> {
  let dtypes = "float int uint bool string";
  let arguments = (ins Laic_Tensor:$condition, Laic_Tensor:$x, Laic_Tensor:$y);
  let typedOperand = 1;
}
def Laic_CastOp : Laic_UnaryOp<"cast", "Cast", 28, "convert(b, x)", "targetElement()"> {
  let dtypes = "float int uint bool narrow string";
  let arguments = (ins Laic_Tensor:$x, I64Attr:$to, DefaultValuedAttr<I64Attr, "1">:$saturate,
                   DefaultValuedAttr<StrAttr, "\"up\"">:$round_mode);
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    ::mlir::Type targetElement(); // of attribute `to`; null when unsupported
    ::mlir::Value convert(::laic::ScalarBuilder &s, ::mlir::Value x);
  }];
}

#endif
