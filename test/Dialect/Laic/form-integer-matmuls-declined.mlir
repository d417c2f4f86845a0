// Products of dequantised matrices that stay in floats.
// RUN: laic-opt %s --split-input-file --pass-pipeline='builtin.module(func.func(laic-infer-shapes,laic-form-integer-products,laic-infer-shapes))' | FileCheck %s

// Scales along the rows of the matrix.
// CHECK-LABEL: func.func @matmul_scaled_along_the_rows
// CHECK-NOT: integer
// CHECK-NOT: qlinear
// CHECK: laic.matmul 
// CHECK-NOT: integer
func.func @matmul_scaled_along_the_rows(%x: tensor<?x5x12xi8> {laic.dims = ["n", 5, 12]}) -> tensor<*xf32> {
  %none = laic.none : none
  %sx = laic.constant {value = dense<0.5> : tensor<f32>} : tensor<f32>
  %zx = laic.constant {value = dense<-3> : tensor<i8>} : tensor<i8>
  %xf = laic.dequantize_linear %x, %sx, %zx : (tensor<?x5x12xi8>, tensor<f32>, tensor<i8>) -> tensor<*xf32>
  %w = laic.constant {value = dense<3> : tensor<12x8xi8>} : tensor<12x8xi8>
  %sw = laic.constant {value = dense<0.25> : tensor<12xf32>} : tensor<12xf32>
  %wf = laic.dequantize_linear %w, %sw, %none {axis = 0 : i64} : (tensor<12x8xi8>, tensor<12xf32>, none) -> tensor<*xf32>
  %yf = laic.matmul %xf, %wf : (tensor<*xf32>, tensor<*xf32>) -> tensor<*xf32>
  return %yf : tensor<*xf32>
}

// -----

// CHECK-LABEL: func.func @matmul_with_a_vector
// CHECK-NOT: integer
// CHECK-NOT: qlinear
// CHECK: laic.matmul 
// CHECK-NOT: integer
func.func @matmul_with_a_vector(%x: tensor<?x5x12xi8> {laic.dims = ["n", 5, 12]}) -> tensor<*xf32> {
  %none = laic.none : none
  %sx = laic.constant {value = dense<0.5> : tensor<f32>} : tensor<f32>
  %zx = laic.constant {value = dense<-3> : tensor<i8>} : tensor<i8>
  %xf = laic.dequantize_linear %x, %sx, %zx : (tensor<?x5x12xi8>, tensor<f32>, tensor<i8>) -> tensor<*xf32>
  %w = laic.constant {value = dense<3> : tensor<12xi8>} : tensor<12xi8>
  %sw = laic.constant {value = dense<0.25> : tensor<f32>} : tensor<f32>
  %wf = laic.dequantize_linear %w, %sw, %none : (tensor<12xi8>, tensor<f32>, none) -> tensor<*xf32>
  %yf = laic.matmul %xf, %wf : (tensor<*xf32>, tensor<*xf32>) -> tensor<*xf32>
  return %yf : tensor<*xf32>
}

// -----

// Blocks along the reduction.
// CHECK-LABEL: func.func @matmul_of_blocks
// CHECK-NOT: integer
// CHECK-NOT: qlinear
// CHECK: laic.matmul 
// CHECK-NOT: integer
func.func @matmul_of_blocks(%x: tensor<?x5x12xi8> {laic.dims = ["n", 5, 12]}) -> tensor<*xf32> {
  %none = laic.none : none
  %sx = laic.constant {value = dense<0.5> : tensor<f32>} : tensor<f32>
  %zx = laic.constant {value = dense<-3> : tensor<i8>} : tensor<i8>
  %xf = laic.dequantize_linear %x, %sx, %zx : (tensor<?x5x12xi8>, tensor<f32>, tensor<i8>) -> tensor<*xf32>
  %w = laic.constant {value = dense<3> : tensor<12x8xi8>} : tensor<12x8xi8>
  %sw = laic.constant {value = dense<0.25> : tensor<3x8xf32>} : tensor<3x8xf32>
  %wf = laic.dequantize_linear %w, %sw, %none {axis = 0 : i64, block_size = 4 : i64} : (tensor<12x8xi8>, tensor<3x8xf32>, none) -> tensor<*xf32>
  %yf = laic.matmul %xf, %wf : (tensor<*xf32>, tensor<*xf32>) -> tensor<*xf32>
  return %yf : tensor<*xf32>
}

// -----

// CHECK-LABEL: func.func @gemm_of_transposed_rows
// CHECK-NOT: integer
// CHECK-NOT: qlinear
// CHECK: laic.gemm 
// CHECK-NOT: integer
func.func @gemm_of_transposed_rows(%x: tensor<12x5xi8>) -> tensor<*xf32> {
  %none = laic.none : none
  %sx = laic.constant {value = dense<0.5> : tensor<f32>} : tensor<f32>
  %zx = laic.constant {value = dense<-3> : tensor<i8>} : tensor<i8>
  %xf = laic.dequantize_linear %x, %sx, %zx : (tensor<12x5xi8>, tensor<f32>, tensor<i8>) -> tensor<*xf32>
  %w = laic.constant {value = dense<3> : tensor<12x8xi8>} : tensor<12x8xi8>
  %sw = laic.constant {value = dense<0.25> : tensor<8xf32>} : tensor<8xf32>
  %wf = laic.dequantize_linear %w, %sw, %none {axis = 1 : i64} : (tensor<12x8xi8>, tensor<8xf32>, none) -> tensor<*xf32>
  %yf = laic.gemm %xf, %wf, %none {transA = 1 : i64} : (tensor<*xf32>, tensor<*xf32>, none) -> tensor<*xf32>
  return %yf : tensor<*xf32>
}

// -----

// CHECK-LABEL: func.func @gemm_with_alpha
// CHECK-NOT: integer
// CHECK-NOT: qlinear
// CHECK: laic.gemm 
// CHECK-NOT: integer
func.func @gemm_with_alpha(%x: tensor<5x12xi8>) -> tensor<*xf32> {
  %none = laic.none : none
  %sx = laic.constant {value = dense<0.5> : tensor<f32>} : tensor<f32>
  %zx = laic.constant {value = dense<-3> : tensor<i8>} : tensor<i8>
  %xf = laic.dequantize_linear %x, %sx, %zx : (tensor<5x12xi8>, tensor<f32>, tensor<i8>) -> tensor<*xf32>
  %w = laic.constant {value = dense<3> : tensor<12x8xi8>} : tensor<12x8xi8>
  %sw = laic.constant {value = dense<0.25> : tensor<8xf32>} : tensor<8xf32>
  %wf = laic.dequantize_linear %w, %sw, %none {axis = 1 : i64} : (tensor<12x8xi8>, tensor<8xf32>, none) -> tensor<*xf32>
  %yf = laic.gemm %xf, %wf, %none {alpha = 0.5 : f32} : (tensor<*xf32>, tensor<*xf32>, none) -> tensor<*xf32>
  return %yf : tensor<*xf32>
}

// -----

// CHECK-LABEL: func.func @gemm_scaled_along_the_reduction
// CHECK-NOT: integer
// CHECK-NOT: qlinear
// CHECK: laic.gemm 
// CHECK-NOT: integer
func.func @gemm_scaled_along_the_reduction(%x: tensor<5x12xi8>) -> tensor<*xf32> {
  %none = laic.none : none
  %sx = laic.constant {value = dense<0.5> : tensor<f32>} : tensor<f32>
  %zx = laic.constant {value = dense<-3> : tensor<i8>} : tensor<i8>
  %xf = laic.dequantize_linear %x, %sx, %zx : (tensor<5x12xi8>, tensor<f32>, tensor<i8>) -> tensor<*xf32>
  %w = laic.constant {value = dense<3> : tensor<8x12xi8>} : tensor<8x12xi8>
  %sw = laic.constant {value = dense<0.25> : tensor<12xf32>} : tensor<12xf32>
  %wf = laic.dequantize_linear %w, %sw, %none {axis = 1 : i64} : (tensor<8x12xi8>, tensor<12xf32>, none) -> tensor<*xf32>
  %yf = laic.gemm %xf, %wf, %none {transB = 1 : i64} : (tensor<*xf32>, tensor<*xf32>, none) -> tensor<*xf32>
  return %yf : tensor<*xf32>
}

// -----

// Sums that may leave 32 bits.
// CHECK-LABEL: func.func @matmul_of_many_products
// CHECK-NOT: laic.matmul_integer
// CHECK: laic.matmul %
func.func @matmul_of_many_products(%x: tensor<1x66000xui8>) -> tensor<*xf32> {
  %none = laic.none : none
  %s = laic.constant {value = dense<0.5> : tensor<f32>} : tensor<f32>
  %xf = laic.dequantize_linear %x, %s, %none : (tensor<1x66000xui8>, tensor<f32>, none) -> tensor<*xf32>
  %w = laic.constant {value = dense<127> : tensor<66000x1xi8>} : tensor<66000x1xi8>
  %wf = laic.dequantize_linear %w, %s, %none : (tensor<66000x1xi8>, tensor<f32>, none) -> tensor<*xf32>
  %yf = laic.matmul %xf, %wf : (tensor<*xf32>, tensor<*xf32>) -> tensor<*xf32>
  return %yf : tensor<*xf32>
}
