// Elementwise operators over any number of operands, and Clip with its optional bounds.
#ifndef LAIC_VARIADIC_TD
#define LAIC_VARIADIC_TD

include "laic/Dialect/Laic/LaicBase.td"

// `fold` combines the running value x with the next operand y; `last` makes the result from x and the operand count n.
class Laic_VariadicOp<string mnemonic, string onnx, string fold, string last = "x">
    : Laic_OnnxOp<mnemonic, onnx, 13, ["inferShapes", "lower"], [Pure, DeclareOpInterfaceMethods<ScalarBodyInterface>]> {
  let arguments = (ins Variadic<Laic_Tensor>:$inputs);
  let results = (outs Laic_Tensor:$result);
  let extraClassDefinition = [{
    ::mlir::Value $cppClass::scalarBody(::laic::ScalarBuilder &b, ::mlir::ValueRange in) {
      ::mlir::Value x = in[0];
      for (::mlir::Value y : in.drop_front())
        x = }] # fold # [{;
      double n = static_cast<double>(in.size());
      (void)n;
      return }] # last # [{;
    }
    ::mlir::Type $cppClass::resultElement(::mlir::ArrayRef<::mlir::Type> in) { return in[0]; }
    ::llvm::LogicalResult $cppClass::lower(::laic::LowerContext &ctx) { return ctx.lowerElementwise(*this); }
  }];
}
let dtypes = "float int uint" in {
def Laic_MinOp : Laic_VariadicOp<"min", "Min", "b.min(x, y)">;
def Laic_MaxOp : Laic_VariadicOp<"max", "Max", "b.max(x, y)">;
}
let dtypes = "float" in {
def Laic_SumOp : Laic_VariadicOp<"sum", "Sum", "b.add(x, y)">;
def Laic_MeanOp : Laic_VariadicOp<"mean", "Mean", "b.add(x, y)", "b.div(x, b.cst(n, x))">;
}

def Laic_ClipOp : Laic_LoweredOp<"clip", "Clip", 13> {
  let dtypes = "float int uint";
  let arguments = (ins Laic_Tensor:$input, Laic_OptTensor:$min, Laic_OptTensor:$max);
  let results = (outs Laic_Tensor:$output);
}

#endif
