// What laic-resolve-control-flow refuses.
// RUN: laic-opt --laic-resolve-control-flow --split-input-file --verify-diagnostics %s

func.func @if_shapes(%c: tensor<i1>, %x: tensor<2xf32>, %z: tensor<3xf32>) -> tensor<*xf32> {
  // expected-error @+1 {{has a condition that is computed at run time and branches whose outputs have different shapes, which laic does not support yet}}
  %y = laic.if %c : (tensor<i1>) -> tensor<*xf32> {
    %a = laic.neg %z : (tensor<3xf32>) -> tensor<*xf32>
    laic.outputs %a : tensor<*xf32>
  } else {
    laic.outputs %x : tensor<2xf32>
  }
  return %y : tensor<*xf32>
}

// -----

func.func @if_checks(%c: tensor<i1>, %x: tensor<?xf32>, %z: tensor<?xf32>) -> tensor<*xf32> {
  // expected-error @+1 {{has a condition that is computed at run time and a branch that only some sizes fit, which laic does not support yet}}
  %y = laic.if %c : (tensor<i1>) -> tensor<*xf32> {
    %a = laic.add %x, %z : (tensor<?xf32>, tensor<?xf32>) -> tensor<*xf32>
    laic.outputs %a : tensor<*xf32>
  } else {
    laic.outputs %x : tensor<?xf32>
  }
  return %y : tensor<*xf32>
}

// -----

func.func @if_indices(%c: tensor<i1>, %x: tensor<2xf32>, %i: tensor<2xi64>) -> tensor<*xf32> {
  // expected-error @+1 {{has a condition that is computed at run time and a branch that uses indices, which laic does not support yet}}
  %y = laic.if %c : (tensor<i1>) -> tensor<*xf32> {
    %a = laic.gather %x, %i : (tensor<2xf32>, tensor<2xi64>) -> tensor<*xf32>
    laic.outputs %a : tensor<*xf32>
  } else {
    laic.outputs %x : tensor<2xf32>
  }
  return %y : tensor<*xf32>
}

// -----

func.func @if_large(%c: tensor<i1>, %x: tensor<2xf32>) -> tensor<*xf32> {
  // expected-error @+1 {{has a condition that is computed at run time and branches of more than 64 operations, which laic does not support yet}}
  %y = laic.if %c : (tensor<i1>) -> tensor<*xf32> {
    %a0 = laic.neg %x : (tensor<2xf32>) -> tensor<*xf32>
    %a1 = laic.neg %a0 : (tensor<*xf32>) -> tensor<*xf32>
    %a2 = laic.neg %a1 : (tensor<*xf32>) -> tensor<*xf32>
    %a3 = laic.neg %a2 : (tensor<*xf32>) -> tensor<*xf32>
    %a4 = laic.neg %a3 : (tensor<*xf32>) -> tensor<*xf32>
    %a5 = laic.neg %a4 : (tensor<*xf32>) -> tensor<*xf32>
    %a6 = laic.neg %a5 : (tensor<*xf32>) -> tensor<*xf32>
    %a7 = laic.neg %a6 : (tensor<*xf32>) -> tensor<*xf32>
    %a8 = laic.neg %a7 : (tensor<*xf32>) -> tensor<*xf32>
    %a9 = laic.neg %a8 : (tensor<*xf32>) -> tensor<*xf32>
    %a10 = laic.neg %a9 : (tensor<*xf32>) -> tensor<*xf32>
    %a11 = laic.neg %a10 : (tensor<*xf32>) -> tensor<*xf32>
    %a12 = laic.neg %a11 : (tensor<*xf32>) -> tensor<*xf32>
    %a13 = laic.neg %a12 : (tensor<*xf32>) -> tensor<*xf32>
    %a14 = laic.neg %a13 : (tensor<*xf32>) -> tensor<*xf32>
    %a15 = laic.neg %a14 : (tensor<*xf32>) -> tensor<*xf32>
    %a16 = laic.neg %a15 : (tensor<*xf32>) -> tensor<*xf32>
    %a17 = laic.neg %a16 : (tensor<*xf32>) -> tensor<*xf32>
    %a18 = laic.neg %a17 : (tensor<*xf32>) -> tensor<*xf32>
    %a19 = laic.neg %a18 : (tensor<*xf32>) -> tensor<*xf32>
    %a20 = laic.neg %a19 : (tensor<*xf32>) -> tensor<*xf32>
    %a21 = laic.neg %a20 : (tensor<*xf32>) -> tensor<*xf32>
    %a22 = laic.neg %a21 : (tensor<*xf32>) -> tensor<*xf32>
    %a23 = laic.neg %a22 : (tensor<*xf32>) -> tensor<*xf32>
    %a24 = laic.neg %a23 : (tensor<*xf32>) -> tensor<*xf32>
    %a25 = laic.neg %a24 : (tensor<*xf32>) -> tensor<*xf32>
    %a26 = laic.neg %a25 : (tensor<*xf32>) -> tensor<*xf32>
    %a27 = laic.neg %a26 : (tensor<*xf32>) -> tensor<*xf32>
    %a28 = laic.neg %a27 : (tensor<*xf32>) -> tensor<*xf32>
    %a29 = laic.neg %a28 : (tensor<*xf32>) -> tensor<*xf32>
    %a30 = laic.neg %a29 : (tensor<*xf32>) -> tensor<*xf32>
    %a31 = laic.neg %a30 : (tensor<*xf32>) -> tensor<*xf32>
    %a32 = laic.neg %a31 : (tensor<*xf32>) -> tensor<*xf32>
    %a33 = laic.neg %a32 : (tensor<*xf32>) -> tensor<*xf32>
    %a34 = laic.neg %a33 : (tensor<*xf32>) -> tensor<*xf32>
    %a35 = laic.neg %a34 : (tensor<*xf32>) -> tensor<*xf32>
    %a36 = laic.neg %a35 : (tensor<*xf32>) -> tensor<*xf32>
    %a37 = laic.neg %a36 : (tensor<*xf32>) -> tensor<*xf32>
    %a38 = laic.neg %a37 : (tensor<*xf32>) -> tensor<*xf32>
    %a39 = laic.neg %a38 : (tensor<*xf32>) -> tensor<*xf32>
    %a40 = laic.neg %a39 : (tensor<*xf32>) -> tensor<*xf32>
    %a41 = laic.neg %a40 : (tensor<*xf32>) -> tensor<*xf32>
    %a42 = laic.neg %a41 : (tensor<*xf32>) -> tensor<*xf32>
    %a43 = laic.neg %a42 : (tensor<*xf32>) -> tensor<*xf32>
    %a44 = laic.neg %a43 : (tensor<*xf32>) -> tensor<*xf32>
    %a45 = laic.neg %a44 : (tensor<*xf32>) -> tensor<*xf32>
    %a46 = laic.neg %a45 : (tensor<*xf32>) -> tensor<*xf32>
    %a47 = laic.neg %a46 : (tensor<*xf32>) -> tensor<*xf32>
    %a48 = laic.neg %a47 : (tensor<*xf32>) -> tensor<*xf32>
    %a49 = laic.neg %a48 : (tensor<*xf32>) -> tensor<*xf32>
    %a50 = laic.neg %a49 : (tensor<*xf32>) -> tensor<*xf32>
    %a51 = laic.neg %a50 : (tensor<*xf32>) -> tensor<*xf32>
    %a52 = laic.neg %a51 : (tensor<*xf32>) -> tensor<*xf32>
    %a53 = laic.neg %a52 : (tensor<*xf32>) -> tensor<*xf32>
    %a54 = laic.neg %a53 : (tensor<*xf32>) -> tensor<*xf32>
    %a55 = laic.neg %a54 : (tensor<*xf32>) -> tensor<*xf32>
    %a56 = laic.neg %a55 : (tensor<*xf32>) -> tensor<*xf32>
    %a57 = laic.neg %a56 : (tensor<*xf32>) -> tensor<*xf32>
    %a58 = laic.neg %a57 : (tensor<*xf32>) -> tensor<*xf32>
    %a59 = laic.neg %a58 : (tensor<*xf32>) -> tensor<*xf32>
    %a60 = laic.neg %a59 : (tensor<*xf32>) -> tensor<*xf32>
    %a61 = laic.neg %a60 : (tensor<*xf32>) -> tensor<*xf32>
    %a62 = laic.neg %a61 : (tensor<*xf32>) -> tensor<*xf32>
    %a63 = laic.neg %a62 : (tensor<*xf32>) -> tensor<*xf32>
    %a64 = laic.neg %a63 : (tensor<*xf32>) -> tensor<*xf32>
    laic.outputs %a64 : tensor<*xf32>
  } else {
    laic.outputs %x : tensor<2xf32>
  }
  return %y : tensor<*xf32>
}

// -----

func.func @if_lengths(%c: tensor<i1>, %x: tensor<2xf32>) -> tensor<*xf32> {
  // expected-error @+1 {{has a condition that is computed at run time and branches whose outputs are sequences of different lengths, which laic does not support yet}}
  %s = laic.if %c : (tensor<i1>) -> !laic.seq<tensor<*xf32>> {
    %a = laic.sequence_construct %x : (tensor<2xf32>) -> !laic.seq<tensor<*xf32>>
    laic.outputs %a : !laic.seq<tensor<*xf32>>
  } else {
    %a = laic.sequence_empty : () -> !laic.seq<tensor<*xf32>>
    laic.outputs %a : !laic.seq<tensor<*xf32>>
  }
  %y = laic.sequence_length %s : (!laic.seq<tensor<*xf32>>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @if_present(%c: tensor<i1>, %x: tensor<2xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{has a condition that is computed at run time and branches whose outputs are present in one branch alone, which laic does not support yet}}
  %o = laic.if %c : (tensor<i1>) -> !laic.optional<tensor<*xf32>> {
    %a = laic.optional %x : (tensor<2xf32>) -> !laic.optional<tensor<*xf32>>
    laic.outputs %a : !laic.optional<tensor<*xf32>>
  } else {
    %a = laic.optional %none : (none) -> !laic.optional<tensor<*xf32>>
    laic.outputs %a : !laic.optional<tensor<*xf32>>
  }
  %y = laic.optional_has_element %o : (!laic.optional<tensor<*xf32>>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @loop_trips(%x: tensor<2xf32>, %m: tensor<i64>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{has a trip count that is known at run time only, which laic does not support yet}}
  %y = laic.loop %m, %none, %x : (tensor<i64>, none, tensor<2xf32>) -> tensor<*xf32> {
  ^bb0(%i: tensor<*xf32>, %g: tensor<*xf32>, %s: tensor<*xf32>):
    %t = laic.neg %s : (tensor<*xf32>) -> tensor<*xf32>
    laic.outputs %g, %t : tensor<*xf32>, tensor<*xf32>
  }
  return %y : tensor<*xf32>
}

// -----

func.func @loop_condition(%x: tensor<2xf32>, %c: tensor<i1>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{has a condition that is computed at run time, which laic does not support yet}}
  %y = laic.loop %none, %c, %x : (none, tensor<i1>, tensor<2xf32>) -> tensor<*xf32> {
  ^bb0(%i: tensor<*xf32>, %g: tensor<*xf32>, %s: tensor<*xf32>):
    %t = laic.neg %s : (tensor<*xf32>) -> tensor<*xf32>
    laic.outputs %g, %t : tensor<*xf32>, tensor<*xf32>
  }
  return %y : tensor<*xf32>
}

// -----

func.func @loop_endless(%x: tensor<2xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{unrolls to more than 4096 operations, and loops at run time are not supported yet}}
  %y = laic.loop %none, %none, %x : (none, none, tensor<2xf32>) -> tensor<*xf32> {
  ^bb0(%i: tensor<*xf32>, %g: tensor<*xf32>, %s: tensor<*xf32>):
    %t = laic.neg %s : (tensor<*xf32>) -> tensor<*xf32>
    laic.outputs %g, %t : tensor<*xf32>, tensor<*xf32>
  }
  return %y : tensor<*xf32>
}

// -----

func.func @scan_axes(%x: tensor<2x3xf32>) -> tensor<*xf32> {
  // expected-error @+1 {{expects 1 scan_input_axes, got 2}}
  %y = laic.scan_loop %x {num_scan_inputs = 1 : i64, scan_input_axes = array<i64: 0, 1>} : (tensor<2x3xf32>) -> tensor<*xf32> {
  ^bb0(%b0: tensor<*xf32>):
    laic.outputs %b0 : tensor<*xf32>
  }
  return %y : tensor<*xf32>
}

// -----

func.func @scan_axis(%x: tensor<2x3xf32>) -> tensor<*xf32> {
  // expected-error @+1 {{expects scan_input_axes in [-2, 1], got 2}}
  %y = laic.scan_loop %x {num_scan_inputs = 1 : i64, scan_input_axes = array<i64: 2>} : (tensor<2x3xf32>) -> tensor<*xf32> {
  ^bb0(%b0: tensor<*xf32>):
    laic.outputs %b0 : tensor<*xf32>
  }
  return %y : tensor<*xf32>
}

// -----

func.func @scan_dynamic(%x: tensor<?x3xf32>) -> tensor<*xf32> {
  // expected-error @+1 {{scans a dim whose size is known at run time only, which laic does not support yet}}
  %y = laic.scan_loop %x {num_scan_inputs = 1 : i64} : (tensor<?x3xf32>) -> tensor<*xf32> {
  ^bb0(%b0: tensor<*xf32>):
    laic.outputs %b0 : tensor<*xf32>
  }
  return %y : tensor<*xf32>
}

// -----

func.func @scan_lengths(%x: tensor<2x3xf32>, %z: tensor<3xf32>) -> tensor<*xf32> {
  // expected-error @+1 {{expects scanned inputs of one length, got 2 and 3}}
  %y = laic.scan_loop %x, %z {num_scan_inputs = 2 : i64} : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<*xf32> {
  ^bb0(%b0: tensor<*xf32>, %b1: tensor<*xf32>):
    laic.outputs %b1 : tensor<*xf32>
  }
  return %y : tensor<*xf32>
}

// -----

func.func @scan_nothing(%x: tensor<0x3xf32>) -> tensor<*xf32> {
  // expected-error @+1 {{scans a dim of size 0, which laic does not support yet}}
  %y = laic.scan_loop %x {num_scan_inputs = 1 : i64} : (tensor<0x3xf32>) -> tensor<*xf32> {
  ^bb0(%b0: tensor<*xf32>):
    laic.outputs %b0 : tensor<*xf32>
  }
  return %y : tensor<*xf32>
}

// -----

func.func @map_lengths(%x: tensor<2xf32>) -> tensor<*xf32> {
  %s = laic.sequence_construct %x : (tensor<2xf32>) -> !laic.seq<tensor<*xf32>>
  %e = laic.sequence_empty : () -> !laic.seq<tensor<*xf32>>
  // expected-error @+1 {{expects sequences of one length, got 1 and 0}}
  %m = laic.sequence_map %s, %e : (!laic.seq<tensor<*xf32>>, !laic.seq<tensor<*xf32>>) -> !laic.seq<tensor<*xf32>> {
  ^bb0(%a: tensor<*xf32>, %b: tensor<*xf32>):
    laic.outputs %a : tensor<*xf32>
  }
  %y = laic.sequence_length %m : (!laic.seq<tensor<*xf32>>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @insert_computed(%x: tensor<2xf32>, %f: tensor<f32>) -> tensor<*xf32> {
  %s = laic.sequence_construct %x : (tensor<2xf32>) -> !laic.seq<tensor<*xf32>>
  %p = laic.cast %f {to = 7 : i64} : (tensor<f32>) -> tensor<*xf32>
  // expected-error @+1 {{needs its position to be known before anything is computed}}
  %t = laic.sequence_insert %s, %x, %p : (!laic.seq<tensor<*xf32>>, tensor<2xf32>, tensor<*xf32>) -> !laic.seq<tensor<*xf32>>
  %y = laic.sequence_length %t : (!laic.seq<tensor<*xf32>>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @insert_rank(%x: tensor<2xf32>, %z: tensor<2x3xf32>, %p: tensor<i64>) -> tensor<*xf32> {
  %s = laic.sequence_construct %x : (tensor<2xf32>) -> !laic.seq<tensor<*xf32>>
  // expected-error @+1 {{expects elements of one rank and element type, since its position is known at run time only}}
  %t = laic.sequence_insert %s, %z, %p : (!laic.seq<tensor<*xf32>>, tensor<2x3xf32>, tensor<i64>) -> !laic.seq<tensor<*xf32>>
  %y = laic.sequence_length %t : (!laic.seq<tensor<*xf32>>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @at_range(%x: tensor<2xf32>) -> tensor<*xf32> {
  %s = laic.sequence_construct %x : (tensor<2xf32>) -> !laic.seq<tensor<*xf32>>
  %e = laic.sequence_empty : () -> !laic.seq<tensor<*xf32>>
  %p = laic.constant {value = dense<1> : tensor<i64>} : tensor<i64>
  // expected-error @+1 {{expects a position in [-1, 0], got 1}}
  %y = laic.sequence_at %s, %p : (!laic.seq<tensor<*xf32>>, tensor<i64>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @at_empty(%x: tensor<2xf32>) -> tensor<*xf32> {
  %s = laic.sequence_construct %x : (tensor<2xf32>) -> !laic.seq<tensor<*xf32>>
  %e = laic.sequence_empty : () -> !laic.seq<tensor<*xf32>>
  %p = laic.constant {value = dense<0> : tensor<i64>} : tensor<i64>
  // expected-error @+1 {{takes an element of an empty sequence}}
  %y = laic.sequence_at %e, %p : (!laic.seq<tensor<*xf32>>, tensor<i64>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @erase_empty(%x: tensor<2xf32>) -> tensor<*xf32> {
  %s = laic.sequence_construct %x : (tensor<2xf32>) -> !laic.seq<tensor<*xf32>>
  %e = laic.sequence_empty : () -> !laic.seq<tensor<*xf32>>
  %none = laic.none : none
  // expected-error @+1 {{erases an element of an empty sequence}}
  %t = laic.sequence_erase %e, %none : (!laic.seq<tensor<*xf32>>, none) -> !laic.seq<tensor<*xf32>>
  %y = laic.sequence_length %t : (!laic.seq<tensor<*xf32>>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @concat_empty(%x: tensor<2xf32>) -> tensor<*xf32> {
  %s = laic.sequence_construct %x : (tensor<2xf32>) -> !laic.seq<tensor<*xf32>>
  %e = laic.sequence_empty : () -> !laic.seq<tensor<*xf32>>
  // expected-error @+1 {{concatenates an empty sequence}}
  %y = laic.concat_from_sequence %e {axis = 0 : i64} : (!laic.seq<tensor<*xf32>>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @split_axis(%x: tensor<2xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects an axis in [-1, 0], got 1}}
  %s = laic.split_to_sequence %x, %none {axis = 1 : i64} : (tensor<2xf32>, none) -> !laic.seq<tensor<*xf32>>
  %y = laic.sequence_length %s : (!laic.seq<tensor<*xf32>>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @split_dynamic(%x: tensor<?xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{makes a sequence whose length is known at run time only, which laic does not support yet}}
  %s = laic.split_to_sequence %x, %none : (tensor<?xf32>, none) -> !laic.seq<tensor<*xf32>>
  %y = laic.sequence_length %s : (!laic.seq<tensor<*xf32>>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @split_count(%x: tensor<2xf32>, %p: tensor<?xi64>) -> tensor<*xf32> {
  // expected-error @+1 {{makes a sequence whose length is known at run time only, which laic does not support yet}}
  %s = laic.split_to_sequence %x, %p : (tensor<2xf32>, tensor<?xi64>) -> !laic.seq<tensor<*xf32>>
  %y = laic.sequence_length %s : (!laic.seq<tensor<*xf32>>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @split_chunk(%x: tensor<2xf32>) -> tensor<*xf32> {
  %p = laic.constant {value = dense<0> : tensor<i64>} : tensor<i64>
  // expected-error @+1 {{expects a split of at least 1, got 0}}
  %s = laic.split_to_sequence %x, %p : (tensor<2xf32>, tensor<i64>) -> !laic.seq<tensor<*xf32>>
  %y = laic.sequence_length %s : (!laic.seq<tensor<*xf32>>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @get_nothing() -> tensor<*xf32> {
  %none = laic.none : none
  %o = laic.optional %none : (none) -> !laic.optional<tensor<*xf32>>
  // expected-error @+1 {{takes the element of an empty optional}}
  %y = laic.optional_get_element %o : (!laic.optional<tensor<*xf32>>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @flex_rank(%q: tensor<2x3x4xf32>, %k: tensor<1x2x3x4xf32>) -> tensor<*xf32> {
  // expected-error @+1 {{expects Q to have rank 4}}
  %y = laic.flex_attention %q, %k, %k : (tensor<2x3x4xf32>, tensor<1x2x3x4xf32>, tensor<1x2x3x4xf32>) -> tensor<*xf32>
    score {} prob {}
  return %y : tensor<*xf32>
}

// -----

func.func @flex_heads(%q: tensor<1x3x5x4xf32>, %k: tensor<1x2x5x4xf32>) -> tensor<*xf32> {
  // expected-error @+1 {{expects the 3 heads of Q to be a multiple of the 2 heads of K}}
  %y = laic.flex_attention %q, %k, %k : (tensor<1x3x5x4xf32>, tensor<1x2x5x4xf32>, tensor<1x2x5x4xf32>) -> tensor<*xf32>
    score {} prob {}
  return %y : tensor<*xf32>
}

// -----

func.func @flex_precision(%q: tensor<1x2x5x4xf32>) -> tensor<*xf32> {
  // expected-error @+1 {{expects 'softmax_precision' to be a float type (1, 10, 11 or 16), got 7}}
  %y = laic.flex_attention %q, %q, %q {softmax_precision = 7 : i64}
    : (tensor<1x2x5x4xf32>, tensor<1x2x5x4xf32>, tensor<1x2x5x4xf32>) -> tensor<*xf32> score {} prob {}
  return %y : tensor<*xf32>
}
