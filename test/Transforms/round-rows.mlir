// RUN: laic-opt %s --laic-form-block-products --verify-diagnostics | FileCheck %s
// RUN: laic-opt %s --laic-form-block-products=rounding=false | FileCheck %s --check-prefix=STRICT

// STRICT-NOT: round_rows
#a = affine_map<(d0, d1, d2) -> (d0, d2)>
#w = affine_map<(d0, d1, d2) -> (d1, d2)>
#c = affine_map<(d0, d1, d2) -> (d0, d1)>

// CHECK-LABEL: func.func @unknown_rows(
// CHECK: laic.block_product {{.*}} sizes %{{.*}} {bits = 4 : i64, block_size = 32 : i64, round_rows}
func.func @unknown_rows(%a: tensor<?x64xf32> {laic.dims = ["m", 64]}, %q: tensor<32x32xi8>, %s: tensor<32x2xf32>) -> tensor<?x32xf32> attributes {laic.symbols = [{arg = 0 : i64, index = 0 : i64, kind = "dim", name = "m"}]} {
  %zero = arith.constant 0.0 : f32
  %m = laic.size affine_map<()[s0] -> (s0)>
  %w = laic.unpack_blocks %q, %s {bits = 4 : i64, block_size = 32 : i64, round_rows} : (tensor<32x32xi8>, tensor<32x2xf32>) -> tensor<32x64xf32>
  %e = tensor.empty(%m) : tensor<?x32xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<?x32xf32>) -> tensor<?x32xf32>
  // expected-remark @+1 {{rows rounded to int8 where there are 64 and more (accuracy_level 4)}}
  %y = linalg.generic {indexing_maps = [#a, #w, #c], iterator_types = ["parallel", "parallel", "reduction"]} ins(%a, %w : tensor<?x64xf32>, tensor<32x64xf32>) outs(%f : tensor<?x32xf32>) {
  ^bb0(%x: f32, %v: f32, %out: f32):
    %p = arith.mulf %x, %v : f32
    %r = arith.addf %out, %p : f32
    linalg.yield %r : f32
  } -> tensor<?x32xf32>
  return %y : tensor<?x32xf32>
}

// CHECK-LABEL: func.func @few_rows(
// CHECK: laic.block_product
// CHECK-NOT: round_rows
func.func @few_rows(%a: tensor<63x64xf32>, %q: tensor<32x32xi8>, %s: tensor<32x2xf32>) -> tensor<63x32xf32> {
  %zero = arith.constant 0.0 : f32
  %w = laic.unpack_blocks %q, %s {bits = 4 : i64, block_size = 32 : i64, round_rows} : (tensor<32x32xi8>, tensor<32x2xf32>) -> tensor<32x64xf32>
  %e = tensor.empty() : tensor<63x32xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<63x32xf32>) -> tensor<63x32xf32>
  %y = linalg.generic {indexing_maps = [#a, #w, #c], iterator_types = ["parallel", "parallel", "reduction"]} ins(%a, %w : tensor<63x64xf32>, tensor<32x64xf32>) outs(%f : tensor<63x32xf32>) {
  ^bb0(%x: f32, %v: f32, %out: f32):
    %p = arith.mulf %x, %v : f32
    %r = arith.addf %out, %p : f32
    linalg.yield %r : f32
  } -> tensor<63x32xf32>
  return %y : tensor<63x32xf32>
}

// Sums of bytes times 8 bits leave 16 bits.
// CHECK-LABEL: func.func @eight_bits(
// CHECK: laic.block_product
// CHECK-NOT: round_rows
func.func @eight_bits(%a: tensor<64x64xf32>, %q: tensor<32x64xi8>, %s: tensor<32x2xf32>) -> tensor<64x32xf32> {
  %zero = arith.constant 0.0 : f32
  %w = laic.unpack_blocks %q, %s {bits = 8 : i64, block_size = 32 : i64, round_rows} : (tensor<32x64xi8>, tensor<32x2xf32>) -> tensor<32x64xf32>
  %e = tensor.empty() : tensor<64x32xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<64x32xf32>) -> tensor<64x32xf32>
  %y = linalg.generic {indexing_maps = [#a, #w, #c], iterator_types = ["parallel", "parallel", "reduction"]} ins(%a, %w : tensor<64x64xf32>, tensor<32x64xf32>) outs(%f : tensor<64x32xf32>) {
  ^bb0(%x: f32, %v: f32, %out: f32):
    %p = arith.mulf %x, %v : f32
    %r = arith.addf %out, %p : f32
    linalg.yield %r : f32
  } -> tensor<64x32xf32>
  return %y : tensor<64x32xf32>
}
