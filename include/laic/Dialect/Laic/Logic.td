// Comparisons, logic and bits, one element at a time (see ScalarBuilder.h).
#ifndef LAIC_LOGIC_TD
#define LAIC_LOGIC_TD

include "laic/Dialect/Laic/LaicBase.td"

// ---- comparison ----
let dtypes = "float int uint" in {
def Laic_LessOp : Laic_CompareOp<"less", "Less", 13, "b.lt(x, y)">;
def Laic_LessOrEqualOp : Laic_CompareOp<"less_or_equal", "LessOrEqual", 16, "b.le(x, y)">;
def Laic_GreaterOp : Laic_CompareOp<"greater", "Greater", 13, "b.gt(x, y)">;
def Laic_GreaterOrEqualOp : Laic_CompareOp<"greater_or_equal", "GreaterOrEqual", 16, "b.ge(x, y)">;
}
let dtypes = "float int uint bool string" in
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

#endif
