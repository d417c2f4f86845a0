// RUN: laic-opt %s --laic-form-contracts | FileCheck %s

// Exporters of grouped attention join heads of keys, those that share them, and batches before they transpose: all but the first two stay
// joined as they were.
// CHECK-LABEL: func.func @partly_apart(
// CHECK: %[[BOTH:.*]] = tensor.collapse_shape %{{.*}} {{\[\[}}0], [1, 2], [3], [4]] : tensor<2x4x8x96x48xf32> into tensor<2x32x96x48xf32>
// CHECK: linalg.transpose ins(%[[BOTH]] : {{.*}} permutation = [0, 1, 3, 2]
// CHECK-NEXT: return
func.func @partly_apart(%k: tensor<2x4x8x96x48xf32>) -> tensor<2x32x48x96xf32> {
  %joined = tensor.collapse_shape %k [[0, 1, 2], [3], [4]] : tensor<2x4x8x96x48xf32> into tensor<64x96x48xf32>
  %te = tensor.empty() : tensor<64x48x96xf32>
  %t = linalg.transpose ins(%joined : tensor<64x96x48xf32>) outs(%te : tensor<64x48x96xf32>) permutation = [0, 2, 1]
  %apart = tensor.expand_shape %t [[0, 1], [2], [3]] output_shape [2, 32, 48, 96] : tensor<64x48x96xf32> into tensor<2x32x48x96xf32>
  return %apart : tensor<2x32x48x96xf32>
}

// Dims that the reshapes mix stay as they are.
// CHECK-LABEL: func.func @mixed(
// CHECK: tensor.collapse_shape
// CHECK: linalg.transpose
// CHECK: tensor.expand_shape
func.func @mixed(%k: tensor<4x6x96x48xf32>) -> tensor<6x4x48x96xf32> {
  %joined = tensor.collapse_shape %k [[0, 1], [2], [3]] : tensor<4x6x96x48xf32> into tensor<24x96x48xf32>
  %te = tensor.empty() : tensor<24x48x96xf32>
  %t = linalg.transpose ins(%joined : tensor<24x96x48xf32>) outs(%te : tensor<24x48x96xf32>) permutation = [0, 2, 1]
  %apart = tensor.expand_shape %t [[0, 1], [2], [3]] output_shape [6, 4, 48, 96] : tensor<24x48x96xf32> into tensor<6x4x48x96xf32>
  return %apart : tensor<6x4x48x96xf32>
}

// What else reads the transpose keeps it where it is.
// CHECK-LABEL: func.func @read_twice(
// CHECK: tensor.collapse_shape
// CHECK: linalg.transpose
// CHECK: tensor.expand_shape
func.func @read_twice(%k: tensor<4x6x96x48xf32>) -> (tensor<4x6x48x96xf32>, tensor<24x48x96xf32>) {
  %joined = tensor.collapse_shape %k [[0, 1], [2], [3]] : tensor<4x6x96x48xf32> into tensor<24x96x48xf32>
  %te = tensor.empty() : tensor<24x48x96xf32>
  %t = linalg.transpose ins(%joined : tensor<24x96x48xf32>) outs(%te : tensor<24x48x96xf32>) permutation = [0, 2, 1]
  %apart = tensor.expand_shape %t [[0, 1], [2], [3]] output_shape [4, 6, 48, 96] : tensor<24x48x96xf32> into tensor<4x6x48x96xf32>
  return %apart, %t : tensor<4x6x48x96xf32>, tensor<24x48x96xf32>
}

// Sizes that are unknown, and a dim of size 1.
// CHECK-LABEL: func.func @unknown(
// CHECK-SAME: %[[K:[^:]*]]: tensor<?x1x6x?x48xf32>
// CHECK: linalg.transpose ins(%[[K]] : {{.*}} permutation = [0, 1, 2, 4, 3]
// CHECK-NEXT: return
func.func @unknown(%k: tensor<?x1x6x?x48xf32> {laic.dims = ["b", 1, 6, "t", 48]}) -> tensor<?x1x6x48x?xf32> attributes {laic.symbols = [{arg = 0 : i64, index = 0 : i64, kind = "dim", name = "b"}, {arg = 0 : i64, index = 3 : i64, kind = "dim", name = "t"}]} {
  %b = laic.size affine_map<()[s0, s1] -> (s0)>
  %t = laic.size affine_map<()[s0, s1] -> (s1)>
  %bh = laic.size affine_map<()[s0, s1] -> (s0 * 6)>
  %joined = tensor.collapse_shape %k [[0, 1, 2], [3], [4]] : tensor<?x1x6x?x48xf32> into tensor<?x?x48xf32>
  %te = tensor.empty(%bh, %t) : tensor<?x48x?xf32>
  %turned = linalg.transpose ins(%joined : tensor<?x?x48xf32>) outs(%te : tensor<?x48x?xf32>) permutation = [0, 2, 1]
  %apart = tensor.expand_shape %turned [[0, 1, 2], [3], [4]] output_shape [%b, 1, 6, 48, %t] : tensor<?x48x?xf32> into tensor<?x1x6x48x?xf32>
  return %apart : tensor<?x1x6x48x?xf32>
}
