// SoftmaxCrossEntropyLoss becomes log_softmax over the classes, which is its second result, and the loss of that.
// RUN: laic-opt %s --pass-pipeline='builtin.module(func.func(laic-infer-shapes,laic-decompose-ops,laic-infer-shapes))' | FileCheck %s

// CHECK-LABEL: func.func @cross_entropy
// CHECK-SAME: %[[X:[^:]+]]: tensor<?x5x4xf32> {laic.dims = ["N", 5, 4]}, %[[LABELS:[^:]+]]: tensor<?x4xi64>
// CHECK: %[[NONE:.+]] = laic.none
// CHECK-NEXT: %[[LOG:.+]] = laic.log_softmax %[[X]] {axis = 1 : i64
// CHECK-NEXT: %[[LOSS:.+]] = laic.negative_log_likelihood_loss %[[LOG]], %[[LABELS]], %[[NONE]] {ignore_index = 2 : i64
// CHECK-SAME: reduction = "sum"
// CHECK-NEXT: return %[[LOSS]], %[[LOG]]
func.func @cross_entropy(%x: tensor<?x5x4xf32> {laic.dims = ["N", 5, 4]}, %labels: tensor<?x4xi64> {laic.dims = ["N", 4]}) -> (tensor<*xf32>, tensor<*xf32>) {
  %none = laic.none : none
  %loss, %log = laic.softmax_cross_entropy_loss %x, %labels, %none {ignore_index = 2 : i64, reduction = "sum"} : (tensor<?x5x4xf32>, tensor<?x4xi64>, none) -> (tensor<*xf32>, tensor<*xf32>)
  return %loss, %log : tensor<*xf32>, tensor<*xf32>
}
