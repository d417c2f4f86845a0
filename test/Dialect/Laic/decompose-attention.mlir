// Attention becomes two products with a softmax between them; what masks and options need comes in only where they are asked for.
// RUN: laic-opt %s --split-input-file --pass-pipeline='builtin.module(func.func(laic-infer-shapes,laic-decompose-ops,laic-infer-shapes))' | FileCheck %s

// CHECK-LABEL: func.func @plain
// CHECK-SAME: %[[Q:[^:]+]]: tensor<2x4x5x16xf32>, %[[K:[^:]+]]: tensor<2x4x6x16xf32>, %[[V:[^:]+]]: tensor<2x4x6x8xf32>
// CHECK: %[[SCALE:.+]] = laic.constant {{.*}}dense<2.500000e-01>
// CHECK: %[[SCALED:.+]] = laic.mul %[[Q]], %[[SCALE]]
// CHECK: %[[COLUMNS:.+]] = laic.transpose %[[K]]
// CHECK: %[[SCORES:.+]] = laic.matmul %[[SCALED]], %[[COLUMNS]]
// CHECK-NOT: laic.where
// CHECK: %[[WEIGHTS:.+]] = laic.softmax %[[SCORES]]
// CHECK-NOT: laic.where
// CHECK: %[[Y:.+]] = laic.matmul %[[WEIGHTS]], %[[V]]
// CHECK-SAME: -> tensor<2x4x5x8xf32>
// CHECK: return %[[Y]]
func.func @plain(%q: tensor<2x4x5x16xf32>, %k: tensor<2x4x6x16xf32>, %v: tensor<2x4x6x8xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  %y:4 = laic.attention %q, %k, %v, %none, %none, %none, %none : (tensor<2x4x5x16xf32>, tensor<2x4x6x16xf32>, tensor<2x4x6x8xf32>, none, none, none, none) -> (tensor<*xf32>, tensor<*xf32>, tensor<*xf32>, tensor<*xf32>)
  return %y#0 : tensor<*xf32>
}

// -----

// Query heads that share keys: keys and values are repeated, which targets see and do not do.
// CHECK-LABEL: func.func @shared_keys
// CHECK: laic.expand {{.*}} -> tensor<2x2x3x6x16xf32>
// CHECK: laic.matmul {{.*}} -> tensor<2x6x5x6xf32>
// CHECK: laic.softmax {{.*}} -> tensor<2x6x5x6xf32>
// CHECK: laic.expand {{.*}} -> tensor<2x2x3x6x8xf32>
// CHECK: laic.matmul {{.*}} -> tensor<2x6x5x8xf32>
func.func @shared_keys(%q: tensor<2x6x5x16xf32>, %k: tensor<2x2x6x16xf32>, %v: tensor<2x2x6x8xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  %y:4 = laic.attention %q, %k, %v, %none, %none, %none, %none : (tensor<2x6x5x16xf32>, tensor<2x2x6x16xf32>, tensor<2x2x6x8xf32>, none, none, none, none) -> (tensor<*xf32>, tensor<*xf32>, tensor<*xf32>, tensor<*xf32>)
  return %y#0 : tensor<*xf32>
}

// -----

// f16 operands are both scaled, by the root, lest the product overflows.
// CHECK-LABEL: func.func @half_precision
// CHECK: %[[ROOT:.+]] = laic.constant {{.*}}dense<5.000000e-01> : tensor<f16>
// CHECK-COUNT-2: laic.mul %{{.+}}, %[[ROOT]]
func.func @half_precision(%q: tensor<2x4x5x16xf16>, %k: tensor<2x4x6x16xf16>) -> tensor<*xf16> {
  %none = laic.none : none
  %y:4 = laic.attention %q, %k, %k, %none, %none, %none, %none : (tensor<2x4x5x16xf16>, tensor<2x4x6x16xf16>, tensor<2x4x6x16xf16>, none, none, none, none) -> (tensor<*xf16>, tensor<*xf16>, tensor<*xf16>, tensor<*xf16>)
  return %y#0 : tensor<*xf16>
}

// -----

// The bias of a causal mask is a matrix of its own; rows in which nothing is seen are told from it, not from the scores.
// CHECK-LABEL: func.func @causal
// CHECK: %[[SEEN:.+]] = laic.less_or_equal
// CHECK: %[[BIAS:.+]] = laic.where %[[SEEN]], {{.*}} -> tensor<5x6xf32>
// CHECK: laic.softmax
// CHECK: %[[LARGEST:.+]] = laic.reduce_max %[[BIAS]]
// CHECK: %[[BLOCKED:.+]] = laic.equal %[[LARGEST]]
// CHECK: laic.where %[[BLOCKED]]
func.func @causal(%q: tensor<2x4x5x16xf32>, %k: tensor<2x4x6x16xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  %y:4 = laic.attention %q, %k, %k, %none, %none, %none, %none {is_causal = 1 : i64} : (tensor<2x4x5x16xf32>, tensor<2x4x6x16xf32>, tensor<2x4x6x16xf32>, none, none, none, none) -> (tensor<*xf32>, tensor<*xf32>, tensor<*xf32>, tensor<*xf32>)
  return %y#0 : tensor<*xf32>
}
