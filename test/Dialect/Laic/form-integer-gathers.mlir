// Gather picks from a quantised table.
// RUN: laic-opt %s --split-input-file --pass-pipeline='builtin.module(func.func(laic-infer-shapes,laic-form-integer-products,laic-infer-shapes))' | FileCheck %s

// Rows of a table of bytes are picked before they are dequantised.
// CHECK-LABEL: func.func @gather_of_bytes
// CHECK-SAME: %[[I:[^:]+]]: tensor<3xi64>
// CHECK: %[[R:.+]] = laic.gather %{{.+}}, %[[I]] : (tensor<9x4xui8>, tensor<3xi64>) -> tensor<3x4xui8>
// CHECK: laic.dequantize_linear %[[R]],
func.func @gather_of_bytes(%i: tensor<3xi64>) -> tensor<*xf32> {
  %s = laic.constant {value = dense<0.5> : tensor<f32>} : tensor<f32>
  %z = laic.constant {value = dense<7> : tensor<ui8>} : tensor<ui8>
  %t = laic.constant {value = dense<3> : tensor<9x4xui8>} : tensor<9x4xui8>
  %tf = laic.dequantize_linear %t, %s, %z : (tensor<9x4xui8>, tensor<f32>, tensor<ui8>) -> tensor<*xf32>
  %y = laic.gather %tf, %i : (tensor<*xf32>, tensor<3xi64>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

// Not of types that Gather does not have, nor with a scale per row.
// CHECK-LABEL: func.func @gather_of_half_bytes
// CHECK: laic.gather {{.*}} -> tensor<3x4xf32>
func.func @gather_of_half_bytes(%i: tensor<3xi64>) -> tensor<*xf32> {
  %none = laic.none : none
  %s = laic.constant {value = dense<0.5> : tensor<f32>} : tensor<f32>
  %t = laic.constant {value = dense<3> : tensor<9x4xi4>} : tensor<9x4xi4>
  %tf = laic.dequantize_linear %t, %s, %none : (tensor<9x4xi4>, tensor<f32>, none) -> tensor<*xf32>
  %y = laic.gather %tf, %i : (tensor<*xf32>, tensor<3xi64>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

// Bytes around 0 whose rows have one scale each: rows and scales are picked.
// CHECK-LABEL: func.func @gather_of_rows_with_scales
// CHECK-SAME: %[[I:.+]]: tensor<3xi64>
// CHECK-DAG: %[[R:.+]] = laic.gather %{{.+}}, %[[I]] : (tensor<9x4xi8>, tensor<3xi64>) -> tensor<3x4xi8>
// CHECK-DAG: %[[S:.+]] = laic.gather %{{.+}}, %[[I]] : (tensor<9xf32>, tensor<3xi64>) -> tensor<3xf32>
// CHECK-DAG: %[[F:.+]] = laic.cast %[[R]]
// CHECK-DAG: %[[U:.+]] = laic.unsqueeze %[[S]], {{.*}} -> tensor<3x1xf32>
// CHECK: laic.mul %[[F]], %[[U]]
func.func @gather_of_rows_with_scales(%i: tensor<3xi64>) -> tensor<*xf32> {
  %none = laic.none : none
  %s = laic.constant {value = dense<0.5> : tensor<9xf32>} : tensor<9xf32>
  %t = laic.constant {value = dense<3> : tensor<9x4xi8>} : tensor<9x4xi8>
  %tf = laic.dequantize_linear %t, %s, %none {axis = 0 : i64} : (tensor<9x4xi8>, tensor<9xf32>, none) -> tensor<*xf32>
  %y = laic.gather %tf, %i : (tensor<*xf32>, tensor<3xi64>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

// Around 128: no.
// CHECK-LABEL: func.func @gather_of_unsigned_rows_with_scales
// CHECK: laic.gather {{.*}} -> tensor<3x4xf32>
func.func @gather_of_unsigned_rows_with_scales(%i: tensor<3xi64>) -> tensor<*xf32> {
  %none = laic.none : none
  %s = laic.constant {value = dense<0.5> : tensor<9xf32>} : tensor<9xf32>
  %t = laic.constant {value = dense<3> : tensor<9x4xui8>} : tensor<9x4xui8>
  %tf = laic.dequantize_linear %t, %s, %none {axis = 0 : i64} : (tensor<9x4xui8>, tensor<9xf32>, none) -> tensor<*xf32>
  %y = laic.gather %tf, %i : (tensor<*xf32>, tensor<3xi64>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}
