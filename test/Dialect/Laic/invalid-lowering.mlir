// RUN: laic-opt %s --laic-lower-to-linalg -split-input-file -verify-diagnostics

func.func @foreign(%x: tensor<4xf32> {laic.name = "x", laic.dims = [4]}) -> tensor<4xf32> {
  // expected-error @below {{is not an ONNX operation and cannot be lowered}}
  %y = arith.negf %x : tensor<4xf32>
  return %y : tensor<4xf32>
}
