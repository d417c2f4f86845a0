// RUN: laic-opt %s --laic-schedule-program -split-input-file | FileCheck %s

func.func private @k(%a: tensor<64xf32>) -> tensor<64xf32>
func.func private @two(%a: tensor<64xf32>, %b: tensor<64xf32>) -> tensor<64xf32>

// Memory of values that are dead is used again; the last step writes the output; independent steps are concurrent.
// CHECK-LABEL: plan.entry @main
// CHECK-SAME: arena [768]
// CHECK: plan.check "eq" [s0], [64], "input 'x': dim 0 must be 64"
// CHECK: plan.step @k
// CHECK: plan.step concurrent @k
// CHECK: plan.step @two
// CHECK: plan.step @k
// CHECK: %[[OUT:.*]] = plan.output 0
// CHECK: plan.step @k {{.*}} outs(%[[OUT]]
func.func @main(%x: tensor<64xf32> {laic.name = "x"}) -> tensor<64xf32> {
  %0 = plan.dispatch @k(%x) shapes [affine_map<() -> (64)>] : (tensor<64xf32>) -> tensor<64xf32>
  %1 = plan.dispatch @k(%x) shapes [affine_map<() -> (64)>] : (tensor<64xf32>) -> tensor<64xf32>
  %2 = plan.dispatch @two(%0, %1) shapes [affine_map<() -> (64)>] : (tensor<64xf32>, tensor<64xf32>) -> tensor<64xf32>
  %3 = plan.dispatch @k(%2) shapes [affine_map<() -> (64)>] : (tensor<64xf32>) -> tensor<64xf32>
  %4 = plan.dispatch @k(%3) shapes [affine_map<() -> (64)>] : (tensor<64xf32>) -> tensor<64xf32>
  return %4 : tensor<64xf32>
}

// -----

func.func private @k(%a: tensor<?x16xf32>, %n: index) -> tensor<?x16xf32> attributes {
  laic.tiles = affine_map<()[s0, s1, s2] -> (s1 ceildiv 8)>, laic.workspace = affine_map<()[s0, s1, s2] -> (s2 * 4)>}

// Sizes that are multiples of one expression share a region; tiles and workspace follow the sizes of the dispatch.
// CHECK-LABEL: plan.entry @main
// CHECK-SAME: arena [s0 * 64]
// CHECK: plan.check "eq" [s1], [16]
// CHECK: plan.check "eq" [s2], [s0], "input 'y': dim 0 (N) must be equal to input 'x': dim 0"
// CHECK: plan.step @k tiles [s0 ceildiv 8] workspace [s0 * 4] sizes [s0]
// CHECK: plan.copy concurrent %{{.*}} to %{{.*}}
func.func @main(%x: tensor<?x16xf32> {laic.name = "x", laic.dims = ["N", 16]},
                %y: tensor<?x16xf32> {laic.name = "y", laic.dims = ["N", 16]}) -> (tensor<?x16xf32>, tensor<?x16xf32>)
    attributes {laic.symbols = [{kind = "dim", arg = 0 : i64, index = 0 : i64, name = "N"}]} {
  %n = laic.size affine_map<()[s0] -> (s0)>
  %0 = plan.dispatch @k(%x)[%n] shapes [affine_map<()[s0] -> (s0, 16)>] : (tensor<?x16xf32>) -> tensor<?x16xf32>
  %1 = plan.dispatch @k(%0)[%n] shapes [affine_map<()[s0] -> (s0, 16)>] : (tensor<?x16xf32>) -> tensor<?x16xf32>
  return %1, %y : tensor<?x16xf32>, tensor<?x16xf32>
}

// -----

func.func private @count(%a: tensor<8xf32>) -> tensor<1xi64>
func.func private @fill(%a: tensor<8xf32>, %n: index) -> tensor<?xf32> attributes {laic.tiles = affine_map<()[s0, s1] -> (s1)>}

// What waits for a read lies in slots, that are shared where lives do not overlap; the read comes before what needs it.
// CHECK-LABEL: plan.entry @main
// CHECK-SAME: arena [64]
// CHECK: plan.step @count
// CHECK: plan.read %{{.*}} as 0 : <i64, [1]>
// CHECK: plan.late slot 0 : <f32, [s0]>
// CHECK: plan.step @fill tiles [s0]
// CHECK: plan.late slot 1
// CHECK: plan.step concurrent @fill
func.func @main(%x: tensor<8xf32> {laic.name = "x"}) -> tensor<8xf32>
    attributes {laic.symbols = [{kind = "read", arg = 0 : i64, index = 0 : i64}]} {
  %0 = plan.dispatch @count(%x) shapes [affine_map<() -> (1)>] : (tensor<8xf32>) -> tensor<1xi64>
  laic.read_sizes %0 as 0 : tensor<1xi64>
  %n = laic.size affine_map<()[s0] -> (s0)>
  %1 = plan.dispatch @fill(%x)[%n] shapes [affine_map<()[s0] -> (s0)>] : (tensor<8xf32>) -> tensor<?xf32>
  %2 = plan.dispatch @fill(%x)[%n] shapes [affine_map<()[s0] -> (s0)>] : (tensor<8xf32>) -> tensor<?xf32>
  return %x : tensor<8xf32>
}

// -----

func.func private @count(%a: tensor<8xf32>) -> tensor<1xi64>
func.func private @fill(%a: tensor<8xf32>, %n: index) -> tensor<?xf32>
func.func private @use(%a: tensor<?xf32>) -> tensor<8xf32>
func.func private @join(%a: tensor<8xf32>, %b: tensor<?xf32>) -> tensor<8xf32>

// A size that chooses between two reads may be known, and its slot grow, after the first: values that are live then keep theirs.
// Those that are dead before it do not.
// CHECK-LABEL: plan.entry @main
// CHECK: plan.read %{{.*}} as 0
// CHECK: plan.late slot 0 : <f32, [s0]>
// CHECK: plan.read %{{.*}} as 1
// CHECK: plan.step @use
// CHECK: plan.read %{{.*}} as 2
// CHECK: plan.late slot 1 : <f32, [s4]>
// CHECK: plan.read %{{.*}} as 3
// CHECK: plan.late slot 0 : <f32, [s5]>
func.func @main(%x: tensor<8xf32> {laic.name = "x"}) -> (tensor<8xf32>, tensor<8xf32>)
    attributes {laic.symbols = [{kind = "read", arg = 0 : i64, index = 0 : i64}, {kind = "read", arg = 1 : i64, index = 0 : i64},
                                {kind = "read", arg = 2 : i64, index = 0 : i64},
                                {kind = "equal", map = affine_map<()[s0, s1] -> (s1, 1)>},
                                {kind = "select", map = affine_map<()[s0, s1, s2, s3] -> (s3, s2, s1)>},
                                {kind = "read", arg = 3 : i64, index = 0 : i64}]} {
  %0 = plan.dispatch @count(%x) shapes [affine_map<() -> (1)>] : (tensor<8xf32>) -> tensor<1xi64>
  laic.read_sizes %0 as 0 : tensor<1xi64>
  %n = laic.size affine_map<()[s0] -> (s0)>
  %a = plan.dispatch @fill(%x)[%n] shapes [affine_map<()[s0] -> (s0)>] : (tensor<8xf32>) -> tensor<?xf32>
  %1 = plan.dispatch @count(%x) shapes [affine_map<() -> (1)>] : (tensor<8xf32>) -> tensor<1xi64>
  laic.read_sizes %1 as 1 : tensor<1xi64>
  %u = plan.dispatch @use(%a) shapes [affine_map<() -> (8)>] : (tensor<?xf32>) -> tensor<8xf32>
  %2 = plan.dispatch @count(%u) shapes [affine_map<() -> (1)>] : (tensor<8xf32>) -> tensor<1xi64>
  laic.read_sizes %2 as 2 : tensor<1xi64>
  %m = laic.size affine_map<()[s0, s1, s2, s3, s4] -> (s4)>
  %c = plan.dispatch @fill(%u)[%m] shapes [affine_map<()[s0, s1, s2, s3, s4] -> (s4)>] : (tensor<8xf32>) -> tensor<?xf32>
  %3 = plan.dispatch @count(%u) shapes [affine_map<() -> (1)>] : (tensor<8xf32>) -> tensor<1xi64>
  laic.read_sizes %3 as 3 : tensor<1xi64>
  %k = laic.size affine_map<()[s0, s1, s2, s3, s4, s5] -> (s5)>
  %d = plan.dispatch @fill(%u)[%k] shapes [affine_map<()[s0, s1, s2, s3, s4, s5] -> (s5)>] : (tensor<8xf32>) -> tensor<?xf32>
  %e = plan.dispatch @join(%u, %c) shapes [affine_map<() -> (8)>] : (tensor<8xf32>, tensor<?xf32>) -> tensor<8xf32>
  %f = plan.dispatch @join(%u, %d) shapes [affine_map<() -> (8)>] : (tensor<8xf32>, tensor<?xf32>) -> tensor<8xf32>
  return %e, %f : tensor<8xf32>, tensor<8xf32>
}
