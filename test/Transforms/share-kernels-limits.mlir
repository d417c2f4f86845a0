// Numbers of operations inside laic.rows, what is no number of a scalar body, and the limit of operands.
// RUN: laic-opt %s --laic-share-kernels --laic-form-dispatches -split-input-file | FileCheck %s
// RUN: laic-opt %s --laic-share-kernels=most-operands=1 --laic-form-dispatches -split-input-file | FileCheck %s --check-prefix=FEW

#id = affine_map<(d0, d1) -> (d0, d1)>
#row = affine_map<(d0, d1) -> (d0)>

// A reduction of two rows operations: one kernel, which reads the number.
// CHECK-LABEL: func.func @main
// CHECK: plan.dispatch @[[ROWS:[a-z0-9_]+]](%arg0, %{{.*}}) {{.*}}: (tensor<8x9xf32>, tensor<f32>)
// CHECK: plan.dispatch @[[ROWS]](%arg0, %{{.*}})
// FEW-LABEL: func.func @main
// FEW: plan.dispatch @[[FIRST:[a-z0-9_]+]](%arg0) {{.*}}: (tensor<8x9xf32>)
// FEW-NOT: plan.dispatch @[[FIRST]](
// FEW: return
func.func @main(%x: tensor<8x9xf32>) -> (tensor<8xf32>, tensor<8xf32>) {
  %zero = arith.constant 0.0 : f32
  %one = arith.constant 1.0 : f32
  %two = arith.constant 2.0 : f32
  %three = arith.constant 3.0 : f32
  %y = laic.rows {rows = 1 : i64} : tensor<8xf32> {
    %e = tensor.empty() : tensor<8xf32>
    %g = linalg.fill ins(%zero : f32) outs(%e : tensor<8xf32>) -> tensor<8xf32>
    %sum = linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "reduction"]} ins(%x : tensor<8x9xf32>) outs(%g : tensor<8xf32>) {
    ^bb0(%in: f32, %out: f32):
      %t = arith.mulf %in, %two : f32
      %s = arith.addf %t, %out : f32
      linalg.yield %s : f32
    } -> tensor<8xf32>
    laic.outputs %sum : tensor<8xf32>
  }
  %z = laic.rows {rows = 1 : i64} : tensor<8xf32> {
    %e = tensor.empty() : tensor<8xf32>
    %g = linalg.fill ins(%zero : f32) outs(%e : tensor<8xf32>) -> tensor<8xf32>
    %sum = linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "reduction"]} ins(%x : tensor<8x9xf32>) outs(%g : tensor<8xf32>) {
    ^bb0(%in: f32, %out: f32):
      %t = arith.mulf %in, %three : f32
      %s = arith.addf %t, %out : f32
      linalg.yield %s : f32
    } -> tensor<8xf32>
    laic.outputs %sum : tensor<8xf32>
  }
  return %y, %z : tensor<8xf32>, tensor<8xf32>
}

// -----

#id = affine_map<(d0, d1) -> (d0, d1)>
#row = affine_map<(d0, d1) -> (d0)>

// What a sum starts from is in no scalar body: two kernels.
// CHECK-LABEL: func.func @main
// CHECK: plan.dispatch @[[FIRST:[a-z0-9_]+]](%arg0) {{.*}}: (tensor<8x9xf32>)
// CHECK-NOT: plan.dispatch @[[FIRST]](
// CHECK: return
func.func @main(%x: tensor<8x9xf32>) -> (tensor<8xf32>, tensor<8xf32>) {
  %zero = arith.constant 0.0 : f32
  %one = arith.constant 1.0 : f32
  %two = arith.constant 2.0 : f32
  %three = arith.constant 3.0 : f32
  %y = laic.rows {rows = 1 : i64} : tensor<8xf32> {
    %e = tensor.empty() : tensor<8xf32>
    %g = linalg.fill ins(%zero : f32) outs(%e : tensor<8xf32>) -> tensor<8xf32>
    %sum = linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "reduction"]} ins(%x : tensor<8x9xf32>) outs(%g : tensor<8xf32>) {
    ^bb0(%in: f32, %out: f32):
      %t = arith.mulf %in, %two : f32
      %s = arith.addf %t, %out : f32
      linalg.yield %s : f32
    } -> tensor<8xf32>
    laic.outputs %sum : tensor<8xf32>
  }
  %z = laic.rows {rows = 1 : i64} : tensor<8xf32> {
    %e = tensor.empty() : tensor<8xf32>
    %g = linalg.fill ins(%one : f32) outs(%e : tensor<8xf32>) -> tensor<8xf32>
    %sum = linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "reduction"]} ins(%x : tensor<8x9xf32>) outs(%g : tensor<8xf32>) {
    ^bb0(%in: f32, %out: f32):
      %t = arith.mulf %in, %two : f32
      %s = arith.addf %t, %out : f32
      linalg.yield %s : f32
    } -> tensor<8xf32>
    laic.outputs %sum : tensor<8xf32>
  }
  return %y, %z : tensor<8xf32>, tensor<8xf32>
}

// -----

#id = affine_map<(d0, d1) -> (d0, d1)>

// CHECK-LABEL: func.func @main
// CHECK: plan.dispatch @[[SCALE:[a-z0-9_]+]](%arg0, %{{.*}})
// CHECK: plan.dispatch @[[SCALE]](%arg0, %{{.*}})
func.func @main(%x: tensor<8x9xf32>) -> (tensor<8x9xf32>, tensor<8x9xf32>) {
  %zero = arith.constant 0.0 : f32
  %one = arith.constant 1.0 : f32
  %two = arith.constant 2.0 : f32
  %three = arith.constant 3.0 : f32
  %e = tensor.empty() : tensor<8x9xf32>
  %y = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%x : tensor<8x9xf32>) outs(%e : tensor<8x9xf32>) {
  ^bb0(%a: f32, %o: f32):
    %m = arith.mulf %a, %two : f32
    linalg.yield %m : f32
  } -> tensor<8x9xf32>
  %z = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%x : tensor<8x9xf32>) outs(%e : tensor<8x9xf32>) {
  ^bb0(%a: f32, %o: f32):
    %m = arith.mulf %a, %three : f32
    linalg.yield %m : f32
  } -> tensor<8x9xf32>
  return %y, %z : tensor<8x9xf32>, tensor<8x9xf32>
}
