// What shape inference refuses: products, elementwise and variadic operators.
// RUN: laic-opt --laic-infer-shapes --split-input-file --verify-diagnostics %s

func.func @matmul_scalar(%x: tensor<f32>, %w: tensor<4x2xf32>) -> tensor<*xf32> {
  // expected-error @+1 {{expects operands of at least one dim, got a scalar}}
  %y = laic.matmul %x, %w : (tensor<f32>, tensor<4x2xf32>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @matmul_inner(%x: tensor<3x4xf32>, %w: tensor<5x2xf32>) -> tensor<*xf32> {
  // expected-error @+1 {{expects dim 0 of B to be 4 (last dim of A), got 5}}
  %y = laic.matmul %x, %w : (tensor<3x4xf32>, tensor<5x2xf32>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @matmul_batch(%x: tensor<2x3x4xf32>, %w: tensor<3x4x2xf32>) -> tensor<*xf32> {
  // expected-error @+1 {{cannot broadcast a dim of size 2 with one of size 3}}
  %y = laic.matmul %x, %w : (tensor<2x3x4xf32>, tensor<3x4x2xf32>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @gemm_rank(%x: tensor<2x3x4xf32>, %w: tensor<4x2xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects A to have rank 2, got rank 3}}
  %y = laic.gemm %x, %w, %none : (tensor<2x3x4xf32>, tensor<4x2xf32>, none) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @gemm_inner(%x: tensor<3x4xf32>, %w: tensor<2x5xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects dim 1 of B to be 4 (dim 1 of A), got 5}}
  %y = laic.gemm %x, %w, %none {transB = 1 : i64} : (tensor<3x4xf32>, tensor<2x5xf32>, none) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @gemm_inner_transposed(%x: tensor<4x3xf32>, %w: tensor<5x2xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects dim 0 of B to be 4 (dim 0 of A), got 5}}
  %y = laic.gemm %x, %w, %none {transA = 1 : i64} : (tensor<4x3xf32>, tensor<5x2xf32>, none) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @gemm_integer_alpha(%x: tensor<3x4xi32>, %w: tensor<4x2xi32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects whole numbers for alpha and beta of an integer product}}
  %y = laic.gemm %x, %w, %none {alpha = 5.0e-01 : f32} : (tensor<3x4xi32>, tensor<4x2xi32>, none) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @gemm_c_rank(%x: tensor<3x4xf32>, %w: tensor<4x2xf32>, %b: tensor<1x3x2xf32>) -> tensor<*xf32> {
  // expected-error @+1 {{expects C to have at most 2 dims, got 3}}
  %y = laic.gemm %x, %w, %b : (tensor<3x4xf32>, tensor<4x2xf32>, tensor<1x3x2xf32>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @gemm_c_size(%x: tensor<3x4xf32>, %w: tensor<4x2xf32>, %b: tensor<3xf32>) -> tensor<*xf32> {
  // expected-error @+1 {{expects dim 0 of C to be 2 (as the product), got 3}}
  %y = laic.gemm %x, %w, %b : (tensor<3x4xf32>, tensor<4x2xf32>, tensor<3xf32>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @sum_of_nothing() -> tensor<*xf32> {
  // expected-error @+1 {{expects at least one operand}}
  %y = laic.sum : () -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @clip_type(%x: tensor<2x3xf32>, %w: tensor<f16>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects bounds of the operand's element type}}
  %y = laic.clip %x, %w, %none : (tensor<2x3xf32>, tensor<f16>, none) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @add_types(%x: tensor<3xf32>, %w: tensor<3xf16>) -> tensor<*xf32> {
  // expected-error @+1 {{expects operands of one element type, got f32 and f16}}
  %y = laic.add %x, %w : (tensor<3xf32>, tensor<3xf16>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @add_sizes(%x: tensor<3xf32>, %w: tensor<4xf32>) -> tensor<*xf32> {
  // expected-error @+1 {{cannot broadcast a dim of size 3 with one of size 4}}
  %y = laic.add %x, %w : (tensor<3xf32>, tensor<4xf32>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @cast_type(%x: tensor<3xf32>) -> tensor<*xf32> {
  // expected-error @+1 {{has an unsupported result type}}
  %y = laic.cast %x {to = 14 : i64} : (tensor<3xf32>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @add_unknown_rank(%x: tensor<*xf32>, %w: tensor<3xf32>) -> tensor<*xf32> {
  // expected-error @+1 {{needs the rank of its operands to be known}}
  %y = laic.add %x, %w : (tensor<*xf32>, tensor<3xf32>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}
