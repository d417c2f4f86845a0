// Types of less than a byte: constants keep them, kernels see bytes, and known contents wrap as ONNX says.
// RUN: laic-opt --laic-infer-shapes --laic-lower-to-linalg %s | FileCheck %s

// CHECK-LABEL: func.func @moved
// CHECK-SAME: tensor<2x3xi8> {{.*}}laic.element = ui4{{.*}} -> (tensor<3x2xi8> {{.*}}laic.element = ui4
func.func @moved(%x: tensor<2x3xui4> {laic.name = "x"}) -> tensor<*xui4> {
  %y = laic.transpose %x : (tensor<2x3xui4>) -> tensor<*xui4>
  return %y : tensor<*xui4>
}

// CHECK-LABEL: func.func @constants
func.func @constants() -> (tensor<3xi4>, tensor<2xf8E4M3FN>) {
  // CHECK-DAG: dense<[-1, 7, -8]> : tensor<3xi8>
  %a = laic.constant {value = dense<[-1, 7, -8]> : tensor<3xi4>} : tensor<3xi4>
  // CHECK-DAG: dense<[56, -68]> : tensor<2xi8>
  %b = laic.constant {value = dense<[1.0, -1.5]> : tensor<2xf8E4M3FN>} : tensor<2xf8E4M3FN>
  return %a, %b : tensor<3xi4>, tensor<2xf8E4M3FN>
}

// CHECK-LABEL: func.func @wraps
func.func @wraps() -> tensor<*xi4> {
  %a = laic.constant {value = dense<[9, -9]> : tensor<2xi64>} : tensor<2xi64>
  // CHECK: dense<[-7, 7]> : tensor<2xi8>
  %b = laic.cast %a {to = 22 : i64} : (tensor<2xi64>) -> tensor<*xi4>
  return %b : tensor<*xi4>
}

// A value that a narrower type cannot hold is not carried on as it was.
// CHECK-LABEL: func.func @rounds
func.func @rounds() -> tensor<*xf32> {
  %a = laic.constant {value = dense<0.1> : tensor<f32>} : tensor<f32>
  %b = laic.cast %a {to = 16 : i64} : (tensor<f32>) -> tensor<*xbf16>
  // CHECK: dense<0.100097656> : tensor<f32>
  %c = laic.cast %b {to = 1 : i64} : (tensor<*xbf16>) -> tensor<*xf32>
  return %c : tensor<*xf32>
}
