// What laic-resolve-control-flow refuses.
// RUN: laic-opt --laic-resolve-control-flow --split-input-file --verify-diagnostics %s

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

func.func @loop_endless(%x: tensor<2xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{unrolls to more than 4096 operations}}
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

func.func @if_rank(%c: tensor<i1>, %x: tensor<2xf32>, %z: tensor<2x3xf32>) -> tensor<*xf32> {
  // expected-error @+1 {{has a condition that is computed at run time and branches whose outputs differ in rank or element type, which laic does not support yet}}
  %y = laic.if %c : (tensor<i1>) -> tensor<*xf32> {
    laic.outputs %z : tensor<2x3xf32>
  } else {
    laic.outputs %x : tensor<2xf32>
  }
  return %y : tensor<*xf32>
}

// -----

func.func @if_kind(%c: tensor<i1>, %x: tensor<2xf32>) -> tensor<*xf32> {
  // expected-error @+1 {{has a condition that is computed at run time and branches whose outputs are sequences or optionals in one branch alone, which laic does not support yet}}
  %s = laic.if %c : (tensor<i1>) -> !laic.seq<tensor<*xf32>> {
    %a = laic.sequence_construct %x : (tensor<2xf32>) -> !laic.seq<tensor<*xf32>>
    laic.outputs %a : !laic.seq<tensor<*xf32>>
  } else {
    laic.outputs %x : tensor<2xf32>
  }
  %y = laic.sequence_length %s : (!laic.seq<tensor<*xf32>>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @loop_sequence(%x: tensor<2xf32>, %m: tensor<i64>) -> tensor<*xf32> {
  %none = laic.none : none
  %s = laic.sequence_construct %x : (tensor<2xf32>) -> !laic.seq<tensor<*xf32>>
  // expected-error @+1 {{carries a sequence or an optional, and only the call knows how often it runs, which laic does not support yet}}
  %t = laic.loop %m, %none, %s : (tensor<i64>, none, !laic.seq<tensor<*xf32>>) -> !laic.seq<tensor<*xf32>> {
  ^bb0(%i: tensor<*xf32>, %g: tensor<*xf32>, %p: !laic.seq<tensor<*xf32>>):
    laic.outputs %g, %p : tensor<*xf32>, !laic.seq<tensor<*xf32>>
  }
  %y = laic.sequence_length %t : (!laic.seq<tensor<*xf32>>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @loop_makes_sequence(%x: tensor<2xf32>, %m: tensor<i64>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{makes a sequence or an optional, and only the call knows how often it runs, which laic does not support yet}}
  %y = laic.loop %m, %none, %x : (tensor<i64>, none, tensor<2xf32>) -> tensor<*xf32> {
  ^bb0(%i: tensor<*xf32>, %g: tensor<*xf32>, %p: tensor<*xf32>):
    %s = laic.sequence_construct %x, %p : (tensor<2xf32>, tensor<*xf32>) -> !laic.seq<tensor<*xf32>>
    laic.outputs %g, %s : tensor<*xf32>, !laic.seq<tensor<*xf32>>
  }
  return %y : tensor<*xf32>
}

// -----

func.func @loop_rank(%x: tensor<2xf32>, %m: tensor<i64>) -> tensor<*xf32> {
  %none = laic.none : none
  %zero = laic.constant {value = dense<0> : tensor<1xi64>} : tensor<1xi64>
  // expected-error @+1 {{carries a value whose rank or element type changes, and only the call knows how often it runs}}
  %y = laic.loop %m, %none, %x : (tensor<i64>, none, tensor<2xf32>) -> tensor<*xf32> {
  ^bb0(%i: tensor<*xf32>, %g: tensor<*xf32>, %p: tensor<*xf32>):
    %u = laic.unsqueeze %p, %zero : (tensor<*xf32>, tensor<1xi64>) -> tensor<*xf32>
    laic.outputs %g, %u : tensor<*xf32>, tensor<*xf32>
  }
  return %y : tensor<*xf32>
}

// -----

func.func @loop_boolean(%x: tensor<2xf32>, %m: tensor<i64>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects the condition that its body computes to be a boolean}}
  %y = laic.loop %m, %none, %x : (tensor<i64>, none, tensor<2xf32>) -> tensor<*xf32> {
  ^bb0(%i: tensor<*xf32>, %g: tensor<*xf32>, %p: tensor<*xf32>):
    laic.outputs %i, %p : tensor<*xf32>, tensor<*xf32>
  }
  return %y : tensor<*xf32>
}

// -----

func.func @loop_late_sizes(%x: tensor<?x?x?x?x?x?x?x?xf32>, %m: tensor<i64>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{has outputs with 72 sizes that only the call knows, at most 64 are possible}}
  %y:9 = laic.loop %m, %none, %x, %x, %x, %x, %x, %x, %x, %x, %x : (tensor<i64>, none, tensor<?x?x?x?x?x?x?x?xf32>,
      tensor<?x?x?x?x?x?x?x?xf32>, tensor<?x?x?x?x?x?x?x?xf32>, tensor<?x?x?x?x?x?x?x?xf32>, tensor<?x?x?x?x?x?x?x?xf32>,
      tensor<?x?x?x?x?x?x?x?xf32>, tensor<?x?x?x?x?x?x?x?xf32>, tensor<?x?x?x?x?x?x?x?xf32>, tensor<?x?x?x?x?x?x?x?xf32>)
      -> (tensor<*xf32>, tensor<*xf32>, tensor<*xf32>, tensor<*xf32>, tensor<*xf32>, tensor<*xf32>, tensor<*xf32>, tensor<*xf32>, tensor<*xf32>) {
  ^bb0(%i: tensor<*xf32>, %g: tensor<*xf32>, %a: tensor<*xf32>, %b: tensor<*xf32>, %c: tensor<*xf32>, %d: tensor<*xf32>,
       %e: tensor<*xf32>, %f: tensor<*xf32>, %h: tensor<*xf32>, %j: tensor<*xf32>, %k: tensor<*xf32>):
    %t = laic.transpose %a : (tensor<*xf32>) -> tensor<*xf32>
    laic.outputs %g, %t, %t, %t, %t, %t, %t, %t, %t, %t : tensor<*xf32>, tensor<*xf32>, tensor<*xf32>, tensor<*xf32>, tensor<*xf32>,
        tensor<*xf32>, tensor<*xf32>, tensor<*xf32>, tensor<*xf32>, tensor<*xf32>
  }
  return %y#0 : tensor<*xf32>
}

// -----

func.func @scan_other_axis(%x: tensor<?x3xf32>) -> tensor<*xf32> {
  // expected-error @+1 {{scans a dim whose size is known at run time only and stacks outputs along another dim than the first, which laic does not support yet}}
  %y = laic.scan_loop %x {num_scan_inputs = 1 : i64, scan_output_axes = array<i64: 1>} : (tensor<?x3xf32>) -> tensor<*xf32> {
  ^bb0(%b0: tensor<*xf32>):
    laic.outputs %b0 : tensor<*xf32>
  }
  return %y : tensor<*xf32>
}

// -----

func.func @if_nested(%c: tensor<i1>, %x: tensor<2xf32>, %z: tensor<1xf32>, %k: tensor<1xi64>) -> tensor<*xf32> {
    %v9 = laic.if %c : (tensor<i1>) -> tensor<*xf32> {
    %v8 = laic.if %c : (tensor<i1>) -> tensor<*xf32> {
    %v7 = laic.if %c : (tensor<i1>) -> tensor<*xf32> {
    %v6 = laic.if %c : (tensor<i1>) -> tensor<*xf32> {
    %v5 = laic.if %c : (tensor<i1>) -> tensor<*xf32> {
    %v4 = laic.if %c : (tensor<i1>) -> tensor<*xf32> {
    %v3 = laic.if %c : (tensor<i1>) -> tensor<*xf32> {
    %v2 = laic.if %c : (tensor<i1>) -> tensor<*xf32> {
    // expected-error @+1 {{is nested in more than 8 branches and loops whose structure only the call knows}}
    %v1 = laic.if %c : (tensor<i1>) -> tensor<*xf32> {
    %v0 = laic.gather %x, %k : (tensor<2xf32>, tensor<1xi64>) -> tensor<*xf32>
    laic.outputs %v0 : tensor<*xf32>
    } else {
    laic.outputs %z : tensor<1xf32>
    }
    laic.outputs %v1 : tensor<*xf32>
    } else {
    laic.outputs %z : tensor<1xf32>
    }
    laic.outputs %v2 : tensor<*xf32>
    } else {
    laic.outputs %z : tensor<1xf32>
    }
    laic.outputs %v3 : tensor<*xf32>
    } else {
    laic.outputs %z : tensor<1xf32>
    }
    laic.outputs %v4 : tensor<*xf32>
    } else {
    laic.outputs %z : tensor<1xf32>
    }
    laic.outputs %v5 : tensor<*xf32>
    } else {
    laic.outputs %z : tensor<1xf32>
    }
    laic.outputs %v6 : tensor<*xf32>
    } else {
    laic.outputs %z : tensor<1xf32>
    }
    laic.outputs %v7 : tensor<*xf32>
    } else {
    laic.outputs %z : tensor<1xf32>
    }
    laic.outputs %v8 : tensor<*xf32>
    } else {
    laic.outputs %z : tensor<1xf32>
    }
  return %v9 : tensor<*xf32>
}

// -----

func.func @if_captures(%c: tensor<i1>, %x: tensor<6xf32>, %r: tensor<*xf32>) -> tensor<*xf32> {
  // expected-error @+1 {{captures a value of unknown rank}}
  %y = laic.if %c : (tensor<i1>) -> tensor<*xf32> {
    laic.outputs %r : tensor<*xf32>
  } else {
    laic.outputs %x : tensor<6xf32>
  }
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

// -----

func.func @if_number(%c: tensor<f32>, %x: tensor<2xf32>) -> tensor<*xf32> {
  // expected-error @+1 {{expects a condition of element type bool, got f32}}
  %y = laic.if %c : (tensor<f32>) -> tensor<*xf32> {
    laic.outputs %x : tensor<2xf32>
  } else {
    laic.outputs %x : tensor<2xf32>
  }
  return %y : tensor<*xf32>
}

// -----

func.func @loop_trips(%m: tensor<i32>, %x: tensor<2xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects a trip count of element type i64, got i32}}
  %y = laic.loop %m, %none, %x : (tensor<i32>, none, tensor<2xf32>) -> tensor<*xf32> {
  ^bb0(%i: tensor<*xf32>, %g: tensor<*xf32>, %a: tensor<*xf32>):
    laic.outputs %g, %a : tensor<*xf32>, tensor<*xf32>
  }
  return %y : tensor<*xf32>
}

// -----

func.func @loop_number(%m: tensor<i64>, %c: tensor<i64>, %x: tensor<2xf32>) -> tensor<*xf32> {
  // expected-error @+1 {{expects a condition of element type bool, got i64}}
  %y = laic.loop %m, %c, %x : (tensor<i64>, tensor<i64>, tensor<2xf32>) -> tensor<*xf32> {
  ^bb0(%i: tensor<*xf32>, %g: tensor<*xf32>, %a: tensor<*xf32>):
    laic.outputs %g, %a : tensor<*xf32>, tensor<*xf32>
  }
  return %y : tensor<*xf32>
}
