// What every stage of the design uses: words of streams and the arithmetic that ap_int.h and ap_fixed.h lack.
#pragma once
#include <ap_fixed.h>
#include <ap_int.h>
#include <hls_stream.h>

namespace laic_hls {

// Numbers that pass a stream together.
template <class T, int N> struct pack {
  T lane[N];
};

template <class T> inline T greater(const T &x, const T &y) {
#pragma HLS INLINE
  return x < y ? y : x;
}

template <class T> inline T lesser(const T &x, const T &y) {
#pragma HLS INLINE
  return x < y ? x : y;
}

// The same bits as another type of the same width.
template <class To, class From> inline To bits_as(const From &value) {
#pragma HLS INLINE
  To result = 0;
  result.range() = value.range();
  return result;
}

// The raw integer without its last SHIFT bits, as an index into a table whose entry for 0 is at OFFSET.
template <int SHIFT, int OFFSET, class T> inline int index_of(const T &value) {
#pragma HLS INLINE
  return (value >> SHIFT).to_int() + OFFSET;
}

// clamp(ZERO + acc * multiplier / 2^SHIFT to nearest, halves to even, LOWEST, HIGHEST); PRODUCT: bits of acc * multiplier.
template <class Out, int PRODUCT, int SHIFT, int ZERO, int LOWEST, int HIGHEST, class Acc, class Multiplier>
inline Out requantize(const Acc &acc, const Multiplier &multiplier) {
#pragma HLS INLINE
  typedef ap_int<PRODUCT + 1> Wide;
  const Wide half = SHIFT > 0 ? Wide(1) << (SHIFT > 0 ? SHIFT - 1 : 0) : Wide(0);
  const Wide sum = acc * multiplier + half;
  const Wide up = sum >> SHIFT;
  const bool was_half = SHIFT > 0 && (up << SHIFT) == sum;
  const Wide quotient = was_half && up[0] ? Wide(up - 1) : up;
  if (quotient < LOWEST - ZERO)
    return Out(LOWEST);
  if (quotient > HIGHEST - ZERO)
    return Out(HIGHEST);
  return Out(quotient.to_int() + ZERO);
}

} // namespace laic_hls
