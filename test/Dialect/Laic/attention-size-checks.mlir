// What attention and the operators around it check of each call where sizes are not known when compiling.
// RUN: laic-opt --laic-infer-shapes --split-input-file %s | FileCheck %s

// CHECK-LABEL: func.func @mask
// CHECK-SAME: the last dim of attn_mask must not be larger than the number of keys
func.func @mask(%q: tensor<2x4x5x8xf32>, %k: tensor<2x4x?x8xf32> {laic.dims = [2, 4, "T", 8]}, %m: tensor<5x?xf32> {laic.dims = [5, "M"]}) -> tensor<*xf32> {
  %none = laic.none : none
  %y:4 = laic.attention %q, %k, %k, %m, %none, %none, %none : (tensor<2x4x5x8xf32>, tensor<2x4x?x8xf32>, tensor<2x4x?x8xf32>, tensor<5x?xf32>, none, none, none) -> (tensor<*xf32>, tensor<*xf32>, tensor<*xf32>, tensor<*xf32>)
  return %y#0 : tensor<*xf32>
}

// -----

// CHECK-LABEL: func.func @rotated_part
// CHECK-SAME: a head must be as large as rotary_embedding_dim
func.func @rotated_part(%x: tensor<2x4x5x?xf32> {laic.dims = [2, 4, 5, "D"]}, %c: tensor<20x2xf32>, %p: tensor<2x5xi64>) -> tensor<*xf32> {
  %y = laic.rotary_embedding %x, %c, %c, %p {rotary_embedding_dim = 4 : i64} : (tensor<2x4x5x?xf32>, tensor<20x2xf32>, tensor<20x2xf32>, tensor<2x5xi64>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

// CHECK-LABEL: func.func @update
// CHECK-SAME: dim 1 of update must not be larger than that of past_cache
// CHECK-SAME: dim 1 of update must be at least 1
func.func @update(%x: tensor<2x8x4xf32>, %u: tensor<2x?x4xf32> {laic.dims = [2, "S", 4]}, %i: tensor<2xi64>) -> tensor<*xf32> {
  %y = laic.tensor_scatter %x, %u, %i : (tensor<2x8x4xf32>, tensor<2x?x4xf32>, tensor<2xi64>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

// CHECK-LABEL: func.func @total
// CHECK-SAME: total_sequence_length must be that of the query where there is no past
func.func @total(%q: tensor<2x?x32xf32> {laic.dims = [2, "S", 32]}, %l: tensor<2xi32>, %t: tensor<i32>) -> tensor<*xf32> {
  %none = laic.none : none
  %y:3 = laic.group_query_attention %q, %q, %q, %none, %none, %l, %t, %none, %none, %none, %none, %none {kv_num_heads = 2 : i64, num_heads = 2 : i64} : (tensor<2x?x32xf32>, tensor<2x?x32xf32>, tensor<2x?x32xf32>, none, none, tensor<2xi32>, tensor<i32>, none, none, none, none, none) -> (tensor<*xf32>, tensor<*xf32>, tensor<*xf32>)
  return %y#0 : tensor<*xf32>
}

// -----

// CHECK-LABEL: func.func @entries
// CHECK-SAME: g_idx must have an entry for each row
func.func @entries(%a: tensor<5x64xf32>, %b: tensor<9x2x16xui8>, %s: tensor<9x2xf32>, %g: tensor<?xi32> {laic.dims = ["G"]}) -> tensor<*xf32> {
  %none = laic.none : none
  %y = laic.matmul_nbits %a, %b, %s, %none, %g, %none {K = 64 : i64, N = 9 : i64, block_size = 32 : i64} : (tensor<5x64xf32>, tensor<9x2x16xui8>, tensor<9x2xf32>, none, tensor<?xi32>, none) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

// CHECK-LABEL: func.func @places
// CHECK-SAME: the sequence must not be longer than position_embedding
func.func @places(%i: tensor<2x?xi32> {laic.dims = [2, "S"]}, %w: tensor<30x8xf32>, %p: tensor<9x8xf32>, %g: tensor<8xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  %y:3 = laic.embed_layer_normalization %i, %none, %w, %p, %none, %g, %g, %none, %none : (tensor<2x?xi32>, none, tensor<30x8xf32>, tensor<9x8xf32>, none, tensor<8xf32>, tensor<8xf32>, none, none) -> (tensor<*xf32>, tensor<*xf32>, tensor<*xf32>)
  return %y#0 : tensor<*xf32>
}
