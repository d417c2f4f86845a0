// Why a product of quantised tensors stays in floats.
// RUN: laic-opt %s --split-input-file --verify-diagnostics --pass-pipeline='builtin.module(func.func(laic-infer-shapes,laic-form-integer-products))' -o /dev/null

func.func @activation(%x: tensor<3x4xui16>) -> tensor<*xf32> {
  %none = laic.none : none
  %s = laic.constant {value = dense<0.5> : tensor<f32>} : tensor<f32>
  %xf = laic.dequantize_linear %x, %s, %none : (tensor<3x4xui16>, tensor<f32>, none) -> tensor<*xf32>
  %w = laic.constant {value = dense<1.0> : tensor<4x2xf32>} : tensor<4x2xf32>
  // expected-remark @+1 {{product of quantised tensors stays in floats: its activation is not of bytes with one scale and a zero point that is known}}
  %y = laic.matmul %xf, %w : (tensor<*xf32>, tensor<4x2xf32>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @weights(%x: tensor<3x4xui8>, %w: tensor<4x2xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  %s = laic.constant {value = dense<0.5> : tensor<f32>} : tensor<f32>
  %xf = laic.dequantize_linear %x, %s, %none : (tensor<3x4xui8>, tensor<f32>, none) -> tensor<*xf32>
  // expected-remark @+1 {{product of quantised tensors stays in floats: its weights are not constant bytes around 0 with a scale per output channel at most}}
  %y = laic.matmul %xf, %w : (tensor<*xf32>, tensor<4x2xf32>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @sums(%x: tensor<1x66000xui8>) -> tensor<*xf32> {
  %none = laic.none : none
  %s = laic.constant {value = dense<0.5> : tensor<f32>} : tensor<f32>
  %xf = laic.dequantize_linear %x, %s, %none : (tensor<1x66000xui8>, tensor<f32>, none) -> tensor<*xf32>
  %w = laic.constant {value = dense<127> : tensor<66000x1xi8>} : tensor<66000x1xi8>
  %wf = laic.dequantize_linear %w, %s, %none : (tensor<66000x1xi8>, tensor<f32>, none) -> tensor<*xf32>
  // expected-remark @+1 {{product of quantised tensors stays in floats: sums of so many products could leave 32 bits}}
  %y = laic.matmul %xf, %wf : (tensor<*xf32>, tensor<*xf32>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

// Floats all along are no news.
func.func @floats(%x: tensor<3x4xf32>, %w: tensor<4x2xf32>) -> tensor<*xf32> {
  %y = laic.matmul %x, %w : (tensor<3x4xf32>, tensor<4x2xf32>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}
