// RUN: laic-opt %s -split-input-file --laic-size-streams -verify-diagnostics | FileCheck %s

!num = !hls.num<8, 8, signed>
!s = !hls.stream<1, !num>
!a = !hls.array<[1], !num>

// Stage @late has read six words before it writes one; @join takes one of each. With @join waiting for @late, the other branch
// holds the five words before in its stream; the sixth is what @split still wants to write.
// CHECK-LABEL: hls.design @residual
// CHECK: hls.stream "to_late" depth 2
// CHECK: hls.stream "skip" depth 5
// CHECK: hls.stream "from_late" depth 2
hls.design @residual {
  %x = hls.port "x" in at 0 of tensor<8xi8> order [8, 1] scale 1.0 zero_point 0 : !s
  %y = hls.port "y" out at 0 of tensor<8xi8> order [8, 1] scale 1.0 zero_point 0 : !s
  %p = hls.stream "to_late" depth 2 : !s
  %q = hls.stream "skip" depth 2 : !s
  %r = hls.stream "from_late" depth 2 : !s
  hls.stage @split "split" reads(%x : !s) writes(%p, %q : !s, !s) {
  ^bb0(%i: !s, %o: !s, %o2: !s):
    %w = hls.buffer "w" : !a
    %c0 = arith.constant 0 : index
    hls.for "words" to 8 pipeline 1 {
    ^bb0(%k: index):
      hls.read %i into %w[%c0] : !s into !a
      hls.write %o from %w[%c0] : !s from !a
      hls.write %o2 from %w[%c0] : !s from !a
    }
  }
  hls.stage @late "window" reads(%p : !s) writes(%r : !s) {
  ^bb0(%i: !s, %o: !s):
    %w = hls.buffer "w" : !a
    %c0 = arith.constant 0 : index
    %c5 = arith.constant 5 : index
    %c8 = arith.constant 8 : index
    hls.for "words" to 13 pipeline 1 {
    ^bb0(%k: index):
      %more = arith.cmpi ult, %k, %c8 : index
      %full = arith.cmpi uge, %k, %c5 : index
      hls.if %more {
        hls.read %i into %w[%c0] : !s into !a
      }
      hls.if %full {
        hls.write %o from %w[%c0] : !s from !a
      }
    }
  }
  hls.stage @join "add" reads(%r, %q : !s, !s) writes(%y : !s) {
  ^bb0(%i: !s, %i2: !s, %o: !s):
    %w = hls.buffer "w" : !a
    %c0 = arith.constant 0 : index
    hls.for "words" to 8 pipeline 1 {
    ^bb0(%k: index):
      hls.read %i into %w[%c0] : !s into !a
      hls.read %i2 into %w[%c0] : !s into !a
      hls.write %o from %w[%c0] : !s from !a
    }
  }
}

// -----

!num = !hls.num<8, 8, signed>
!s = !hls.stream<1, !num>
!a = !hls.array<[1], !num>

// Each stage waits for a word of the other: no depth helps.
// expected-error @+1 {{deadlocks whatever the depths of its streams are}}
hls.design @ring {
  %p = hls.stream "p" depth 2 : !s
  %q = hls.stream "q" depth 2 : !s
  hls.stage @a "copy" reads(%p : !s) writes(%q : !s) {
  ^bb0(%i: !s, %o: !s):
    %w = hls.buffer "w" : !a
    %c0 = arith.constant 0 : index
    hls.read %i into %w[%c0] : !s into !a
    hls.write %o from %w[%c0] : !s from !a
  }
  hls.stage @b "copy" reads(%q : !s) writes(%p : !s) {
  ^bb0(%i: !s, %o: !s):
    %w = hls.buffer "w" : !a
    %c0 = arith.constant 0 : index
    hls.read %i into %w[%c0] : !s into !a
    hls.write %o from %w[%c0] : !s from !a
  }
}
