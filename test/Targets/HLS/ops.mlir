// RUN: laic-opt %s | laic-opt | FileCheck %s

!x = !hls.num<8, 8, signed>
!f = !hls.num<16, 6, signed>
!u = !hls.num<20, 20, unsigned>

// Sums and products have room for every result.
// CHECK-LABEL: func.func @arithmetic
func.func @arithmetic(%a: !x, %b: !f, %u: !u, %g: !hls.num<4, 4, unsigned>) {
  // CHECK: hls.add %{{.*}}, %{{.*}} : <8, 8, signed>, <16, 6, signed>
  %sum = hls.add %a, %b : !x, !f
  // CHECK: hls.convert %{{.*}} trn wrap : <19, 9, signed> to <16, 6, signed>
  %0 = hls.convert %sum trn wrap : !hls.num<19, 9, signed> to !f
  %difference = hls.sub %g, %g : !hls.num<4, 4, unsigned>, !hls.num<4, 4, unsigned>
  // CHECK: hls.convert %{{.*}} rnd sat : <5, 5, signed> to <8, 8, signed>
  %1 = hls.convert %difference rnd sat : !hls.num<5, 5, signed> to !x
  %product = hls.mul %a, %b : !x, !f
  // CHECK: hls.convert %{{.*}} rnd_conv sat : <24, 14, signed> to <16, 6, signed>
  %2 = hls.convert %product rnd_conv sat : !hls.num<24, 14, signed> to !f
  // CHECK: hls.div %{{.*}}, %{{.*}} : <20, 20, unsigned>, <4, 4, unsigned>
  %3 = hls.div %u, %g : !u, !hls.num<4, 4, unsigned>
  // CHECK: hls.max %{{.*}}, %{{.*}} : <8, 8, signed>
  %4 = hls.max %a, %1 : !x
  // CHECK: hls.min %{{.*}}, %{{.*}} : <8, 8, signed>
  %5 = hls.min %a, %1 : !x
  // CHECK: hls.bits %{{.*}} : <16, 6, signed> as <16, 16, signed>
  %6 = hls.bits %b : !f as !hls.num<16, 16, signed>
  // CHECK: hls.index %{{.*}} shift 4 plus 8 : <8, 8, signed>
  %7 = hls.index %a shift 4 plus 8 : !x
  return
}

// CHECK-LABEL: hls.design @top for "zu7ev"
hls.design @top for "zu7ev" {
  // CHECK: hls.port "x" in at 0 of tensor<1x4xf32> order [4, 1] scale 5.000000e-01 zero_point 3
  %x = hls.port "x" in at 0 of tensor<1x4xf32> order [4, 1] scale 0.5 zero_point 3 : !hls.stream<2, !x>
  // CHECK: hls.port "y" out at 0
  %y = hls.port "y" out at 0 of tensor<1x4xf32> order [4, 1] scale 0.5 zero_point 3 : !hls.stream<2, !x>
  // CHECK: hls.rom @table = dense<[1, 2]> : tensor<2xi8> as !hls.array<[2], <8, 8, signed>> partition [2]
  hls.rom @table = dense<[1, 2]> : tensor<2xi8> as !hls.array<[2], !x> partition [2]
  // CHECK: hls.stage @copy "copy" reads(%{{.*}} : !hls.stream<2, <8, 8, signed>>) writes(%{{.*}} : !hls.stream<2, <8, 8, signed>>)
  hls.stage @copy "copy" reads(%x : !hls.stream<2, !x>) writes(%y : !hls.stream<2, !x>) {
  ^bb0(%i: !hls.stream<2, !x>, %o: !hls.stream<2, !x>):
    // CHECK: hls.buffer "word" partition [2] : <[2], <8, 8, signed>>
    %word = hls.buffer "word" partition [2] : !hls.array<[2], !x>
    %sums = hls.buffer "sums" : !hls.array<[1], !hls.num<24, 24, signed>>
    %c0 = arith.constant 0 : index
    // CHECK: hls.for "words" to 2 pipeline 1
    hls.for "words" to 2 pipeline 1 {
    ^bb0(%k: index):
      // CHECK: hls.read %{{.*}} into %{{.*}}[%{{.*}}]
      hls.read %i into %word[%c0] : !hls.stream<2, !x> into !hls.array<[2], !x>
      // CHECK: hls.for "lanes" to 2 unroll
      hls.for "lanes" to 2 unroll {
      ^bb0(%lane: index):
        // CHECK: hls.load
        %v = hls.load %word[%lane] : !hls.array<[2], !x> -> !x
        // CHECK: hls.rom_load @table[%{{.*}}] : <8, 8, signed>
        %t = hls.rom_load @table[%lane] : !x
        %p = hls.mul %v, %t : !x, !x
        // CHECK: hls.accumulate %{{.*}} into %{{.*}}[%{{.*}}] terms 4 : <16, 16, signed> into <[1], <24, 24, signed>>
        hls.accumulate %p into %sums[%c0] terms 4 : !hls.num<16, 16, signed> into !hls.array<[1], !hls.num<24, 24, signed>>
        %s = hls.load %sums[%c0] : !hls.array<[1], !hls.num<24, 24, signed>> -> !hls.num<24, 24, signed>
        // CHECK: hls.constant 5 : <4, 4, unsigned>
        %m = hls.constant 5 : !hls.num<4, 4, unsigned>
        // CHECK: hls.requantize %{{.*}} times %{{.*}} shift 3 zero_point -1 clamp -128 to 100
        %q = hls.requantize %s times %m shift 3 zero_point -1 clamp -128 to 100 : !hls.num<24, 24, signed>, !hls.num<4, 4, unsigned> to !x
        // CHECK: hls.store
        hls.store %q, %word[%lane] : !x, !hls.array<[2], !x>
      }
      %first = arith.cmpi eq, %k, %c0 : index
      // CHECK: hls.if %{{.*}} {
      hls.if %first {
        %zero = hls.constant 0 : !hls.num<24, 24, signed>
        hls.store %zero, %sums[%c0] : !hls.num<24, 24, signed>, !hls.array<[1], !hls.num<24, 24, signed>>
      }
      // CHECK: hls.write %{{.*}} from %{{.*}}[%{{.*}}]
      hls.write %o from %word[%c0] : !hls.stream<2, !x> from !hls.array<[2], !x>
    }
  }
}
