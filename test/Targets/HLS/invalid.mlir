// RUN: laic-opt %s -split-input-file -verify-diagnostics

// expected-error @+1 {{expects a number of 1 to 127 bits, got 128}}
func.func private @wide_number(!hls.num<128, 128, signed>)

// -----

// expected-error @+1 {{expects an array with extents of at least 1}}
func.func private @empty_array(!hls.array<[0], !hls.num<8, 8, signed>>)

// -----

// expected-error @+1 {{expects a word of 1 to 4096 bits, got 8192}}
func.func private @wide_word(!hls.stream<1024, !hls.num<8, 8, signed>>)

// -----

hls.design @outside {
  %s = hls.stream "s" depth 2 : !hls.stream<1, !hls.num<8, 8, signed>>
  %a = hls.buffer "a" : !hls.array<[1], !hls.num<8, 8, signed>>
  %i = arith.constant 0 : index
  // expected-error @+1 {{uses a stream outside of a stage}}
  hls.read %s into %a[%i] : !hls.stream<1, !hls.num<8, 8, signed>> into !hls.array<[1], !hls.num<8, 8, signed>>
}

// -----

hls.design @nobody_reads {
  // expected-error @+1 {{expects a stream with one writer and one reader, got 0 and 0}}
  %s = hls.stream "s" depth 2 : !hls.stream<1, !hls.num<8, 8, signed>>
}

// -----

hls.design @stray {
  // expected-error @+1 {{is neither a port, a stream, a ROM nor a stage of the design}}
  %c = arith.constant 0 : index
}

// -----

hls.design @rom_shape {
  // expected-error @+1 {{expects a value of shape}}
  hls.rom @r = dense<1> : tensor<2xi8> as !hls.array<[3], !hls.num<8, 8, signed>>
}

// -----

hls.design @rom_element {
  // expected-error @+1 {{expects integers that hold}}
  hls.rom @r = dense<1> : tensor<2xi8> as !hls.array<[2], !hls.num<9, 9, signed>>
}

// -----

hls.design @rom_partition_rank {
  // expected-error @+1 {{expects a partition per dim, got 2}}
  hls.rom @r = dense<1> : tensor<2xi8> as !hls.array<[2], !hls.num<8, 8, signed>> partition [1, 1]
}

// -----

hls.design @rom_partition_factor {
  // expected-error @+1 {{partitions an extent of 2 into 3 memories}}
  hls.rom @r = dense<1> : tensor<2xi8> as !hls.array<[2], !hls.num<8, 8, signed>> partition [3]
}

// -----

hls.design @rom_partition_count {
  // expected-error @+1 {{partitions into 2048 memories; tools take 1024}}
  hls.rom @r = dense<1> : tensor<2048xi8> as !hls.array<[2048], !hls.num<8, 8, signed>> partition [2048]
}

// -----

hls.design @dynamic_port {
  // expected-error @+1 {{expects a static tensor type, got}}
  %x = hls.port "x" in at 0 of tensor<?xf32> order [4, 1] scale 1.0 zero_point 0 : !hls.stream<1, !hls.num<8, 8, signed>>
}

// -----

hls.design @port_order {
  // expected-error @+1 {{expects an order that visits every element of}}
  %x = hls.port "x" in at 0 of tensor<4xf32> order [3, 1] scale 1.0 zero_point 0 : !hls.stream<1, !hls.num<8, 8, signed>>
}

// -----

hls.design @port_lanes {
  // expected-error @+1 {{expects lanes that divide the number of elements}}
  %x = hls.port "x" in at 0 of tensor<4xf32> order [4, 1] scale 1.0 zero_point 0 : !hls.stream<3, !hls.num<8, 8, signed>>
}

// -----

hls.design @shallow {
  // expected-error @+1 {{expects a depth of at least 1, got 0}}
  %s = hls.stream "s" depth 0 : !hls.stream<1, !hls.num<8, 8, signed>>
}

// -----

hls.design @stage_arguments {
  %s = hls.stream "s" depth 2 : !hls.stream<1, !hls.num<8, 8, signed>>
  hls.stage @a "copy" reads() writes(%s : !hls.stream<1, !hls.num<8, 8, signed>>) {
  ^bb0(%o: !hls.stream<1, !hls.num<8, 8, signed>>):
  }
  // expected-error @+1 {{expects its body to take the streams it reads, then those it writes}}
  hls.stage @b "copy" reads(%s : !hls.stream<1, !hls.num<8, 8, signed>>) writes() {
  ^bb0(%i: !hls.stream<2, !hls.num<8, 8, signed>>):
  }
}

// -----

hls.design @wrong_end {
  %s = hls.stream "s" depth 2 : !hls.stream<1, !hls.num<8, 8, signed>>
  hls.stage @a "copy" reads() writes(%s : !hls.stream<1, !hls.num<8, 8, signed>>) {
  ^bb0(%o: !hls.stream<1, !hls.num<8, 8, signed>>):
    %a = hls.buffer "a" : !hls.array<[1], !hls.num<8, 8, signed>>
    %c = arith.constant 0 : index
    // expected-error @+1 {{reads a stream that the stage writes}}
    hls.read %o into %a[%c] : !hls.stream<1, !hls.num<8, 8, signed>> into !hls.array<[1], !hls.num<8, 8, signed>>
  }
  hls.stage @b "copy" reads(%s : !hls.stream<1, !hls.num<8, 8, signed>>) writes() {
  ^bb0(%i: !hls.stream<1, !hls.num<8, 8, signed>>):
  }
}

// -----

hls.design @other_wrong_end {
  %s = hls.stream "s" depth 2 : !hls.stream<1, !hls.num<8, 8, signed>>
  hls.stage @a "copy" reads() writes(%s : !hls.stream<1, !hls.num<8, 8, signed>>) {
  ^bb0(%o: !hls.stream<1, !hls.num<8, 8, signed>>):
  }
  hls.stage @b "copy" reads(%s : !hls.stream<1, !hls.num<8, 8, signed>>) writes() {
  ^bb0(%i: !hls.stream<1, !hls.num<8, 8, signed>>):
    %a = hls.buffer "a" : !hls.array<[1], !hls.num<8, 8, signed>>
    %c = arith.constant 0 : index
    // expected-error @+1 {{writes a stream that the stage reads}}
    hls.write %i from %a[%c] : !hls.stream<1, !hls.num<8, 8, signed>> from !hls.array<[1], !hls.num<8, 8, signed>>
  }
}

// -----

hls.design @foreign {
  hls.stage @a "copy" reads() writes() {
    // expected-error @+1 {{is no operation of a stage}}
    %c = laic.none : none
  }
}

// -----

hls.design @same_name {
  hls.stage @a "copy" reads() writes() {
    hls.for "rows" to 2 {
    ^bb0(%i: index):
    }
    // expected-error @+1 {{expects a name of its own in the stage, got 'rows' again}}
    hls.for "rows" to 2 {
    ^bb0(%i: index):
    }
  }
}

// -----

hls.design @loop_argument {
  hls.stage @a "copy" reads() writes() {
    // expected-error @+1 {{expects one index as the argument of its body}}
    hls.for "rows" to 2 {
    }
  }
}

// -----

hls.design @no_iteration {
  hls.stage @a "copy" reads() writes() {
    // expected-error @+1 {{expects at least one iteration, got 0}}
    hls.for "rows" to 0 {
    ^bb0(%i: index):
    }
  }
}

// -----

hls.design @both {
  hls.stage @a "copy" reads() writes() {
    // expected-error @+1 {{is either pipelined or unrolled}}
    hls.for "rows" to 2 pipeline 1 unroll {
    ^bb0(%i: index):
    }
  }
}

// -----

hls.design @interval {
  hls.stage @a "copy" reads() writes() {
    // expected-error @+1 {{expects an initiation interval of at least 1, got 0}}
    hls.for "rows" to 2 pipeline 0 {
    ^bb0(%i: index):
    }
  }
}

// -----

hls.design @rolled_in_unrolled {
  hls.stage @a "copy" reads() writes() {
    hls.for "rows" to 2 unroll {
    ^bb0(%i: index):
      // expected-error @+1 {{is neither pipelined nor unrolled inside of the unrolled loop 'rows'}}
      hls.for "columns" to 2 {
      ^bb0(%j: index):
      }
    }
  }
}

// -----

hls.design @rolled_in_pipelined {
  hls.stage @a "copy" reads() writes() {
    hls.for "rows" to 2 pipeline 1 {
    ^bb0(%i: index):
      // expected-error @+1 {{must be unrolled inside of the pipelined loop 'rows'}}
      hls.for "columns" to 2 {
      ^bb0(%j: index):
      }
    }
  }
}

// -----

hls.design @too_many_instances {
  hls.stage @a "copy" reads() writes() {
    // expected-error @+1 {{unrolls its body 1025 times; tools stop at 1024}}
    hls.for "rows" to 1025 unroll {
    ^bb0(%i: index):
    }
  }
}

// -----

hls.design @indices {
  hls.stage @a "copy" reads() writes() {
    %a = hls.buffer "a" : !hls.array<[2, 2], !hls.num<8, 8, signed>>
    %c = arith.constant 0 : index
    // expected-error @+1 {{expects 2 indices, got 1}}
    %0 = hls.load %a[%c] : !hls.array<[2, 2], !hls.num<8, 8, signed>> -> !hls.num<8, 8, signed>
  }
}

// -----

hls.design @element {
  hls.stage @a "copy" reads() writes() {
    %a = hls.buffer "a" : !hls.array<[2], !hls.num<8, 8, signed>>
    %c = arith.constant 0 : index
    // expected-error @+1 {{expects an element of type}}
    %0 = hls.load %a[%c] : !hls.array<[2], !hls.num<8, 8, signed>> -> !hls.num<9, 9, signed>
  }
}

// -----

hls.design @word_extent {
  %s = hls.stream "s" depth 2 : !hls.stream<2, !hls.num<8, 8, signed>>
  hls.stage @a "copy" reads() writes(%s : !hls.stream<2, !hls.num<8, 8, signed>>) {
  ^bb0(%o: !hls.stream<2, !hls.num<8, 8, signed>>):
    %a = hls.buffer "a" : !hls.array<[3], !hls.num<8, 8, signed>>
    %c = arith.constant 0 : index
    // expected-error @+1 {{expects the array's last extent to be a multiple of 2 lanes}}
    hls.write %o from %a[%c] : !hls.stream<2, !hls.num<8, 8, signed>> from !hls.array<[3], !hls.num<8, 8, signed>>
  }
  hls.stage @b "copy" reads(%s : !hls.stream<2, !hls.num<8, 8, signed>>) writes() {
  ^bb0(%i: !hls.stream<2, !hls.num<8, 8, signed>>):
  }
}

// -----

hls.design @unknown_rom {
  hls.stage @a "copy" reads() writes() {
    %c = arith.constant 0 : index
    // expected-error @+1 {{refers to unknown ROM 'nowhere'}}
    %0 = hls.rom_load @nowhere[%c] : !hls.num<8, 8, signed>
  }
}

// -----

hls.design @unsigned_accumulator {
  hls.stage @a "copy" reads() writes() {
    %a = hls.buffer "a" : !hls.array<[1], !hls.num<32, 32, unsigned>>
    %c = arith.constant 0 : index
    %v = hls.constant 1 : !hls.num<8, 8, signed>
    // expected-error @+1 {{expects a signed accumulator with the binary point of}}
    hls.accumulate %v into %a[%c] terms 4 : !hls.num<8, 8, signed> into !hls.array<[1], !hls.num<32, 32, unsigned>>
  }
}

// -----

hls.design @no_terms {
  hls.stage @a "copy" reads() writes() {
    %a = hls.buffer "a" : !hls.array<[1], !hls.num<32, 32, signed>>
    %c = arith.constant 0 : index
    %v = hls.constant 1 : !hls.num<8, 8, signed>
    // expected-error @+1 {{expects at least one term, got 0}}
    hls.accumulate %v into %a[%c] terms 0 : !hls.num<8, 8, signed> into !hls.array<[1], !hls.num<32, 32, signed>>
  }
}

// -----

hls.design @narrow_accumulator {
  hls.stage @a "copy" reads() writes() {
    %a = hls.buffer "a" : !hls.array<[1], !hls.num<12, 12, signed>>
    %c = arith.constant 0 : index
    %v = hls.constant 1 : !hls.num<8, 8, signed>
    // expected-error @+1 {{expects an accumulator of 13 bits for 9 values}}
    hls.accumulate %v into %a[%c] terms 9 : !hls.num<8, 8, signed> into !hls.array<[1], !hls.num<12, 12, signed>>
  }
}

// -----

// expected-error @+1 {{expects a raw integer within}}
%0 = hls.constant 128 : !hls.num<8, 8, signed>

// -----

%0 = hls.constant 1 : !hls.num<127, 127, signed>
// expected-error @+1 {{a result of 254 bits is wider than 127}}
%1 = hls.mul %0, %0 : !hls.num<127, 127, signed>, !hls.num<127, 127, signed>

// -----

%0 = hls.constant 1 : !hls.num<8, 8, signed>
// expected-error @+1 {{divides unsigned integers of at most 64 bits, got}}
%1 = hls.div %0, %0 : !hls.num<8, 8, signed>, !hls.num<8, 8, signed>

// -----

%0 = hls.constant 1 : !hls.num<8, 6, signed>
%m = hls.constant 1 : !hls.num<8, 8, unsigned>
// expected-error @+1 {{expects integers, the accumulator signed}}
%1 = hls.requantize %0 times %m shift 4 zero_point 0 clamp -128 to 127 : !hls.num<8, 6, signed>, !hls.num<8, 8, unsigned> to !hls.num<8, 8, signed>

// -----

%0 = hls.constant 1 : !hls.num<40, 40, signed>
%m = hls.constant 1 : !hls.num<25, 25, unsigned>
// expected-error @+1 {{expects a product of at most 63 bits, got 40 plus 25}}
%1 = hls.requantize %0 times %m shift 4 zero_point 0 clamp -128 to 127 : !hls.num<40, 40, signed>, !hls.num<25, 25, unsigned> to !hls.num<8, 8, signed>

// -----

%0 = hls.constant 1 : !hls.num<8, 8, signed>
%m = hls.constant 1 : !hls.num<8, 8, unsigned>
// expected-error @+1 {{expects a shift from 0 to 62, got 63}}
%1 = hls.requantize %0 times %m shift 63 zero_point 0 clamp -128 to 127 : !hls.num<8, 8, signed>, !hls.num<8, 8, unsigned> to !hls.num<8, 8, signed>

// -----

%0 = hls.constant 1 : !hls.num<8, 8, signed>
%m = hls.constant 1 : !hls.num<8, 8, unsigned>
// expected-error @+1 {{clamps to -129 and 127, which}}
%1 = hls.requantize %0 times %m shift 4 zero_point 0 clamp -129 to 127 : !hls.num<8, 8, signed>, !hls.num<8, 8, unsigned> to !hls.num<8, 8, signed>

// -----

%0 = hls.constant 1 : !hls.num<8, 8, signed>
// expected-error @+1 {{expects a result of 8 bits, got 9}}
%1 = hls.bits %0 : !hls.num<8, 8, signed> as !hls.num<9, 9, signed>
