// What shape inference refuses: products of com.microsoft.
// RUN: laic-opt --laic-infer-shapes --split-input-file --verify-diagnostics %s

func.func @matmul_rows(%a: tensor<4x7xf32>, %b: tensor<6x5xf32>) -> tensor<*xf32> {
  // expected-error @+1 {{expects the rows of B to be 7 (the columns of A), got 6}}
  %y = laic.fused_matmul %a, %b : (tensor<4x7xf32>, tensor<6x5xf32>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @matmul_scalar(%a: tensor<4x7xf32>, %b: tensor<f32>) -> tensor<*xf32> {
  // expected-error @+1 {{expects operands of at least one dim, got a scalar}}
  %y = laic.fused_matmul %a, %b : (tensor<4x7xf32>, tensor<f32>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @gemm_activation(%a: tensor<4x7xf32>, %b: tensor<7x5xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects 'activation' to be Relu, Sigmoid, Tanh, LeakyRelu, Clip or HardSigmoid, got 'Softmax'}}
  %y = laic.fused_gemm %a, %b, %none {activation = "Softmax"} : (tensor<4x7xf32>, tensor<7x5xf32>, none) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @conv_addend(%a: tensor<1x3x9x9xf32>, %b: tensor<4x3x3x3xf32>, %d: tensor<4x7x7xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects Z to have rank 4, got rank 3}}
  %y = laic.fused_conv %a, %b, %none, %d {activation = "Relu"} : (tensor<1x3x9x9xf32>, tensor<4x3x3x3xf32>, none, tensor<4x7x7xf32>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @dynamic_scale(%a: tensor<5x30xf32>, %b: tensor<30x7xi8>, %c: tensor<6xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects the last dim of the scale of B to be 7 (the columns of B), got 6}}
  %y = laic.dynamic_quantize_matmul %a, %b, %c, %none, %none : (tensor<5x30xf32>, tensor<30x7xi8>, tensor<6xf32>, none, none) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @scale_per_row(%a: tensor<5x30xui8>, %b: tensor<30x7xi8>, %c: tensor<5xf32>, %d: tensor<f32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects one scale and one zero point for all of A}}
  %y = laic.matmul_integer_to_float %a, %b, %c, %d, %none, %none, %none : (tensor<5x30xui8>, tensor<30x7xi8>, tensor<5xf32>, tensor<f32>, none, none, none) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @metric(%a: tensor<4x7xf32>, %b: tensor<5x7xf32>) -> tensor<*xf32> {
  // expected-error @+1 {{expects 'metric' to be sqeuclidean or euclidean, got 'cosine'}}
  %y = laic.cdist %a, %b {metric = "cosine"} : (tensor<4x7xf32>, tensor<5x7xf32>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @bits(%a: tensor<5x64xf32>, %b: tensor<9x2x16xui8>, %c: tensor<9x2xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects 'bits' to be 2, 4 or 8, got 3}}
  %y = laic.matmul_nbits %a, %b, %c, %none, %none, %none {K = 64 : i64, N = 9 : i64, block_size = 32 : i64, bits = 3 : i64} : (tensor<5x64xf32>, tensor<9x2x16xui8>, tensor<9x2xf32>, none, none, none) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @block_size(%a: tensor<5x64xf32>, %b: tensor<9x2x16xui8>, %c: tensor<9x2xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects 'block_size' to be a power of two of at least 16, got 24}}
  %y = laic.matmul_nbits %a, %b, %c, %none, %none, %none {K = 64 : i64, N = 9 : i64, block_size = 24 : i64} : (tensor<5x64xf32>, tensor<9x2x16xui8>, tensor<9x2xf32>, none, none, none) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @sizes(%a: tensor<5x64xf32>, %b: tensor<9x2x16xui8>, %c: tensor<9x2xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects 'N' and 'K' to be at least 1, got 0 and 64}}
  %y = laic.matmul_nbits %a, %b, %c, %none, %none, %none {K = 64 : i64, N = 0 : i64, block_size = 32 : i64} : (tensor<5x64xf32>, tensor<9x2x16xui8>, tensor<9x2xf32>, none, none, none) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @prepacked(%a: tensor<5x64xf32>, %b: tensor<9x2x16xui8>, %c: tensor<9x2xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{does not support weight_prepacked, whose layout is one device's}}
  %y = laic.matmul_nbits %a, %b, %c, %none, %none, %none {K = 64 : i64, N = 9 : i64, block_size = 32 : i64, weight_prepacked = 1 : i64} : (tensor<5x64xf32>, tensor<9x2x16xui8>, tensor<9x2xf32>, none, none, none) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @packed_type(%a: tensor<5x64xf32>, %b: tensor<9x2x16xi8>, %c: tensor<9x2xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects B to have element type u8, got i8}}
  %y = laic.matmul_nbits %a, %b, %c, %none, %none, %none {K = 64 : i64, N = 9 : i64, block_size = 32 : i64} : (tensor<5x64xf32>, tensor<9x2x16xi8>, tensor<9x2xf32>, none, none, none) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @columns(%a: tensor<5x63xf32>, %b: tensor<9x2x16xui8>, %c: tensor<9x2xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects the last dim of A to be 64 (K), got 63}}
  %y = laic.matmul_nbits %a, %b, %c, %none, %none, %none {K = 64 : i64, N = 9 : i64, block_size = 32 : i64} : (tensor<5x63xf32>, tensor<9x2x16xui8>, tensor<9x2xf32>, none, none, none) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @packed_size(%a: tensor<5x64xf32>, %b: tensor<9x1x16xui8>, %c: tensor<9x2xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects the size of B to be 288 (N blocks of K), got 144}}
  %y = laic.matmul_nbits %a, %b, %c, %none, %none, %none {K = 64 : i64, N = 9 : i64, block_size = 32 : i64} : (tensor<5x64xf32>, tensor<9x1x16xui8>, tensor<9x2xf32>, none, none, none) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @scales(%a: tensor<5x64xf32>, %b: tensor<9x2x16xui8>, %c: tensor<9xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects the size of scales to be 18 (N blocks), got 9}}
  %y = laic.matmul_nbits %a, %b, %c, %none, %none, %none {K = 64 : i64, N = 9 : i64, block_size = 32 : i64} : (tensor<5x64xf32>, tensor<9x2x16xui8>, tensor<9xf32>, none, none, none) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @zero_type(%a: tensor<5x64xf32>, %b: tensor<9x2x16xui8>, %c: tensor<9x2xf32>, %d: tensor<9xi8>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects zero_points to have element type u8 or a float type, got i8}}
  %y = laic.matmul_nbits %a, %b, %c, %d, %none, %none {K = 64 : i64, N = 9 : i64, block_size = 32 : i64} : (tensor<5x64xf32>, tensor<9x2x16xui8>, tensor<9x2xf32>, tensor<9xi8>, none, none) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @zero_size(%a: tensor<5x64xf32>, %b: tensor<9x2x16xui8>, %c: tensor<9x2xf32>, %d: tensor<8xui8>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects the size of zero_points to be 9 (N blocks), got 8}}
  %y = laic.matmul_nbits %a, %b, %c, %d, %none, %none {K = 64 : i64, N = 9 : i64, block_size = 32 : i64} : (tensor<5x64xf32>, tensor<9x2x16xui8>, tensor<9x2xf32>, tensor<8xui8>, none, none) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @groups(%a: tensor<5x64xf32>, %b: tensor<9x2x16xui8>, %c: tensor<9x2xf32>, %e: tensor<63xi32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects g_idx to have at least 64 entries}}
  %y = laic.matmul_nbits %a, %b, %c, %none, %e, %none {K = 64 : i64, N = 9 : i64, block_size = 32 : i64} : (tensor<5x64xf32>, tensor<9x2x16xui8>, tensor<9x2xf32>, none, tensor<63xi32>, none) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @table_axes(%a: tensor<20x32xui8>, %b: tensor<2x5xi64>, %c: tensor<20x2xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects quantize_axis to be the last dim, and gather_axis another one}}
  %y = laic.gather_block_quantized %a, %b, %c, %none {block_size = 32 : i64, gather_axis = 1 : i64} : (tensor<20x32xui8>, tensor<2x5xi64>, tensor<20x2xf32>, none) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @table_indices(%a: tensor<20x32xui8>, %b: tensor<2x5xf32>, %c: tensor<20x2xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects integers in 'indices'}}
  %y = laic.gather_block_quantized %a, %b, %c, %none {block_size = 32 : i64} : (tensor<20x32xui8>, tensor<2x5xf32>, tensor<20x2xf32>, none) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @table_scales(%a: tensor<20x32xui8>, %b: tensor<2x5xi64>, %c: tensor<20x3xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects dim 1 of scales to be 2 (blocks of the data), got 3}}
  %y = laic.gather_block_quantized %a, %b, %c, %none {block_size = 32 : i64} : (tensor<20x32xui8>, tensor<2x5xi64>, tensor<20x3xf32>, none) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @table_zeros(%a: tensor<20x32xui8>, %b: tensor<2x5xi64>, %c: tensor<20x2xf32>, %d: tensor<20x2xui8>) -> tensor<*xf32> {
  // expected-error @+1 {{expects dim 1 of zero_points to be 1 (packed, as scales), got 2}}
  %y = laic.gather_block_quantized %a, %b, %c, %d {block_size = 32 : i64} : (tensor<20x32xui8>, tensor<2x5xi64>, tensor<20x2xf32>, tensor<20x2xui8>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}
