// Constant bytes lie in groups of four neighbours along the reduction, for instructions that add four products up.
// RUN: laic-opt %s --split-input-file --laic-form-contracts=group=4 | FileCheck %s
// RUN: laic-opt %s --split-input-file --laic-form-contracts | FileCheck %s --check-prefix=SINGLE

// SINGLE-NOT: group =

// Whole panels and groups: k is split in two and groups go innermost.
// CHECK-LABEL: func.func @by_transpose(
// CHECK-SAME: %[[X:[^:]*]]: tensor<5x8xi8>
// CHECK-NOT: tensor.pad
// CHECK-NOT: linalg.generic
// CHECK: %[[E:.*]] = tensor.expand_shape %{{.*}} {{\[\[}}0, 1], [2, 3]] output_shape [2, 4, 2, 32]
// CHECK: %[[B:.*]] = linalg.transpose ins(%[[E]] : tensor<2x4x2x32xi8>) outs(%{{.*}} : tensor<2x2x32x4xi8>) permutation = [2, 0, 3, 1]
// CHECK: laic.contract %[[X]], %[[B]]
// CHECK-SAME: group = 4
// CHECK-SAME: unsigned_a}
func.func @by_transpose(%x: tensor<5x8xi8>) -> tensor<5x64xi32> {
  %w = laic.constant {value = dense<1> : tensor<8x64xi8>} : tensor<8x64xi8>
  %zero = arith.constant 0 : i32
  %e = tensor.empty() : tensor<5x64xi32>
  %f = linalg.fill ins(%zero : i32) outs(%e : tensor<5x64xi32>) -> tensor<5x64xi32>
  %y = linalg.generic {indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (k, n)>, affine_map<(m, n, k) -> (m, n)>], iterator_types = ["parallel", "parallel", "reduction"]} ins(%x, %w : tensor<5x8xi8>, tensor<8x64xi8>) outs(%f : tensor<5x64xi32>) {
  ^bb0(%l: i8, %r: i8, %o: i32):
    %s = arith.extui %l : i8 to i32
    %t = arith.extsi %r : i8 to i32
    %m = arith.muli %s, %t : i32
    %q = arith.addi %o, %m : i32
    linalg.yield %q : i32
  } -> tensor<5x64xi32>
  return %y : tensor<5x64xi32>
}

// -----

// Columns that are no whole panel; k is.
// CHECK-LABEL: func.func @by_gather_of_ragged_columns(
// CHECK-SAME: %[[X:[^:]*]]: tensor<5x8xi8>
// CHECK-NOT: tensor.pad
// CHECK-NOT: linalg.transpose
// CHECK: %[[B:.*]] = linalg.generic
// CHECK: -> tensor<2x2x32x4xi8>
// CHECK: laic.contract %[[X]], %[[B]]
// CHECK-SAME: group = 4
func.func @by_gather_of_ragged_columns(%x: tensor<5x8xi8>) -> tensor<5x33xi32> {
  %w = laic.constant {value = dense<1> : tensor<8x33xi8>} : tensor<8x33xi8>
  %zero = arith.constant 0 : i32
  %e = tensor.empty() : tensor<5x33xi32>
  %f = linalg.fill ins(%zero : i32) outs(%e : tensor<5x33xi32>) -> tensor<5x33xi32>
  %y = linalg.generic {indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (k, n)>, affine_map<(m, n, k) -> (m, n)>], iterator_types = ["parallel", "parallel", "reduction"]} ins(%x, %w : tensor<5x8xi8>, tensor<8x33xi8>) outs(%f : tensor<5x33xi32>) {
  ^bb0(%l: i8, %r: i8, %o: i32):
    %s = arith.extui %l : i8 to i32
    %t = arith.extsi %r : i8 to i32
    %m = arith.muli %s, %t : i32
    %q = arith.addi %o, %m : i32
    linalg.yield %q : i32
  } -> tensor<5x33xi32>
  return %y : tensor<5x33xi32>
}

// -----

// Whole panels, but no whole groups: what is beyond the end of k is 0, and A is padded.
// CHECK-LABEL: func.func @by_gather_of_ragged_groups(
// CHECK-SAME: %[[X:[^:]*]]: tensor<5x7xi8>
// CHECK: %[[A:.*]] = tensor.pad %[[X]] low[0, 0] high[0, 1]
// CHECK: tensor<5x7xi8> to tensor<5x8xi8>
// CHECK: %[[B:.*]] = linalg.generic
// CHECK-DAG: %[[COLUMN:.*]] = arith.cmpi slt, %{{.*}}, %{{.*}} : index
// CHECK: %[[G:.*]] = linalg.index 1
// CHECK: %[[GS:.*]] = arith.muli %[[G]]
// CHECK: %[[J:.*]] = linalg.index 3
// CHECK: %[[K:.*]] = arith.addi %[[GS]], %[[J]]
// CHECK: %[[SEVEN:.*]] = arith.constant 7 : index
// CHECK: %[[IN:.*]] = arith.cmpi slt, %[[K]], %[[SEVEN]]
// CHECK: %[[SAFE:.*]] = arith.select %[[IN]], %[[K]]
// CHECK: %[[BOTH:.*]] = arith.andi %[[COLUMN]], %[[IN]]
// CHECK: %[[V:.*]] = tensor.extract %{{.*}}[%[[SAFE]], %{{.*}}] : tensor<7x32xi8>
// CHECK: arith.select %[[BOTH]], %[[V]]
// CHECK: -> tensor<1x2x32x4xi8>
// CHECK: laic.contract %[[A]], %[[B]]
// CHECK-SAME: (tensor<5x8xi8>, tensor<1x2x32x4xi8>)
func.func @by_gather_of_ragged_groups(%x: tensor<5x7xi8>) -> tensor<5x32xi32> {
  %w = laic.constant {value = dense<1> : tensor<7x32xi8>} : tensor<7x32xi8>
  %zero = arith.constant 0 : i32
  %e = tensor.empty() : tensor<5x32xi32>
  %f = linalg.fill ins(%zero : i32) outs(%e : tensor<5x32xi32>) -> tensor<5x32xi32>
  %y = linalg.generic {indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (k, n)>, affine_map<(m, n, k) -> (m, n)>], iterator_types = ["parallel", "parallel", "reduction"]} ins(%x, %w : tensor<5x7xi8>, tensor<7x32xi8>) outs(%f : tensor<5x32xi32>) {
  ^bb0(%l: i8, %r: i8, %o: i32):
    %s = arith.extui %l : i8 to i32
    %t = arith.extsi %r : i8 to i32
    %m = arith.muli %s, %t : i32
    %q = arith.addi %o, %m : i32
    linalg.yield %q : i32
  } -> tensor<5x32xi32>
  return %y : tensor<5x32xi32>
}

// -----

// CHECK-LABEL: func.func @signs(
// CHECK: laic.contract
// CHECK-SAME: group = 4
// CHECK-SAME: unsigned_b}
func.func @signs(%x: tensor<5x8xi8>) -> tensor<5x64xi32> {
  %w = laic.constant {value = dense<1> : tensor<8x64xi8>} : tensor<8x64xi8>
  %zero = arith.constant 0 : i32
  %e = tensor.empty() : tensor<5x64xi32>
  %f = linalg.fill ins(%zero : i32) outs(%e : tensor<5x64xi32>) -> tensor<5x64xi32>
  %y = linalg.generic {indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (k, n)>, affine_map<(m, n, k) -> (m, n)>], iterator_types = ["parallel", "parallel", "reduction"]} ins(%x, %w : tensor<5x8xi8>, tensor<8x64xi8>) outs(%f : tensor<5x64xi32>) {
  ^bb0(%l: i8, %r: i8, %o: i32):
    %s = arith.extsi %l : i8 to i32
    %t = arith.extui %r : i8 to i32
    %m = arith.muli %s, %t : i32
    %q = arith.addi %o, %m : i32
    linalg.yield %q : i32
  } -> tensor<5x64xi32>
  return %y : tensor<5x64xi32>
}

// -----

// The border and the padding to whole groups are one copy: what the border brings meets zeros of B.
// CHECK-LABEL: func.func @padding_joins_the_border(
// CHECK-SAME: %[[X:[^:]*]]: tensor<1x5x5x3xi8>
// CHECK: %[[V:.*]] = arith.constant 7 : i8
// CHECK: %[[A:.*]] = tensor.pad %[[X]] low[0, 1, 1, 0] high[0, 1, 1, 1]
// CHECK: tensor.yield %[[V]]
// CHECK: tensor<1x5x5x3xi8> to tensor<1x7x7x4xi8>
// CHECK: laic.contract
// CHECK-SAME: group = 4
func.func @padding_joins_the_border(%x: tensor<1x5x5x3xi8>) -> tensor<1x5x5x8xi32> {
  %w = laic.constant {value = dense<1> : tensor<8x3x3x3xi8>} : tensor<8x3x3x3xi8>
  %v = arith.constant 7 : i8
  %p = tensor.pad %x low[0, 1, 1, 0] high[0, 1, 1, 0] {
  ^bb0(%i0: index, %i1: index, %i2: index, %i3: index):
    tensor.yield %v : i8
  } : tensor<1x5x5x3xi8> to tensor<1x7x7x3xi8>
  %zero = arith.constant 0 : i32
  %e = tensor.empty() : tensor<1x5x5x8xi32>
  %f = linalg.fill ins(%zero : i32) outs(%e : tensor<1x5x5x8xi32>) -> tensor<1x5x5x8xi32>
  %y = linalg.generic {indexing_maps = [affine_map<(n, h, w, f, p, q, c) -> (n, h + p, w + q, c)>, affine_map<(n, h, w, f, p, q, c) -> (f, p, q, c)>, affine_map<(n, h, w, f, p, q, c) -> (n, h, w, f)>], iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction", "reduction", "reduction"]} ins(%p, %w : tensor<1x7x7x3xi8>, tensor<8x3x3x3xi8>) outs(%f : tensor<1x5x5x8xi32>) {
  ^bb0(%l: i8, %r: i8, %o: i32):
    %s = arith.extui %l : i8 to i32
    %t = arith.extsi %r : i8 to i32
    %m = arith.muli %s, %t : i32
    %q = arith.addi %o, %m : i32
    linalg.yield %q : i32
  } -> tensor<1x5x5x8xi32>
  return %y : tensor<1x5x5x8xi32>
}

// -----

// Another use of the border: it stays, and a second copy is padded.
// CHECK-LABEL: func.func @padding_of_a_border_with_two_uses(
// CHECK: %[[P:.*]] = tensor.pad %{{.*}} low[0, 1, 1, 0] high[0, 1, 1, 0]
// CHECK: %[[A:.*]] = tensor.pad %[[P]] low[0, 0, 0, 0] high[0, 0, 0, 1]
// CHECK: tensor<1x7x7x3xi8> to tensor<1x7x7x4xi8>
// CHECK: return %{{.*}}, %[[P]]
func.func @padding_of_a_border_with_two_uses(%x: tensor<1x5x5x3xi8>) -> (tensor<1x5x5x8xi32>, tensor<1x7x7x3xi8>) {
  %w = laic.constant {value = dense<1> : tensor<8x3x3x3xi8>} : tensor<8x3x3x3xi8>
  %v = arith.constant 7 : i8
  %p = tensor.pad %x low[0, 1, 1, 0] high[0, 1, 1, 0] {
  ^bb0(%i0: index, %i1: index, %i2: index, %i3: index):
    tensor.yield %v : i8
  } : tensor<1x5x5x3xi8> to tensor<1x7x7x3xi8>
  %zero = arith.constant 0 : i32
  %e = tensor.empty() : tensor<1x5x5x8xi32>
  %f = linalg.fill ins(%zero : i32) outs(%e : tensor<1x5x5x8xi32>) -> tensor<1x5x5x8xi32>
  %y = linalg.generic {indexing_maps = [affine_map<(n, h, w, f, p, q, c) -> (n, h + p, w + q, c)>, affine_map<(n, h, w, f, p, q, c) -> (f, p, q, c)>, affine_map<(n, h, w, f, p, q, c) -> (n, h, w, f)>], iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction", "reduction", "reduction"]} ins(%p, %w : tensor<1x7x7x3xi8>, tensor<8x3x3x3xi8>) outs(%f : tensor<1x5x5x8xi32>) {
  ^bb0(%l: i8, %r: i8, %o: i32):
    %s = arith.extui %l : i8 to i32
    %t = arith.extsi %r : i8 to i32
    %m = arith.muli %s, %t : i32
    %q = arith.addi %o, %m : i32
    linalg.yield %q : i32
  } -> tensor<1x5x5x8xi32>
  return %y, %p : tensor<1x5x5x8xi32>, tensor<1x7x7x3xi8>
}

// -----

// A border along the channels has a value that its neighbours must keep.
// CHECK-LABEL: func.func @padding_behind_padded_channels(
// CHECK: %[[P:.*]] = tensor.pad %{{.*}} low[0, 0, 0, 0] high[0, 0, 0, 1]
// CHECK: %[[A:.*]] = tensor.pad %[[P]] low[0, 0, 0, 0] high[0, 0, 0, 1]
// CHECK: tensor<1x7x7x3xi8> to tensor<1x7x7x4xi8>
// CHECK: laic.contract
func.func @padding_behind_padded_channels(%x: tensor<1x7x7x2xi8>) -> tensor<1x5x5x8xi32> {
  %w = laic.constant {value = dense<1> : tensor<8x3x3x3xi8>} : tensor<8x3x3x3xi8>
  %v = arith.constant 7 : i8
  %p = tensor.pad %x low[0, 0, 0, 0] high[0, 0, 0, 1] {
  ^bb0(%i0: index, %i1: index, %i2: index, %i3: index):
    tensor.yield %v : i8
  } : tensor<1x7x7x2xi8> to tensor<1x7x7x3xi8>
  %zero = arith.constant 0 : i32
  %e = tensor.empty() : tensor<1x5x5x8xi32>
  %f = linalg.fill ins(%zero : i32) outs(%e : tensor<1x5x5x8xi32>) -> tensor<1x5x5x8xi32>
  %y = linalg.generic {indexing_maps = [affine_map<(n, h, w, f, p, q, c) -> (n, h + p, w + q, c)>, affine_map<(n, h, w, f, p, q, c) -> (f, p, q, c)>, affine_map<(n, h, w, f, p, q, c) -> (n, h, w, f)>], iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction", "reduction", "reduction"]} ins(%p, %w : tensor<1x7x7x3xi8>, tensor<8x3x3x3xi8>) outs(%f : tensor<1x5x5x8xi32>) {
  ^bb0(%l: i8, %r: i8, %o: i32):
    %s = arith.extui %l : i8 to i32
    %t = arith.extsi %r : i8 to i32
    %m = arith.muli %s, %t : i32
    %q = arith.addi %o, %m : i32
    linalg.yield %q : i32
  } -> tensor<1x5x5x8xi32>
  return %y : tensor<1x5x5x8xi32>
}

// -----

// kw and c are one run of memory in A and in B: one loop, whose groups stay whole.
// CHECK-LABEL: func.func @merged_window(
// CHECK: laic.contract
// CHECK-SAME: group = 4
// CHECK-SAME: (tensor<1x7x56xi8>, tensor<1x3x6x32x4xi8>)
func.func @merged_window(%x: tensor<1x7x7x8xi8>) -> tensor<1x5x5x8xi32> {
  %w = laic.constant {value = dense<1> : tensor<8x3x3x8xi8>} : tensor<8x3x3x8xi8>
  %zero = arith.constant 0 : i32
  %e = tensor.empty() : tensor<1x5x5x8xi32>
  %f = linalg.fill ins(%zero : i32) outs(%e : tensor<1x5x5x8xi32>) -> tensor<1x5x5x8xi32>
  %y = linalg.generic {indexing_maps = [affine_map<(n, h, w, f, p, q, c) -> (n, h + p, w + q, c)>, affine_map<(n, h, w, f, p, q, c) -> (f, p, q, c)>, affine_map<(n, h, w, f, p, q, c) -> (n, h, w, f)>], iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction", "reduction", "reduction"]} ins(%x, %w : tensor<1x7x7x8xi8>, tensor<8x3x3x8xi8>) outs(%f : tensor<1x5x5x8xi32>) {
  ^bb0(%l: i8, %r: i8, %o: i32):
    %s = arith.extui %l : i8 to i32
    %t = arith.extsi %r : i8 to i32
    %m = arith.muli %s, %t : i32
    %q = arith.addi %o, %m : i32
    linalg.yield %q : i32
  } -> tensor<1x5x5x8xi32>
  return %y : tensor<1x5x5x8xi32>
}

// -----

// The same behind padding.
// CHECK-LABEL: func.func @merged_window_of_padded_channels(
// CHECK: laic.contract
// CHECK-SAME: group = 4
// CHECK-SAME: (tensor<1x7x28xi8>, tensor<1x3x3x32x4xi8>)
func.func @merged_window_of_padded_channels(%x: tensor<1x7x7x3xi8>) -> tensor<1x5x5x8xi32> {
  %w = laic.constant {value = dense<1> : tensor<8x3x3x3xi8>} : tensor<8x3x3x3xi8>
  %zero = arith.constant 0 : i32
  %e = tensor.empty() : tensor<1x5x5x8xi32>
  %f = linalg.fill ins(%zero : i32) outs(%e : tensor<1x5x5x8xi32>) -> tensor<1x5x5x8xi32>
  %y = linalg.generic {indexing_maps = [affine_map<(n, h, w, f, p, q, c) -> (n, h + p, w + q, c)>, affine_map<(n, h, w, f, p, q, c) -> (f, p, q, c)>, affine_map<(n, h, w, f, p, q, c) -> (n, h, w, f)>], iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction", "reduction", "reduction"]} ins(%x, %w : tensor<1x7x7x3xi8>, tensor<8x3x3x3xi8>) outs(%f : tensor<1x5x5x8xi32>) {
  ^bb0(%l: i8, %r: i8, %o: i32):
    %s = arith.extui %l : i8 to i32
    %t = arith.extsi %r : i8 to i32
    %m = arith.muli %s, %t : i32
    %q = arith.addi %o, %m : i32
    linalg.yield %q : i32
  } -> tensor<1x5x5x8xi32>
  return %y : tensor<1x5x5x8xi32>
}

// -----

// CHECK-LABEL: func.func @group_of_batches(
// CHECK: linalg.transpose
// CHECK: laic.contract
// CHECK-SAME: group = 4
// CHECK-SAME: (tensor<3x5x8xi8>, tensor<3x2x2x32x4xi8>)
func.func @group_of_batches(%x: tensor<3x5x8xi8>) -> tensor<3x5x64xi32> {
  %w = laic.constant {value = dense<1> : tensor<3x8x64xi8>} : tensor<3x8x64xi8>
  %zero = arith.constant 0 : i32
  %e = tensor.empty() : tensor<3x5x64xi32>
  %f = linalg.fill ins(%zero : i32) outs(%e : tensor<3x5x64xi32>) -> tensor<3x5x64xi32>
  %y = linalg.generic {indexing_maps = [affine_map<(b, m, n, k) -> (b, m, k)>, affine_map<(b, m, n, k) -> (b, k, n)>, affine_map<(b, m, n, k) -> (b, m, n)>], iterator_types = ["parallel", "parallel", "parallel", "reduction"]} ins(%x, %w : tensor<3x5x8xi8>, tensor<3x8x64xi8>) outs(%f : tensor<3x5x64xi32>) {
  ^bb0(%l: i8, %r: i8, %o: i32):
    %s = arith.extui %l : i8 to i32
    %t = arith.extsi %r : i8 to i32
    %m = arith.muli %s, %t : i32
    %q = arith.addi %o, %m : i32
    linalg.yield %q : i32
  } -> tensor<3x5x64xi32>
  return %y : tensor<3x5x64xi32>
}

// -----

// Without groups: B that a call brings.
// CHECK-LABEL: func.func @run_time_weights(
// CHECK-NOT: tensor.pad
// CHECK: laic.contract
// CHECK-NOT: group =
func.func @run_time_weights(%x: tensor<5x8xi8>, %w: tensor<8x64xi8>) -> tensor<5x64xi32> {
  %zero = arith.constant 0 : i32
  %e = tensor.empty() : tensor<5x64xi32>
  %f = linalg.fill ins(%zero : i32) outs(%e : tensor<5x64xi32>) -> tensor<5x64xi32>
  %y = linalg.generic {indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (k, n)>, affine_map<(m, n, k) -> (m, n)>], iterator_types = ["parallel", "parallel", "reduction"]} ins(%x, %w : tensor<5x8xi8>, tensor<8x64xi8>) outs(%f : tensor<5x64xi32>) {
  ^bb0(%l: i8, %r: i8, %o: i32):
    %s = arith.extui %l : i8 to i32
    %t = arith.extsi %r : i8 to i32
    %m = arith.muli %s, %t : i32
    %q = arith.addi %o, %m : i32
    linalg.yield %q : i32
  } -> tensor<5x64xi32>
  return %y : tensor<5x64xi32>
}

// -----

// Without groups: each channel is a product of its own.
// CHECK-LABEL: func.func @depthwise(
// CHECK-NOT: tensor.pad
// CHECK: laic.contract
// CHECK-NOT: group =
// CHECK-SAME: (tensor<1x7x7x8xi8>, tensor<1x3x3x32xi8>)
func.func @depthwise(%x: tensor<1x7x7x8xi8>) -> tensor<1x5x5x8xi32> {
  %w = laic.constant {value = dense<1> : tensor<8x3x3xi8>} : tensor<8x3x3xi8>
  %zero = arith.constant 0 : i32
  %e = tensor.empty() : tensor<1x5x5x8xi32>
  %f = linalg.fill ins(%zero : i32) outs(%e : tensor<1x5x5x8xi32>) -> tensor<1x5x5x8xi32>
  %y = linalg.generic {indexing_maps = [affine_map<(n, h, w, c, p, q) -> (n, h + p, w + q, c)>, affine_map<(n, h, w, c, p, q) -> (c, p, q)>, affine_map<(n, h, w, c, p, q) -> (n, h, w, c)>], iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction", "reduction"]} ins(%x, %w : tensor<1x7x7x8xi8>, tensor<8x3x3xi8>) outs(%f : tensor<1x5x5x8xi32>) {
  ^bb0(%l: i8, %r: i8, %o: i32):
    %s = arith.extui %l : i8 to i32
    %t = arith.extsi %r : i8 to i32
    %m = arith.muli %s, %t : i32
    %q = arith.addi %o, %m : i32
    linalg.yield %q : i32
  } -> tensor<1x5x5x8xi32>
  return %y : tensor<1x5x5x8xi32>
}

// -----

// Without groups: neighbours along the reduction are not neighbours in A.
// CHECK-LABEL: func.func @reduction_not_innermost(
// CHECK-NOT: tensor.pad
// CHECK: laic.contract
// CHECK-NOT: group =
func.func @reduction_not_innermost(%x: tensor<8x5xi8>) -> tensor<5x64xi32> {
  %w = laic.constant {value = dense<1> : tensor<8x64xi8>} : tensor<8x64xi8>
  %zero = arith.constant 0 : i32
  %e = tensor.empty() : tensor<5x64xi32>
  %f = linalg.fill ins(%zero : i32) outs(%e : tensor<5x64xi32>) -> tensor<5x64xi32>
  %y = linalg.generic {indexing_maps = [affine_map<(m, n, k) -> (k, m)>, affine_map<(m, n, k) -> (k, n)>, affine_map<(m, n, k) -> (m, n)>], iterator_types = ["parallel", "parallel", "reduction"]} ins(%x, %w : tensor<8x5xi8>, tensor<8x64xi8>) outs(%f : tensor<5x64xi32>) {
  ^bb0(%l: i8, %r: i8, %o: i32):
    %s = arith.extui %l : i8 to i32
    %t = arith.extsi %r : i8 to i32
    %m = arith.muli %s, %t : i32
    %q = arith.addi %o, %m : i32
    linalg.yield %q : i32
  } -> tensor<5x64xi32>
  return %y : tensor<5x64xi32>
}
