// RUN: laic-opt %s --laic-form-block-products | FileCheck %s
// RUN: laic-opt %s --laic-form-block-products=products=false | FileCheck %s --check-prefix=UNPACKED

// Integers and scales go to panels of 32 rows, the last one filled up; zero points get a byte each.
// CHECK-LABEL: func.func @product(
// CHECK-SAME: %[[A:.*]]: tensor<?x64xf32>
// CHECK: tensor.pad %{{.*}} low[0, 0] high[24, 0]
// CHECK: %[[Q:.*]] = linalg.transpose ins(%{{.*}} : tensor<2x32x8x4xi8>) outs(%{{.*}} : tensor<2x8x32x4xi8>) permutation = [0, 2, 1, 3]
// CHECK: %[[S:.*]] = linalg.transpose ins(%{{.*}} : tensor<2x32x2xf32>) outs(%{{.*}} : tensor<2x2x32xf32>) permutation = [0, 2, 1]
// CHECK: arith.shrui
// CHECK: %[[Z:.*]] = linalg.transpose ins(%{{.*}} : tensor<2x32x2xi8>) outs(%{{.*}} : tensor<2x2x32xi8>) permutation = [0, 2, 1]
// CHECK: laic.block_product %[[A]], %[[Q]], %[[S]] zeros %[[Z]] sizes %{{.*}} {bits = 4 : i64, block_size = 32 : i64}
// UNPACKED-LABEL: func.func @product(
// UNPACKED-NOT: laic.block_product
// UNPACKED: tensor.extract
// UNPACKED: linalg.generic {{.*}}"reduction"
#a = affine_map<(d0, d1, d2) -> (d0, d2)>
#w = affine_map<(d0, d1, d2) -> (d1, d2)>
#c = affine_map<(d0, d1, d2) -> (d0, d1)>
func.func @product(%a: tensor<?x64xf32> {laic.dims = ["m", 64]}, %q: tensor<40x32xi8>, %s: tensor<40x2xf32>, %z: tensor<40x1xi8>) -> tensor<?x40xf32> attributes {laic.symbols = [{arg = 0 : i64, index = 0 : i64, kind = "dim", name = "m"}]} {
  %zero = arith.constant 0.0 : f32
  %m = laic.size affine_map<()[s0] -> (s0)>
  %w = laic.unpack_blocks %q, %s, %z {bits = 4 : i64, block_size = 32 : i64} : (tensor<40x32xi8>, tensor<40x2xf32>, tensor<40x1xi8>) -> tensor<40x64xf32>
  %e = tensor.empty(%m) : tensor<?x40xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<?x40xf32>) -> tensor<?x40xf32>
  %y = linalg.generic {indexing_maps = [#a, #w, #c], iterator_types = ["parallel", "parallel", "reduction"]} ins(%a, %w : tensor<?x64xf32>, tensor<40x64xf32>) outs(%f : tensor<?x40xf32>) {
  ^bb0(%x: f32, %v: f32, %out: f32):
    %p = arith.mulf %x, %v : f32
    %r = arith.addf %out, %p : f32
    linalg.yield %r : f32
  } -> tensor<?x40xf32>
  return %y : tensor<?x40xf32>
}

// A matrix that is also read in another way is unpacked for that.
// CHECK-LABEL: func.func @other_use(
// CHECK: tensor.extract
// CHECK-NOT: laic.block_product
// CHECK: return
func.func @other_use(%q: tensor<32x16xi8>, %s: tensor<32x1xf32>) -> tensor<32x32xf32> {
  %w = laic.unpack_blocks %q, %s {bits = 4 : i64, block_size = 32 : i64} : (tensor<32x16xi8>, tensor<32x1xf32>) -> tensor<32x32xf32>
  return %w : tensor<32x32xf32>
}
