// What attributes of ai.onnx.ml need.
#ifndef LAIC_MLATTRIBUTES_TD
#define LAIC_MLATTRIBUTES_TD

include "laic/Dialect/Laic/LaicBase.td"

// A constant whose bytes laic::constantBytes gives, small or large.
def Laic_TensorAttr : Attr<CPred<"::llvm::isa<::mlir::DenseElementsAttr, ::laic::WeightAttr>($_self)">, "a tensor"> {
  let storageType = "::mlir::Attribute";
  let returnType = "::mlir::Attribute";
  let convertFromStorage = "$_self";
}

#endif
