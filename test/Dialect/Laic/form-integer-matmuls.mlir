// Products of dequantised matrices become products of the integers.
// RUN: laic-opt %s --split-input-file --pass-pipeline='builtin.module(func.func(laic-infer-shapes,laic-form-integer-products,laic-infer-shapes))' | FileCheck %s

// CHECK-LABEL: func.func @matmul_to_bytes
// CHECK-SAME: %[[X:[^:]+]]: tensor<?x5x12xi8>
// CHECK-DAG: %[[SX:.+]] = laic.constant {value = dense<5.000000e-01> : tensor<f32>}
// CHECK-DAG: %[[ZX:.+]] = laic.constant {value = dense<-3> : tensor<i8>}
// CHECK-DAG: %[[SW:.+]] = laic.constant {value = dense<2.500000e-01> : tensor<8xf32>}
// CHECK-DAG: %[[ZW:.+]] = laic.constant {value = dense<0> : tensor<i8>}
// CHECK-DAG: %[[SY:.+]] = laic.constant {value = dense<2.000000e+00> : tensor<f32>}
// CHECK-DAG: %[[ZY:.+]] = laic.constant {value = dense<9> : tensor<ui8>}
// CHECK-NOT: laic.matmul
// CHECK: %[[Y:.+]] = laic.qlinear_matmul %[[X]], %[[SX]], %[[ZX]], %{{.+}}, %[[SW]], %[[ZW]], %[[SY]], %[[ZY]]
// CHECK-SAME: -> tensor<?x5x8xui8>
// CHECK-NEXT: return %[[Y]]
func.func @matmul_to_bytes(%x: tensor<?x5x12xi8> {laic.dims = ["n", 5, 12]}) -> tensor<*xui8> {
  %none = laic.none : none
  %sx = laic.constant {value = dense<0.5> : tensor<f32>} : tensor<f32>
  %zx = laic.constant {value = dense<-3> : tensor<i8>} : tensor<i8>
  %xf = laic.dequantize_linear %x, %sx, %zx : (tensor<?x5x12xi8>, tensor<f32>, tensor<i8>) -> tensor<*xf32>
  %w = laic.constant {value = dense<3> : tensor<12x8xi8>} : tensor<12x8xi8>
  %sw = laic.constant {value = dense<0.25> : tensor<8xf32>} : tensor<8xf32>
  %wf = laic.dequantize_linear %w, %sw, %none {axis = 1 : i64} : (tensor<12x8xi8>, tensor<8xf32>, none) -> tensor<*xf32>
  %sy = laic.constant {value = dense<2.0> : tensor<f32>} : tensor<f32>
  %zy = laic.constant {value = dense<9> : tensor<ui8>} : tensor<ui8>
  %yf = laic.matmul %xf, %wf : (tensor<*xf32>, tensor<*xf32>) -> tensor<*xf32>
  %y = laic.quantize_linear %yf, %sy, %zy : (tensor<*xf32>, tensor<f32>, tensor<ui8>) -> tensor<*xui8>
  return %y : tensor<*xui8>
}

// -----

// CHECK-LABEL: func.func @matmul_to_floats
// CHECK-SAME: %[[X:[^:]+]]: tensor<?x5x12xi8>
// CHECK-DAG: %[[NONE:.+]] = laic.none
// CHECK-DAG: %[[ZX:.+]] = laic.constant {value = dense<-3> : tensor<i8>}
// CHECK-DAG: %[[W:.+]] = laic.constant {value = dense<3>
// CHECK: %[[SUMS:.+]] = laic.matmul_integer %[[X]], %[[W]], %[[ZX]], %[[NONE]]
// CHECK: %[[S:.+]] = laic.constant {value = dense<1.250000e-01> : tensor<8xf32>}
// CHECK: %[[Y:.+]] = laic.dequantize_linear %[[SUMS]], %[[S]], %{{[^ ]+}} {axis = -1
// CHECK-SAME: -> tensor<?x5x8xf32>
// CHECK-NEXT: return %[[Y]]
func.func @matmul_to_floats(%x: tensor<?x5x12xi8> {laic.dims = ["n", 5, 12]}) -> tensor<*xf32> {
  %none = laic.none : none
  %sx = laic.constant {value = dense<0.5> : tensor<f32>} : tensor<f32>
  %zx = laic.constant {value = dense<-3> : tensor<i8>} : tensor<i8>
  %xf = laic.dequantize_linear %x, %sx, %zx : (tensor<?x5x12xi8>, tensor<f32>, tensor<i8>) -> tensor<*xf32>
  %w = laic.constant {value = dense<3> : tensor<12x8xi8>} : tensor<12x8xi8>
  %sw = laic.constant {value = dense<0.25> : tensor<8xf32>} : tensor<8xf32>
  %wf = laic.dequantize_linear %w, %sw, %none {axis = 1 : i64} : (tensor<12x8xi8>, tensor<8xf32>, none) -> tensor<*xf32>
  %yf = laic.matmul %xf, %wf : (tensor<*xf32>, tensor<*xf32>) -> tensor<*xf32>
  return %yf : tensor<*xf32>
}

// -----

// A matrix per batch, whose columns have scales; weights around 128.
// CHECK-LABEL: func.func @matmul_of_unsigned_batches
// CHECK: laic.matmul_integer
// CHECK-SAME: (tensor<2x5x12xi8>, tensor<2x12x8xi8>, tensor<i8>, none)
// CHECK: laic.dequantize_linear
func.func @matmul_of_unsigned_batches(%x: tensor<2x5x12xi8>) -> tensor<*xf32> {
  %none = laic.none : none
  %sx = laic.constant {value = dense<0.5> : tensor<f32>} : tensor<f32>
  %zx = laic.constant {value = dense<-3> : tensor<i8>} : tensor<i8>
  %xf = laic.dequantize_linear %x, %sx, %zx : (tensor<2x5x12xi8>, tensor<f32>, tensor<i8>) -> tensor<*xf32>
  %w = laic.constant {value = dense<3> : tensor<2x12x8xui8>} : tensor<2x12x8xui8>
  %sw = laic.constant {value = dense<0.25> : tensor<8xf32>} : tensor<8xf32>
  %zw = laic.constant {value = dense<128> : tensor<8xui8>} : tensor<8xui8>
  %wf = laic.dequantize_linear %w, %sw, %zw {axis = 2 : i64} : (tensor<2x12x8xui8>, tensor<8xf32>, tensor<8xui8>) -> tensor<*xf32>
  %yf = laic.matmul %xf, %wf : (tensor<*xf32>, tensor<*xf32>) -> tensor<*xf32>
  return %yf : tensor<*xf32>
}

// -----

// An axis counted from the end.
// CHECK-LABEL: func.func @matmul_scaled_along_the_last_axis
// CHECK: laic.matmul_integer
func.func @matmul_scaled_along_the_last_axis(%x: tensor<?x5x12xi8> {laic.dims = ["n", 5, 12]}) -> tensor<*xf32> {
  %none = laic.none : none
  %sx = laic.constant {value = dense<0.5> : tensor<f32>} : tensor<f32>
  %zx = laic.constant {value = dense<-3> : tensor<i8>} : tensor<i8>
  %xf = laic.dequantize_linear %x, %sx, %zx : (tensor<?x5x12xi8>, tensor<f32>, tensor<i8>) -> tensor<*xf32>
  %w = laic.constant {value = dense<3> : tensor<12x8xi8>} : tensor<12x8xi8>
  %sw = laic.constant {value = dense<0.25> : tensor<8xf32>} : tensor<8xf32>
  %wf = laic.dequantize_linear %w, %sw, %none {axis = -1 : i64} : (tensor<12x8xi8>, tensor<8xf32>, none) -> tensor<*xf32>
  %yf = laic.matmul %xf, %wf : (tensor<*xf32>, tensor<*xf32>) -> tensor<*xf32>
  return %yf : tensor<*xf32>
}

// -----

// CHECK-LABEL: func.func @gemm
// CHECK-SAME: %[[X:[^:]+]]: tensor<5x12xi8>, %[[C:[^:]+]]: tensor<8xf32>
// CHECK: %[[SUMS:.+]] = laic.matmul_integer %[[X]], %{{.+}} : (tensor<5x12xi8>, tensor<12x8xi8>,
// CHECK: %[[F:.+]] = laic.dequantize_linear %[[SUMS]]
// CHECK: %[[Y:.+]] = laic.add %[[F]], %[[C]]
// CHECK-NEXT: return %[[Y]]
func.func @gemm(%x: tensor<5x12xi8>, %c: tensor<8xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  %sx = laic.constant {value = dense<0.5> : tensor<f32>} : tensor<f32>
  %zx = laic.constant {value = dense<-3> : tensor<i8>} : tensor<i8>
  %xf = laic.dequantize_linear %x, %sx, %zx : (tensor<5x12xi8>, tensor<f32>, tensor<i8>) -> tensor<*xf32>
  %w = laic.constant {value = dense<3> : tensor<12x8xi8>} : tensor<12x8xi8>
  %sw = laic.constant {value = dense<0.25> : tensor<8xf32>} : tensor<8xf32>
  %wf = laic.dequantize_linear %w, %sw, %none {axis = 1 : i64} : (tensor<12x8xi8>, tensor<8xf32>, none) -> tensor<*xf32>
  %yf = laic.gemm %xf, %wf, %c : (tensor<*xf32>, tensor<*xf32>, tensor<8xf32>) -> tensor<*xf32>
  return %yf : tensor<*xf32>
}

// -----

// CHECK-LABEL: func.func @gemm_of_transposed_weights
// CHECK-SAME: %[[X:[^:]+]]: tensor<5x12xi8>
// CHECK: %[[T:.+]] = laic.transpose
// CHECK-SAME: -> tensor<12x8xi8>
// CHECK: %[[SUMS:.+]] = laic.matmul_integer %[[X]], %[[T]]
// CHECK: %[[Y:.+]] = laic.dequantize_linear %[[SUMS]]
// CHECK-NOT: laic.add
// CHECK: return %[[Y]]
func.func @gemm_of_transposed_weights(%x: tensor<5x12xi8>) -> tensor<*xf32> {
  %none = laic.none : none
  %sx = laic.constant {value = dense<0.5> : tensor<f32>} : tensor<f32>
  %zx = laic.constant {value = dense<-3> : tensor<i8>} : tensor<i8>
  %xf = laic.dequantize_linear %x, %sx, %zx : (tensor<5x12xi8>, tensor<f32>, tensor<i8>) -> tensor<*xf32>
  %w = laic.constant {value = dense<3> : tensor<8x12xi8>} : tensor<8x12xi8>
  %sw = laic.constant {value = dense<0.25> : tensor<8xf32>} : tensor<8xf32>
  %wf = laic.dequantize_linear %w, %sw, %none {axis = 0 : i64} : (tensor<8x12xi8>, tensor<8xf32>, none) -> tensor<*xf32>
  %yf = laic.gemm %xf, %wf, %none {transB = 1 : i64} : (tensor<*xf32>, tensor<*xf32>, none) -> tensor<*xf32>
  return %yf : tensor<*xf32>
}

// -----

// CHECK-LABEL: func.func @gemm_with_beta
// CHECK-SAME: %[[X:[^:]+]]: tensor<5x12xi8>, %[[C:[^:]+]]: tensor<8xf32>
// CHECK: %[[F:.+]] = laic.dequantize_linear %{{.+}} : (tensor<5x8xi32>
// CHECK: %[[BETA:.+]] = laic.constant {value = dense<2.500000e+00>
// CHECK: %[[SCALED:.+]] = laic.mul %[[C]], %[[BETA]]
// CHECK: laic.add %[[F]], %[[SCALED]]
func.func @gemm_with_beta(%x: tensor<5x12xi8>, %c: tensor<8xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  %sx = laic.constant {value = dense<0.5> : tensor<f32>} : tensor<f32>
  %zx = laic.constant {value = dense<-3> : tensor<i8>} : tensor<i8>
  %xf = laic.dequantize_linear %x, %sx, %zx : (tensor<5x12xi8>, tensor<f32>, tensor<i8>) -> tensor<*xf32>
  %w = laic.constant {value = dense<3> : tensor<12x8xi8>} : tensor<12x8xi8>
  %sw = laic.constant {value = dense<0.25> : tensor<8xf32>} : tensor<8xf32>
  %wf = laic.dequantize_linear %w, %sw, %none {axis = 1 : i64} : (tensor<12x8xi8>, tensor<8xf32>, none) -> tensor<*xf32>
  %yf = laic.gemm %xf, %wf, %c {beta = 2.5 : f32} : (tensor<*xf32>, tensor<*xf32>, tensor<8xf32>) -> tensor<*xf32>
  return %yf : tensor<*xf32>
}

// -----

// Rows with scales that come at run time: the products stay in integers, both scales are multiplied afterwards.
// CHECK-LABEL: func.func @scaled_rows
// CHECK-SAME: %[[X:[^:]+]]: tensor<?x5x12xi8> {{.*}}, %[[SX:[^:]+]]: tensor<?x5x1xf32>
// CHECK-DAG: %[[W:.+]] = laic.constant {value = dense<3>
// CHECK: %[[SUMS:.+]] = laic.matmul_integer %[[X]], %[[W]]
// CHECK: %[[F:.+]] = laic.dequantize_linear %[[SUMS]]
// CHECK: %[[Y:.+]] = laic.mul %[[F]], %[[SX]]
// CHECK-NEXT: return %[[Y]]
func.func @scaled_rows(%x: tensor<?x5x12xi8> {laic.dims = ["n", 5, 12]}, %sx: tensor<?x5x1xf32> {laic.dims = ["n", 5, 1]}) -> tensor<*xf32> {
  %none = laic.none : none
  %xf = laic.dequantize_linear %x, %sx, %none {axis = -1 : i64, block_size = 12 : i64} : (tensor<?x5x12xi8>, tensor<?x5x1xf32>, none) -> tensor<*xf32>
  %w = laic.constant {value = dense<3> : tensor<12x8xi8>} : tensor<12x8xi8>
  %sw = laic.constant {value = dense<0.25> : tensor<8xf32>} : tensor<8xf32>
  %wf = laic.dequantize_linear %w, %sw, %none {axis = 1 : i64} : (tensor<12x8xi8>, tensor<8xf32>, none) -> tensor<*xf32>
  %y = laic.matmul %xf, %wf : (tensor<*xf32>, tensor<*xf32>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

// Two blocks in a row have no one scale.
// CHECK-LABEL: func.func @rows_of_two_blocks
// CHECK-NOT: laic.matmul_integer
// CHECK: laic.matmul
func.func @rows_of_two_blocks(%x: tensor<5x12xi8>, %sx: tensor<5x2xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  %xf = laic.dequantize_linear %x, %sx, %none {axis = -1 : i64, block_size = 6 : i64} : (tensor<5x12xi8>, tensor<5x2xf32>, none) -> tensor<*xf32>
  %w = laic.constant {value = dense<3> : tensor<12x8xi8>} : tensor<12x8xi8>
  %sw = laic.constant {value = dense<0.25> : tensor<8xf32>} : tensor<8xf32>
  %wf = laic.dequantize_linear %w, %sw, %none {axis = 1 : i64} : (tensor<12x8xi8>, tensor<8xf32>, none) -> tensor<*xf32>
  %y = laic.matmul %xf, %wf : (tensor<*xf32>, tensor<*xf32>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}
