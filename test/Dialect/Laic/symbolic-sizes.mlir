// Equal unknown sizes are known to be equal: the sizes of results are maps over few symbols.
// RUN: laic-opt --laic-infer-shapes --laic-lower-to-linalg --canonicalize --split-input-file %s | FileCheck %s

// A dim that occurs on both sides cancels, whatever it is made of.
// CHECK-DAG: #[[SUM:.*]] = affine_map<()[s0, s1] -> (s0 + s1)>
// CHECK-LABEL: func.func @reshape_cancels_sums
func.func @reshape_cancels_sums(%past: tensor<?x6xf32> {laic.name = "past", laic.dims = ["past", 6]},
                                %x: tensor<?x6xf32> {laic.name = "x", laic.dims = ["seq", 6]}) -> tensor<*xi64> {
  %target = laic.constant {value = dense<[0, -1, 2]> : tensor<3xi64>} : tensor<3xi64>
  %all = laic.concat %past, %x {axis = 0 : i64} : (tensor<?x6xf32>, tensor<?x6xf32>) -> tensor<*xf32>
  %y = laic.reshape %all, %target : (tensor<*xf32>, tensor<3xi64>) -> tensor<*xf32>
  %shape = laic.shape %y : (tensor<*xf32>) -> tensor<*xi64>
  // CHECK-DAG: %[[TWO:.*]] = arith.constant 2 : index
  // CHECK-DAG: %[[THREE:.*]] = arith.constant 3 : index
  // CHECK: %[[N:.*]] = laic.size #[[SUM]]
  // CHECK: laic.sizes_tensor %[[N]], %[[THREE]], %[[TWO]]
  return %shape : tensor<*xi64>
}

// -----

// Dropping the first and dropping the last element leave the same size.
// CHECK-LABEL: func.func @slices_of_one_size
func.func @slices_of_one_size(%x: tensor<?xf32> {laic.name = "x", laic.dims = ["n"]}) -> tensor<*xf32> {
  %none = laic.none : none
  %zero = laic.constant {value = dense<0> : tensor<1xi64>} : tensor<1xi64>
  %one = laic.constant {value = dense<1> : tensor<1xi64>} : tensor<1xi64>
  %minus = laic.constant {value = dense<-1> : tensor<1xi64>} : tensor<1xi64>
  %end = laic.constant {value = dense<9223372036854775807> : tensor<1xi64>} : tensor<1xi64>
  %a = laic.slice %x, %one, %end, %none, %none : (tensor<?xf32>, tensor<1xi64>, tensor<1xi64>, none, none) -> tensor<*xf32>
  %b = laic.slice %x, %zero, %minus, %none, %none : (tensor<?xf32>, tensor<1xi64>, tensor<1xi64>, none, none) -> tensor<*xf32>
  // No operand may be of size 1 at run time, so the sum needs no gather.
  // CHECK-NOT: tensor.extract %
  %y = laic.add %a, %b : (tensor<*xf32>, tensor<*xf32>) -> tensor<*xf32>
  // CHECK: return
  return %y : tensor<*xf32>
}

// -----

// CHECK-DAG: #[[HALF:.*]] = affine_map<()[s0] -> ((s0 + 1) floordiv 2)>
// CHECK-LABEL: func.func @strided_slice
func.func @strided_slice(%x: tensor<?xf32> {laic.name = "x", laic.dims = ["n"]}) -> tensor<*xi64> {
  %none = laic.none : none
  %zero = laic.constant {value = dense<0> : tensor<1xi64>} : tensor<1xi64>
  %two = laic.constant {value = dense<2> : tensor<1xi64>} : tensor<1xi64>
  %end = laic.constant {value = dense<9223372036854775807> : tensor<1xi64>} : tensor<1xi64>
  %y = laic.slice %x, %zero, %end, %none, %two : (tensor<?xf32>, tensor<1xi64>, tensor<1xi64>, none, tensor<1xi64>) -> tensor<*xf32>
  %shape = laic.shape %y : (tensor<*xf32>) -> tensor<*xi64>
  // CHECK: laic.size #[[HALF]]
  return %shape : tensor<*xi64>
}

// -----

// What inference cannot tell is a condition of every call, once per pair of sizes.
// CHECK-LABEL: func.func @conditions_of_a_call
// CHECK-SAME: laic.size_checks = [
// CHECK-SAME: {message = "matmul: dim 0 of B must fit: last dim of A", relation = "eq", sizes = #map{{[0-9]*}}},
// CHECK-SAME: {message = "add: operands of these sizes do not broadcast", relation = "eq", sizes = #map{{[0-9]*}}}]
func.func @conditions_of_a_call(%a: tensor<4x?xf32> {laic.name = "a", laic.dims = [4, "k"]},
                                %b: tensor<?x?xf32> {laic.name = "b", laic.dims = ["j", "n"]},
                                %c: tensor<?xf32> {laic.name = "c", laic.dims = ["m"]}) -> tensor<*xf32> {
  %y = laic.matmul %a, %b : (tensor<4x?xf32>, tensor<?x?xf32>) -> tensor<*xf32>
  %z = laic.matmul %a, %b : (tensor<4x?xf32>, tensor<?x?xf32>) -> tensor<*xf32>
  %s = laic.add %y, %c : (tensor<*xf32>, tensor<?xf32>) -> tensor<*xf32>
  %t = laic.add %s, %z : (tensor<*xf32>, tensor<*xf32>) -> tensor<*xf32>
  return %t : tensor<*xf32>
}
