// What shape inference refuses: data movement, gather and scatter, generators.
// RUN: laic-opt --laic-infer-shapes --split-input-file --verify-diagnostics %s

func.func @transpose_count(%x: tensor<2x3xf32>) -> tensor<*xf32> {
  // expected-error @+1 {{expects 'perm' to have 2 entries, got 1}}
  %y = laic.transpose %x {perm = array<i64: 0>} : (tensor<2x3xf32>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @concat_nothing() -> tensor<*xf32> {
  // expected-error @+1 {{expects at least one operand}}
  %y = laic.concat {axis = 0 : i64} : () -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @concat_rank(%x: tensor<2x3xf32>, %w: tensor<2xf32>) -> tensor<*xf32> {
  // expected-error @+1 {{expects operands of one rank, got 2 and 1}}
  %y = laic.concat %x, %w {axis = 0 : i64} : (tensor<2x3xf32>, tensor<2xf32>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @concat_type(%x: tensor<2xf32>, %w: tensor<2xf16>) -> tensor<*xf32> {
  // expected-error @+1 {{expects operands of one element type}}
  %y = laic.concat %x, %w {axis = 0 : i64} : (tensor<2xf32>, tensor<2xf16>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @split_count(%x: tensor<6xf32>) -> tensor<*xf32> {
  %c1 = laic.constant {value = dense<2> : tensor<3xi64>} : tensor<3xi64>
  // expected-error @+1 {{expects 2 sizes in 'split', one per result, got 3}}
  %y:2 = laic.split %x, %c1 : (tensor<6xf32>, tensor<3xi64>) -> (tensor<*xf32>, tensor<*xf32>)
  return %y#0 : tensor<*xf32>
}

// -----

func.func @split_num_outputs(%x: tensor<6xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects as many results as 'num_outputs' says}}
  %y:2 = laic.split %x, %none {num_outputs = 3 : i64} : (tensor<6xf32>, none) -> (tensor<*xf32>, tensor<*xf32>)
  return %y#0 : tensor<*xf32>
}

// -----

func.func @depth_to_space_rank(%x: tensor<4x2x2xf32>) -> tensor<*xf32> {
  // expected-error @+1 {{expects an operand of rank 4, got rank 3}}
  %y = laic.depth_to_space %x {blocksize = 2 : i64} : (tensor<4x2x2xf32>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @depth_to_space_mode(%x: tensor<1x4x2x2xf32>) -> tensor<*xf32> {
  // expected-error @+1 {{expects mode 'DCR' or 'CRD', got 'RCD'}}
  %y = laic.depth_to_space %x {blocksize = 2 : i64, mode = "RCD"} : (tensor<1x4x2x2xf32>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @depth_to_space_block(%x: tensor<1x4x2x2xf32>) -> tensor<*xf32> {
  // expected-error @+1 {{expects a 'blocksize' of at least 1, got 0}}
  %y = laic.depth_to_space %x {blocksize = 0 : i64} : (tensor<1x4x2x2xf32>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @gather_floats(%x: tensor<3xf32>, %w: tensor<3xf32>) -> tensor<*xf32> {
  // expected-error @+1 {{expects integers in 'indices'}}
  %y = laic.gather_elements %x, %w : (tensor<3xf32>, tensor<3xf32>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @gather_elements_rank(%x: tensor<3x2xf32>, %w: tensor<3xi64>) -> tensor<*xf32> {
  // expected-error @+1 {{expects 'indices' of the data's rank 2, got rank 1}}
  %y = laic.gather_elements %x, %w : (tensor<3x2xf32>, tensor<3xi64>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @gather_elements_size(%x: tensor<3x2xf32>, %w: tensor<3x4xi64>) -> tensor<*xf32> {
  // expected-error @+1 {{expects dim 1 of 'indices' to be at most 2, got 4}}
  %y = laic.gather_elements %x, %w : (tensor<3x2xf32>, tensor<3x4xi64>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @gather_nd_scalar(%x: tensor<3xf32>, %w: tensor<i64>, %b: tensor<f32>) -> tensor<*xf32> {
  // expected-error @+1 {{expects 'indices' of rank 1 or more}}
  %y = laic.scatter_nd %x, %w, %b : (tensor<3xf32>, tensor<i64>, tensor<f32>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @gather_nd_unknown(%x: tensor<3x2xf32>, %w: tensor<4x?xi64>) -> tensor<*xf32> {
  // expected-error @+1 {{expects the last dim of 'indices' to be known when compiling}}
  %y = laic.gather_nd %x, %w : (tensor<3x2xf32>, tensor<4x?xi64>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @gather_nd_batch(%x: tensor<3x2xf32>, %w: tensor<3xi64>) -> tensor<*xf32> {
  // expected-error @+1 {{expects 'batch_dims' below both ranks, got 1}}
  %y = laic.gather_nd %x, %w {batch_dims = 1 : i64} : (tensor<3x2xf32>, tensor<3xi64>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @scatter_type(%x: tensor<3xf32>, %w: tensor<2xi64>, %b: tensor<2xf16>) -> tensor<*xf32> {
  // expected-error @+1 {{expects 'updates' of the data's element type}}
  %y = laic.scatter_elements %x, %w, %b : (tensor<3xf32>, tensor<2xi64>, tensor<2xf16>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @scatter_booleans(%x: tensor<3xi1>, %w: tensor<2xi64>, %b: tensor<2xi1>) -> tensor<*xi1> {
  // expected-error @+1 {{reduces booleans or strings, which ONNX does not define}}
  %y = laic.scatter_elements %x, %w, %b {reduction = "add"} : (tensor<3xi1>, tensor<2xi64>, tensor<2xi1>) -> tensor<*xi1>
  return %y : tensor<*xi1>
}

// -----

func.func @scatter_rank(%x: tensor<3xf32>, %w: tensor<2x1xi64>, %b: tensor<2x1xf32>) -> tensor<*xf32> {
  // expected-error @+1 {{expects 'indices' and 'updates' of the data's rank 1}}
  %y = laic.scatter_elements %x, %w, %b : (tensor<3xf32>, tensor<2x1xi64>, tensor<2x1xf32>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @scatter_sizes(%x: tensor<3xf32>, %w: tensor<2xi64>, %b: tensor<1xf32>) -> tensor<*xf32> {
  // expected-error @+1 {{expects dims of 'updates' as of 'indices', of size 2, got 1}}
  %y = laic.scatter_elements %x, %w, %b : (tensor<3xf32>, tensor<2xi64>, tensor<1xf32>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @scatter_nd_rank(%x: tensor<3xf32>, %w: tensor<2x1xi64>, %b: tensor<2x1xf32>) -> tensor<*xf32> {
  // expected-error @+1 {{expects 'updates' of rank 1, got rank 2}}
  %y = laic.scatter_nd %x, %w, %b : (tensor<3xf32>, tensor<2x1xi64>, tensor<2x1xf32>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @reverse_sequence_rank(%x: tensor<3xf32>, %w: tensor<3xi64>) -> tensor<*xf32> {
  // expected-error @+1 {{expects an operand of rank 2 or more, got rank 1}}
  %y = laic.reverse_sequence %x, %w : (tensor<3xf32>, tensor<3xi64>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @reverse_sequence_axes(%x: tensor<3x4xf32>, %w: tensor<3xi64>) -> tensor<*xf32> {
  // expected-error @+1 {{expects 'batch_axis' and 'time_axis' to be 0 and 1 or 1 and 0}}
  %y = laic.reverse_sequence %x, %w {batch_axis = 1 : i64, time_axis = 1 : i64} : (tensor<3x4xf32>, tensor<3xi64>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @reverse_sequence_lengths(%x: tensor<3x4xf32>, %w: tensor<2x2xi64>) -> tensor<*xf32> {
  // expected-error @+1 {{expects 'sequence_lens' of rank 1, one per batch entry, got rank 2}}
  %y = laic.reverse_sequence %x, %w : (tensor<3x4xf32>, tensor<2x2xi64>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @reverse_sequence_count(%x: tensor<3x4xf32>, %w: tensor<3xi64>) -> tensor<*xf32> {
  // expected-error @+1 {{expects 'sequence_lens' of size 4, got 3}}
  %y = laic.reverse_sequence %x, %w : (tensor<3x4xf32>, tensor<3xi64>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @slice_counts(%x: tensor<3xf32>) -> tensor<*xf32> {
  %c1 = laic.constant {value = dense<0> : tensor<1xi64>} : tensor<1xi64>
  %c2 = laic.constant {value = dense<1> : tensor<2xi64>} : tensor<2xi64>
  %none = laic.none : none
  // expected-error @+1 {{expects as many 'ends' as 'starts', got 2 and 1}}
  %y = laic.slice %x, %c1, %c2, %none, %none : (tensor<3xf32>, tensor<1xi64>, tensor<2xi64>, none, none) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @slice_too_many(%x: tensor<3xf32>) -> tensor<*xf32> {
  %c1 = laic.constant {value = dense<0> : tensor<2xi64>} : tensor<2xi64>
  %c2 = laic.constant {value = dense<1> : tensor<2xi64>} : tensor<2xi64>
  %none = laic.none : none
  // expected-error @+1 {{slices 2 axes of an operand of rank 1}}
  %y = laic.slice %x, %c1, %c2, %none, %none : (tensor<3xf32>, tensor<2xi64>, tensor<2xi64>, none, none) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @slice_axes(%x: tensor<3xf32>) -> tensor<*xf32> {
  %c1 = laic.constant {value = dense<0> : tensor<1xi64>} : tensor<1xi64>
  %c2 = laic.constant {value = dense<1> : tensor<1xi64>} : tensor<1xi64>
  %c3 = laic.constant {value = dense<0> : tensor<2xi64>} : tensor<2xi64>
  %none = laic.none : none
  // expected-error @+1 {{expects 1 'axes', got 2}}
  %y = laic.slice %x, %c1, %c2, %c3, %none : (tensor<3xf32>, tensor<1xi64>, tensor<1xi64>, tensor<2xi64>, none) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @pad_nothing_to_repeat(%x: tensor<0xf32>) -> tensor<*xf32> {
  %c1 = laic.constant {value = dense<1> : tensor<2xi64>} : tensor<2xi64>
  %none = laic.none : none
  // expected-error @+1 {{cannot fill the border of dim 0, which has no elements}}
  %y = laic.pad %x, %c1, %none, %none {mode = "edge"} : (tensor<0xf32>, tensor<2xi64>, none, none) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @pad_cut(%x: tensor<3xf32>) -> tensor<*xf32> {
  %c1 = laic.constant {value = dense<-2> : tensor<2xi64>} : tensor<2xi64>
  %none = laic.none : none
  // expected-error @+1 {{cuts dim 0 to -1 elements}}
  %y = laic.pad %x, %c1, %none, %none : (tensor<3xf32>, tensor<2xi64>, none, none) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @range_endless() -> tensor<*xf32> {
  %c0 = laic.constant {value = dense<0.0> : tensor<f32>} : tensor<f32>
  %c1 = laic.constant {value = dense<1.0> : tensor<f32>} : tensor<f32>
  %c2 = laic.constant {value = dense<0.0> : tensor<f32>} : tensor<f32>
  // expected-error @+1 {{has no finite number of elements}}
  %y = laic.range %c0, %c1, %c2 : (tensor<f32>, tensor<f32>, tensor<f32>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @range_vector(%x: tensor<2xi64>, %w: tensor<i64>, %b: tensor<i64>) -> tensor<*xi64> {
  // expected-error @+1 {{expects scalars}}
  %y = laic.range %x, %w, %b : (tensor<2xi64>, tensor<i64>, tensor<i64>) -> tensor<*xi64>
  return %y : tensor<*xi64>
}

// -----

func.func @constant_of_shape_negative() -> tensor<*xf32> {
  %c0 = laic.constant {value = dense<-1> : tensor<1xi64>} : tensor<1xi64>
  // expected-error @+1 {{expects sizes >= 0, got -1}}
  %y = laic.constant_of_shape %c0 : (tensor<1xi64>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @constant_of_shape_value() -> tensor<*xf32> {
  %c0 = laic.constant {value = dense<1> : tensor<1xi64>} : tensor<1xi64>
  // expected-error @+1 {{expects a 'value' of one element}}
  %y = laic.constant_of_shape %c0 {value = dense<1.0> : tensor<2xf32>} : (tensor<1xi64>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @eye_like_rank(%x: tensor<3xf32>) -> tensor<*xf32> {
  // expected-error @+1 {{expects an operand of rank 2, got rank 1}}
  %y = laic.eye_like %x : (tensor<3xf32>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @eye_like_dtype(%x: tensor<3x3xf32>) -> tensor<*xf32> {
  // expected-error @+1 {{has an unsupported 'dtype'}}
  %y = laic.eye_like %x {dtype = 8 : i64} : (tensor<3x3xf32>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @one_hot_depth(%x: tensor<3xi64>, %b: tensor<2xf32>) -> tensor<*xf32> {
  %c1 = laic.constant {value = dense<1> : tensor<2xi64>} : tensor<2xi64>
  // expected-error @+1 {{expects one 'depth'}}
  %y = laic.one_hot %x, %c1, %b : (tensor<3xi64>, tensor<2xi64>, tensor<2xf32>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @one_hot_values(%x: tensor<3xi64>, %b: tensor<3xf32>) -> tensor<*xf32> {
  %c1 = laic.constant {value = dense<4> : tensor<i64>} : tensor<i64>
  // expected-error @+1 {{expects two 'values', [off, on], got 3}}
  %y = laic.one_hot %x, %c1, %b : (tensor<3xi64>, tensor<i64>, tensor<3xf32>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @trilu_rank(%x: tensor<3xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects an operand of rank 2 or more, got rank 1}}
  %y = laic.trilu %x, %none : (tensor<3xf32>, none) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @unsqueeze_unknown(%x: tensor<3xf32>, %w: tensor<?xi64>) -> tensor<*xf32> {
  // expected-error @+1 {{expects a known number of 'axes'}}
  %y = laic.unsqueeze %x, %w : (tensor<3xf32>, tensor<?xi64>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @tile_count(%x: tensor<2x3xf32>) -> tensor<*xf32> {
  %c1 = laic.constant {value = dense<2> : tensor<1xi64>} : tensor<1xi64>
  // expected-error @+1 {{expects 2 repeats, one per dim, got 1}}
  %y = laic.tile %x, %c1 : (tensor<2x3xf32>, tensor<1xi64>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}
